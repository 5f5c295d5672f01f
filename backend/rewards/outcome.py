"""What becomes of a redemption when its provider's answer is known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend.rewards.interfaces import Settling


def hold(tx: Session, holder_id: UUID, redemption_id: UUID) -> str | None:
    """Lock a redemption until commit and say its state; None where there is none. Comes before its order."""
    raise NotImplementedError


def requested(tx: Session, holder_id: UUID, redemption_id: UUID, *, now: datetime) -> bool:
    """Its order is about to be sent: reserved → requested. False where the redemption does not stand any more.

    The redemption is held by the caller.
    """
    raise NotImplementedError


def apply(tx: Session, holder_id: UUID, redemption_id: UUID, answer: Settling, *, now: datetime) -> bool:
    """Settle a redemption by what is known of its order; the redemption is held by the caller.

    Done: requested → confirmed, the points are spent. Refused, Withdrawn: requested → cancelled, the points and the
    piece of stock go back with the reason told. Cancelled: confirmed → refunded. False where it changes nothing,
    because the redemption is there already or ended otherwise.
    """
    raise NotImplementedError
