"""What allows an act to be recorded: a consent, an agreement, or that its member entered it. Held until commit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import clock, identity
from backend.activities import AGREEMENT, CONSENT, OWN_ACT, Act
from backend.identity import ConsentState

NO_CONSENT, BEFORE_CONSENT, NO_AGREEMENT, FORGOTTEN = (
    *("NO_CONSENT", "BEFORE_CONSENT", "NO_AGREEMENT", "MEMBER_FORGOTTEN"),
)
#: What may still come: such an act waits.
MAY_STILL_COME = (NO_CONSENT, NO_AGREEMENT)


@dataclass(frozen=True, slots=True)
class Basis:
    """Whose act it is, where it comes from and what it rests on."""

    rests_on: str
    holder_id: UUID
    programme: str
    source: str
    scene: str
    occurred_at: datetime

    @property
    def consent(self) -> tuple[UUID, str, str]:
        return self.holder_id, self.source, self.scene

    @property
    def agreement(self) -> tuple[str, str, date]:
        return self.programme, self.source, clock.day_of(self.occurred_at)


def basis_of(act: Act) -> Basis:
    """The basis of an act that was recorded."""
    return Basis(act.rests_on, act.holder_id, act.programme, act.partner, act.scene, act.occurred_at)


def refusals(tx: Session, asked: Collection[Basis], *, now: datetime) -> dict[Basis, str | None]:
    """Why each of these acts may not be credited now, None where it may."""
    wanted = {item.consent for item in asked if item.rests_on == CONSENT}
    consents = identity.hold_consents(tx, wanted, now=now) if wanted else {}
    agreed = identity.agreements.hold_agreements(tx, {item.agreement for item in asked if item.rests_on == AGREEMENT})
    living = identity.hold_living(tx, {item.holder_id for item in asked if item.rests_on != CONSENT})
    answers: dict[Basis, str | None] = {}
    for item in asked:
        if item.rests_on == CONSENT:
            answers[item] = _by_consent(item, consents.get(item.consent))
        elif item.holder_id not in living:
            answers[item] = FORGOTTEN
        else:
            assert item.rests_on in (AGREEMENT, OWN_ACT)
            answers[item] = None if item.rests_on == OWN_ACT or item.agreement in agreed else NO_AGREEMENT
    return answers


def _by_consent(item: Basis, consent: ConsentState | None) -> str | None:
    if consent is None or not consent.granted:
        return NO_CONSENT
    return BEFORE_CONSENT if item.occurred_at < consent.counts_from else None
