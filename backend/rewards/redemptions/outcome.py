"""What becomes of a redemption when its provider's answer is known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend.rewards.interfaces import Cancelled, Done, Refused, Settling, Withdrawn
from backend.rewards.redemptions import steps
from backend.rewards.redemptions.policy import (
    CANCELLED,
    CONFIRMED,
    PROVIDER,
    REFUNDED,
    REQUESTED,
    RESERVED,
    REVIEW,
    STEPS,
)
from backend.rewards.redemptions.steps import Why


def hold(tx: Session, holder_id: UUID, redemption_id: UUID) -> str | None:
    """Lock a redemption until commit and say its state; None where there is none. Comes before its order."""
    found = steps.hold(tx, holder_id, redemption_id)
    return None if found is None else found.state


def requested(tx: Session, holder_id: UUID, redemption_id: UUID, *, now: datetime) -> bool:
    """Its order is about to be sent: reserved → requested. False where the redemption does not stand any more.

    The redemption is held by the caller.
    """
    held = steps.hold(tx, holder_id, redemption_id)
    if held is None or held.state != RESERVED:
        return False
    steps.move(tx, held, REQUESTED, Why(), now=now)
    return True


def apply(tx: Session, holder_id: UUID, redemption_id: UUID, answer: Settling, *, now: datetime) -> bool:
    """Settle a redemption by what is known of its order; the redemption is held by the caller.

    Done: requested → confirmed, the points are spent. Refused, Withdrawn: reserved or requested → cancelled, the points
    and the piece of stock go back with the reason told; what was confirmed before it was withdrawn is refunded, and its
    piece goes back as well. Cancelled: confirmed → refunded. False where it changes nothing, because the redemption is
    there already or ended otherwise.
    """
    held = steps.hold(tx, holder_id, redemption_id)
    target, why = _told(answer)
    undone = isinstance(answer, Withdrawn) and held is not None and held.state == CONFIRMED
    target = REFUNDED if undone else target
    if held is None or held.state == REVIEW or target not in STEPS[held.state]:
        return False
    steps.move(tx, held, target, Why(why, PROVIDER), now=now)
    if undone:
        steps.put_back(tx, held)
    return True


def _told(answer: Settling) -> tuple[str, str | None]:
    match answer:
        case Done():
            return CONFIRMED, None
        case Refused():
            return CANCELLED, "PROVIDER_REFUSED"
        case Withdrawn():
            return CANCELLED, "PROVIDER_WITHDRAWN"
        case Cancelled():
            return REFUNDED, "PROVIDER_CANCELLED"
