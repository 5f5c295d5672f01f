"""What members allow: per partner and scene, under a text of a stated version."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, Uuid, select
from sqlalchemy.orm import Session

from backend.identity.consent_texts import CONSENT_TEXTS, SCENES, current_consent_text
from backend.identity.errors import ConsentTextReplaced, UnknownConsentText, UnknownScene
from backend.identity.models import Consent, ConsentChange
from backend.identity.persons import hold_person
from backend.ids import new_id
from backend.lists import recordset

#: What a member's consent can be: `renewal_needed` was given for a purpose that has changed since.
GRANTED, WITHDRAWN, RENEWAL_NEEDED, NEVER_GIVEN = "granted", "withdrawn", "renewal_needed", "never_given"
#: Where a change of a consent came from: the member's own hand, a permission taken back in WeChat, the deletion of the
#: account.
MEMBER, WECHAT, DELETION = "member", "wechat", "deletion"


@dataclass(frozen=True, slots=True)
class ConsentState:
    """A member's standing consent: acts from `counts_from` on may be credited while it is granted."""

    granted: bool
    counts_from: datetime


def consent_state(granted: bool, text_version: str) -> str:
    """How a decision under this wording stands now."""
    if not granted:
        return WITHDRAWN
    same_purpose = CONSENT_TEXTS[text_version].purpose.version == current_consent_text().purpose.version
    return GRANTED if same_purpose else RENEWAL_NEEDED


def set_consent(
    tx: Session,
    *,
    holder_id: UUID,
    partner: str,
    scene: str,
    granted: bool,
    text_version: str | None = None,
    source: str = MEMBER,
    now: datetime,
) -> Consent:
    """Grant or withdraw, under the wording in force where none is named. Every change is kept; setting what already
    stands changes nothing, and agreeing again without a withdrawal between loses no day that was covered.

    Raises ConsentTextReplaced when somebody agrees to a purpose that is no longer ours.
    """
    if scene not in SCENES:
        raise UnknownScene(scene, scenes=sorted(SCENES))
    text = CONSENT_TEXTS.get(text_version) if text_version else current_consent_text()
    if text is None:
        raise UnknownConsentText(str(text_version), versions=sorted(CONSENT_TEXTS))
    if consent_state(granted, text.version) == RENEWAL_NEEDED:
        raise ConsentTextReplaced(version=current_consent_text().version)
    if granted:
        hold_person(tx, holder_id)
    consent = tx.get(Consent, (holder_id, partner, scene), with_for_update=True)
    if consent is not None and consent.granted == granted and (not granted or consent.text_version == text.version):
        return consent
    counts_from = now - timedelta(days=text.look_back_days)
    if consent is not None and consent.granted and granted:
        counts_from = min(counts_from, consent.counts_from)
    change = {"holder_id": holder_id, "partner": partner, "scene": scene, "granted": granted}
    tx.add(ConsentChange(id=new_id(), text_version=text.version, source=source, changed_at=now, **change))
    consent = tx.merge(Consent(text_version=text.version, counts_from=counts_from, changed_at=now, **change))
    tx.flush()
    return consent


def end_consents(
    tx: Session,
    holder_id: UUID,
    scenes: Collection[str] = tuple(SCENES),
    *,
    given_before: datetime | None = None,
    source: str,
    now: datetime,
) -> int:
    """Withdraw every consent of these scenes that was given before an instant (or ever). Returns how many."""
    query = select(Consent).where(Consent.holder_id == holder_id, Consent.granted, Consent.scene.in_(scenes))
    if given_before is not None:
        query = query.where(Consent.changed_at < given_before)
    query = query.order_by(Consent.partner, Consent.scene).with_for_update()
    standing = list(tx.scalars(query.execution_options(populate_existing=True)))
    for consent in standing:
        given = {"partner": consent.partner, "scene": consent.scene, "text_version": consent.text_version}
        set_consent(tx, holder_id=holder_id, granted=False, source=source, now=now, **given)
    return len(standing)


def consents_of(tx: Session, holder_id: UUID) -> list[Consent]:
    """What the member has ever decided, as it stands now."""
    return list(
        tx.scalars(select(Consent).where(Consent.holder_id == holder_id).order_by(Consent.partner, Consent.scene))
    )


def consent_changes(tx: Session, holder_id: UUID, partner: str, scene: str, *, limit: int) -> list[ConsentChange]:
    """The member's last decisions about one partner and scene, newest first."""
    mine = (ConsentChange.holder_id == holder_id, ConsentChange.partner == partner, ConsentChange.scene == scene)
    return list(tx.scalars(select(ConsentChange).where(*mine).order_by(ConsentChange.id.desc()).limit(limit)))


def hold_consents(tx: Session, wanted: Collection[tuple[UUID, str, str]]) -> dict[tuple[UUID, str, str], ConsentState]:
    """The consents of these (holder, partner, scene), held until commit: a withdrawal waits, or has been seen."""
    keys = recordset(tx, "wanted", {"holder_id": Uuid(), "partner": Text(), "scene": Text()}, sorted(set(wanted)))
    query = (
        select(Consent.__table__)
        .join(
            keys,
            (Consent.holder_id == keys.c.holder_id)
            & (Consent.partner == keys.c.partner)
            & (Consent.scene == keys.c.scene),
        )
        .order_by(Consent.holder_id, Consent.partner, Consent.scene)
        .with_for_update(read=True, of=Consent)
    )
    return {
        (row.holder_id, row.partner, row.scene): ConsentState(
            consent_state(row.granted, row.text_version) == GRANTED, row.counts_from
        )
        for row in tx.execute(query)
    }
