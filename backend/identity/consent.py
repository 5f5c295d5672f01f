"""What members allow: per partner and scene, under a text of a stated version.

In the scene `SHARING` the partner is a platform that we tell, not one that tells us, and each change is announced, so
that the telling begins and ends with it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, select, update
from sqlalchemy.orm import Session

from backend import clock, outbox
from backend.identity.consent_texts import CONSENT_TEXTS, SCENES, SHARING, ConsentText, current_consent_text
from backend.identity.errors import ConsentTextReplaced, UnknownConsentText, UnknownScene
from backend.identity.minors import hold_decider
from backend.identity.models import Consent, ConsentChange
from backend.identity.persons import enrolments
from backend.ids import new_id
from backend.lists import recordset
from backend.outbox import Announcement

#: What a member's consent can be: `renewal_needed` was given for a purpose that has changed since.
GRANTED, WITHDRAWN, RENEWAL_NEEDED, NEVER_GIVEN = "granted", "withdrawn", "renewal_needed", "never_given"
#: Where a change of a consent came from: the member's own hand, that of their guardian, a permission taken back in
#: WeChat, the deletion of the account, the member turning out to be under fourteen, or the end of the guardianship.
MEMBER, GUARDIAN, WECHAT, DELETION, AGE, GUARDIAN_LEFT = SOURCES = (
    *("member", "guardian", "wechat", "deletion", "age", "guardian_left"),
)


@dataclass(frozen=True, slots=True)
class ConsentState:
    """A member's standing consent: acts from `counts_from` on may be credited while it is granted."""

    granted: bool
    counts_from: datetime


def consent_state(consent: Any, *, now: datetime) -> str:
    """How a decision (a row of `consents`) stands at this instant."""
    if not consent.granted:
        return WITHDRAWN
    if consent.counts_until is not None and consent.counts_until <= now:
        return RENEWAL_NEEDED  # a guardian gave it, and the ward has come of age since
    return GRANTED if _serves_our_purpose(CONSENT_TEXTS[consent.text_version]) else RENEWAL_NEEDED


def _serves_our_purpose(text: ConsentText) -> bool:
    return text.purpose.version == current_consent_text(sharing=text.sharing).purpose.version


def set_consent(
    tx: Session,
    *,
    holder_id: UUID,
    partner: str,
    scene: str,
    granted: bool,
    text_version: str | None = None,
    decided_by: UUID | None = None,
    source: str = MEMBER,
    now: datetime,
) -> Consent:
    """Grant or withdraw, under the wording in force where none is named. Every change is kept; setting what already
    stands changes nothing, and agreeing again without a withdrawal between loses no day that was covered.

    `decided_by`: the member's guardian, where it is not the member. Raises ConsentTextReplaced when somebody agrees to
    a purpose that is no longer ours, GuardianNeeded when somebody under fourteen agrees alone, NotFound when somebody
    decides for a person who is not their ward.
    """
    text = _text(scene, text_version, granted)
    decided_by = decided_by or holder_id
    counts_until = None
    if granted or decided_by != holder_id:
        counts_until = hold_decider(tx, holder_id, decided_by, now=now)
    decision = {
        "granted": granted,
        "text_version": text.version,
        "decided_by": decided_by,
        "counts_until": counts_until if granted else None,
    }
    consent = tx.get(Consent, (holder_id, partner, scene), with_for_update=True)
    if consent is not None and _stands_already(consent, decision):
        return consent
    if not granted:
        now = max(now, clock.now())  # what was credited while this waited for the row was credited before it
    counts_from = now - timedelta(days=text.look_back_days)
    if consent is not None and consent.granted and granted:
        counts_from = min(counts_from, consent.counts_from)
    decision |= {"holder_id": holder_id, "partner": partner, "scene": scene, "changed_at": now}
    consent = tx.merge(Consent(counts_from=counts_from, **decision))
    del decision["counts_until"]
    tx.add(ConsentChange(id=new_id(), source=source if decided_by == holder_id else GUARDIAN, **decision))
    tx.flush()
    if scene == SHARING:
        _announce(tx, holder_id, partner, granted, now)
    return consent


