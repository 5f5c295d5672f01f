"""What becomes of a redemption when its provider's answer is known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend.rewards.interfaces import Cancelled, Done, Refused, Settling, Withdrawn
from backend.rewards.redemptions import steps
from backend.rewards.redemptions.policy import (
    CANCELLED,
    CONFIRMED,
    MEMBER,
    OPERATOR,
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


def apply(
    tx: Session,
    holder_id: UUID,
    redemption_id: UUID,
    answer: Settling,
    *,
    operator_id: UUID | None = None,
    wished: bool = False,
    now: datetime,
) -> bool:
    """Settle a redemption by what is known of its order; the redemption is held by the caller.

    Done: requested → confirmed, the points are spent. Refused, Withdrawn: reserved or requested → cancelled. Cancelled,
    Withdrawn: confirmed → refunded. Points go back with the reason told, and so does the piece of stock, which nobody
    got. `operator_id`: who says it, where the provider did not; `wished`: the member asked for it to be withdrawn.
    False where it changes nothing, because the redemption is there already or ended otherwise.
    """
    held = steps.hold(tx, holder_id, redemption_id)
    if held is None or held.state == REVIEW:
        return False
    target = CONFIRMED if isinstance(answer, Done) else REFUNDED if held.state == CONFIRMED else CANCELLED
    if target not in STEPS[held.state] or (isinstance(answer, Refused) and target == REFUNDED):
        return False
    steps.move(tx, held, target, _why(answer, operator_id, wished), now=now)
    if target == REFUNDED:
        steps.put_back(tx, held)
    return True


def _why(answer: Settling, operator_id: UUID | None, wished: bool) -> Why:
    actor = PROVIDER if operator_id is None else OPERATOR
    match answer:
        case Done():
            code = None
        case Refused():
            code = "PROVIDER_REFUSED" if operator_id is None else "NOT_DELIVERED"
        case Withdrawn() if wished:
            return Why("MEMBER_CANCELLED", MEMBER)
        case Withdrawn():
            code = "PROVIDER_WITHDRAWN"
        case Cancelled():
            code = "PROVIDER_CANCELLED"
    return Why(code, actor, operator_id)
