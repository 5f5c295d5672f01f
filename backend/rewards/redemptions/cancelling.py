"""A member does not want something any more.

What was not sent is called off, and so is what operators have not carried out. What was sent is for its provider to
withdraw: the wish is written down with the order, and the provider is asked until it says. Points come back by its word
alone.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from backend import clock
from backend.database import retried
from backend.errors import NotFound
from backend.rewards.orders import handovers, preparing, recipients
from backend.rewards.redemptions import steps
from backend.rewards.redemptions.desk import Desk
from backend.rewards.redemptions.errors import TooLateToCancel
from backend.rewards.redemptions.models import Redemption
from backend.rewards.redemptions.policy import (
    ASKED,
    CANCELLED,
    CONFIRMED,
    DENIED,
    HELD,
    MEMBER,
    REFUNDED,
    may_cancel,
)
from backend.rewards.redemptions.steps import Why

#: It is cancelled already, by whoever it was.
_AS_WISHED = ("MEMBER_CANCELLED", "PROVIDER_WITHDRAWN")


def cancel(desk: Desk, holder_id: UUID, redemption_id: UUID) -> None:
    """Cancel a redemption, or ask its provider to withdraw it; while that does not say, the wish stands (`asked`).

    Nothing happens to what was cancelled before. Raises NotFound, TooLateToCancel.
    """
    if retried(desk.sessions, partial(_begin, holder_id=holder_id, redemption_id=redemption_id)):
        desk.ask_provider(holder_id, redemption_id)
        retried(desk.sessions, partial(_require_not_denied, holder_id=holder_id, redemption_id=redemption_id))


def call_off(tx: Session, held: Redemption, why: str, *, now: datetime) -> bool:
    """End what was not sent yet, or what an operator has not carried out yet; the points come back.

    False where it is neither, and nothing changes.
    """
    if held.state in HELD and preparing.drop(tx, held.holder_id, held.id, now=now):
        steps.move(tx, held, CANCELLED, Why(why, MEMBER), now=now)
    elif held.state == CONFIRMED and handovers.call_off(tx, held.holder_id, held.id):
        steps.move(tx, held, REFUNDED, Why(why, MEMBER), now=now)
        steps.put_back(tx, held)
    else:
        return False
    recipients.delete(tx, held.holder_id, held.id, recipients.NOT_NEEDED, now=now)
    return True


def _begin(tx: Session, *, holder_id: UUID, redemption_id: UUID) -> bool:
    """Do what the house can do itself. True where the wish is written down, and the provider has to be asked now."""
    now = clock.now()
    held = steps.hold(tx, holder_id, redemption_id)
    if held is None:
        raise NotFound
    order = preparing.held(tx, holder_id, redemption_id)
    if held.why in _AS_WISHED or (order is not None and order.withdrawal == ASKED):
        return False
    waits = handovers.waits(tx, holder_id, redemption_id)
    at_provider = {"status": order.status, "withdrawal": order.withdrawal} if order is not None else {}
    if not may_cancel(held.state, waits=waits, **at_provider):
        raise TooLateToCancel(state=held.state)
    if call_off(tx, held, "MEMBER_CANCELLED", now=now):
        return False
    if order is None:  # an operator was quicker
        raise TooLateToCancel(state=held.state)
    preparing.ask_withdrawal(tx, order, now=now)
    return True


def _require_not_denied(tx: Session, *, holder_id: UUID, redemption_id: UUID) -> None:
    held = steps.hold(tx, holder_id, redemption_id)
    order = preparing.held(tx, holder_id, redemption_id)
    if held is not None and order is not None and order.withdrawal == DENIED:
        raise TooLateToCancel(state=held.state)
