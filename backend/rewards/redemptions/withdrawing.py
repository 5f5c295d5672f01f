"""A member who does not want something any more that was sent already: the provider is asked to withdraw it.

What may have arrived is withdrawn by `finishing`, as a number that got lost would be. What the provider took on is
withdrawn while it has not shipped; whether it can be is the provider's word, and the points come back only by that.
Where its word is lost on the way, `finishing` hears it when it asks.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import transaction
from backend.errors import Refusal
from backend.rewards.interfaces import Answer, Order, Unknown, Withdrawn
from backend.rewards.orders import preparing, recipients
from backend.rewards.orders.finishing import CLAIM_MARGIN, Call, finish_one
from backend.rewards.orders.hearing import CANCELLED as ORDER_CANCELLED
from backend.rewards.orders.hearing import RETRY_AFTER, next_attempt
from backend.rewards.orders.models import DONE, NOT_SHIPPED, PLACING, WITHDRAWING, ProviderOrder
from backend.rewards.orders.outside import Doors, reach
from backend.rewards.redemptions import steps
from backend.rewards.redemptions.errors import TooLateToCancel
from backend.rewards.redemptions.policy import CANCELLED, CONFIRMED, MEMBER, REFUNDED, REQUESTED
from backend.rewards.redemptions.steps import Why
from backend.vault import Vault


def withdraw(
    sessions: sessionmaker[Session],
    vault: Vault,
    doors: Doors,
    holder_id: UUID,
    redemption_id: UUID,
    *,
    deadline_s: float,
) -> None:
    """Ask the provider to withdraw what a member cancels. While it does not say, the redemption stays `requested`.

    Raises TooLateToCancel: it was shipped or done, somebody is asking about it at this moment, or the provider says no.
    """
    with transaction(sessions) as tx:
        call = _begin(tx, vault, doors, holder_id, redemption_id, deadline_s, clock.now())
    if call is None:
        finish_one(sessions, vault, doors, holder_id, redemption_id, deadline_s=deadline_s)
        with transaction(sessions) as tx:
            held = steps.hold(tx, holder_id, redemption_id)
            if held is None or held.state not in (CANCELLED, REQUESTED):
                raise TooLateToCancel(state=held.state if held else None)
        return
    answer = call.make()
    with transaction(sessions) as tx:
        withdrawn = _write_down(tx, call, answer, clock.now())
    if not withdrawn:
        raise TooLateToCancel(state=CONFIRMED)


def _begin(
    tx: Session, vault: Vault, doors: Doors, holder_id: UUID, redemption_id: UUID, deadline_s: float, now: datetime
) -> Call | None:
    """Claim the order. None where `finishing` makes the call, because the outcome is not known yet."""
    held = steps.hold(tx, holder_id, redemption_id)
    order = preparing.held(tx, holder_id, redemption_id)
    if held is None or order is None or order.claimed_until > now:
        raise TooLateToCancel(state=held.state if held else None)
    if order.state in (PLACING, WITHDRAWING):
        order.state, order.next_attempt_at = WITHDRAWING, now
        tx.flush()
        return None
    if order.state != DONE or order.status != NOT_SHIPPED or held.state != CONFIRMED:
        raise TooLateToCancel(state=held.state)
    try:
        outside, target = reach(tx, vault, order.provider, doors, deadline_s=deadline_s, ordering=False, now=now)
    except Refusal as fault:  # it cannot be reached at all
        raise TooLateToCancel(state=held.state) from fault
    order.attempts += 1
    # Whoever dies from here on leaves the question to `finishing`.
    order.claimed_until = order.next_attempt_at = now + timedelta(seconds=deadline_s) + CLAIM_MARGIN
    tx.flush()
    asked = Order(preparing.request_no(redemption_id), order.item, order.quantity)
    return Call(holder_id, redemption_id, "withdraw", order.attempts, asked, outside, target)


def _write_down(tx: Session, call: Call, answer: Answer, now: datetime) -> bool:
    """What the provider said; withdrawn, the points and the piece go back."""
    held = steps.hold(tx, call.holder_id, call.redemption_id)
    order = preparing.held(tx, call.holder_id, call.redemption_id)
    assert held is not None and order is not None
    withdrawn = isinstance(answer, Withdrawn) and held.state == CONFIRMED
    preparing.record(tx, order, "withdraw", answer, counted=withdrawn, now=now)
    if order.attempts == call.attempt:
        order.claimed_until = now
        # It may be withdrawn although nobody said so: that is asked soon, and the points come back then.
        soon = now + RETRY_AFTER[0]
        order.next_attempt_at = soon if isinstance(answer, Unknown) else next_attempt(order, now=now)
    if withdrawn:
        _end(tx, order, now)
        steps.move(tx, held, REFUNDED, Why("MEMBER_CANCELLED", MEMBER), now=now)
        steps.put_back(tx, held)
    tx.flush()
    return withdrawn or held.state == REFUNDED


def _end(tx: Session, order: ProviderOrder, now: datetime) -> None:
    order.status, order.next_attempt_at = ORDER_CANCELLED, None
    recipients.delete(tx, order.holder_id, order.redemption_id, recipients.NOT_NEEDED, now=now)