def _text(scene: str, version: str | None, granted: bool) -> ConsentText:
    """The wording a decision is made under; who grants, grants our present purpose."""
    sharing = scene == SHARING
    if not sharing and scene not in SCENES:
        raise UnknownScene(scene, scenes=sorted(SCENES))
    current = current_consent_text(sharing=sharing)
    text = CONSENT_TEXTS.get(version) if version else current
    if text is None or text.sharing != sharing:
        versions = sorted(known.version for known in CONSENT_TEXTS.values() if known.sharing == sharing)
        raise UnknownConsentText(str(version), versions=versions)
    if granted and not _serves_our_purpose(text):
        raise ConsentTextReplaced(version=current.version)
    return text


def _stands_already(consent: Consent, decision: Mapping[str, Any]) -> bool:
    if not (consent.granted and decision["granted"]):
        return consent.granted == decision["granted"]
    return all(getattr(consent, name) == value for name, value in decision.items())


def _announce(tx: Session, holder_id: UUID, destination: str, granted: bool, now: datetime) -> None:
    """Say of each account of the member that a platform may be told from now on, or may not any more."""
    topic = "consent.granted" if granted else "consent.withdrawn"
    facts = [{"destination": destination, "programme": row.programme} for row in enrolments(tx, holder_id)]
    outbox.announce(tx, [Announcement(topic, holder_id, item) for item in facts], now=now)


def end_consents(
    tx: Session,
    holder_id: UUID,
    scenes: Collection[str] = (*SCENES, SHARING),
    *,
    given_before: datetime | None = None,
    given_by: UUID | None = None,
    source: str,
    now: datetime,
) -> int:
    """Withdraw every consent of these scenes that was given before an instant (or ever), by this person (or anybody).

    Returns how many.
    """
    query = select(Consent).where(Consent.holder_id == holder_id, Consent.granted, Consent.scene.in_(scenes))
    if given_before is not None:
        query = query.where(Consent.changed_at < given_before)
    if given_by is not None:
        query = query.where(Consent.decided_by == given_by)
    query = query.order_by(Consent.partner, Consent.scene).with_for_update()
    standing = list(tx.scalars(query.execution_options(populate_existing=True)))
    for consent in standing:
        set_consent(
            tx,
            holder_id=holder_id,
            partner=consent.partner,
            scene=consent.scene,
            granted=False,
            text_version=consent.text_version,
            source=source,
            now=now,
        )
    return len(standing)


def move_guardians_consents(tx: Session, holder_id: UUID, counts_until: datetime) -> None:
    """Let what a guardian consented to count until another instant: the ward's birthday was corrected."""
    theirs = (Consent.holder_id == holder_id, Consent.granted, Consent.counts_until.is_not(None))
    tx.execute(update(Consent).where(*theirs).values(counts_until=counts_until))


def consents_of(tx: Session, holder_id: UUID) -> list[Consent]:
    """What the member has ever decided, as it stands now."""
    return list(
        tx.scalars(select(Consent).where(Consent.holder_id == holder_id).order_by(Consent.partner, Consent.scene))
    )


def consent_changes(tx: Session, holder_id: UUID, partner: str, scene: str, *, limit: int) -> list[ConsentChange]:
    """The member's last decisions about one partner and scene, newest first."""
    mine = (ConsentChange.holder_id == holder_id, ConsentChange.partner == partner, ConsentChange.scene == scene)
    return list(tx.scalars(select(ConsentChange).where(*mine).order_by(ConsentChange.id.desc()).limit(limit)))


def hold_consents(
    tx: Session, wanted: Collection[tuple[UUID, str, str]], *, now: datetime
) -> dict[tuple[UUID, str, str], ConsentState]:
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
        (row.holder_id, row.partner, row.scene): ConsentState(consent_state(row, now=now) == GRANTED, row.counts_from)
        for row in tx.execute(query)
    }
