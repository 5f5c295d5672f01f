"""Orders at outside providers, finished: sent once, asked about until known, and taken back where they never arrived.

Nobody is called inside a database transaction. A first one claims an order for a while and says what is about to be
done, a second one writes down what was answered. Whoever dies in between lets the claim run out; the order is then
asked about, never sent again. Two things alone give points back: the provider's word that it did nothing and will not,
or two operators.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import retried, transaction
from backend.errors import Refusal
from backend.rewards.errors import ProviderKeysUnreadable
from backend.rewards.interfaces import Answer, Order, Outside, Refused, Target, Unknown
from backend.rewards.orders import hearing, preparing, recipients
from backend.rewards.orders.models import PLACING, WAITING, WITHDRAWING, ProviderOrder
from backend.rewards.orders.outside import Doors, reach
from backend.rewards.redemptions import outcome
from backend.rewards.redemptions.policy import ASKED
from backend.vault import Unreadable, Vault

#: A call takes so long at most, and after so much longer its worker counts as dead.
DEADLINE_S = 10.0
CLAIM_MARGIN = timedelta(seconds=30)
#: A number that the provider has never seen is withdrawn after so many such answers, and no sooner than so long after
#: it was sent: by then it can hardly be on its way, and whatever still arrives is refused.
NOT_KNOWN_TIMES, NOT_KNOWN_FOR = 3, timedelta(seconds=60)
BATCH, CONCURRENCY = 50, 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is about to be made; `attempt` is the number under which the order was claimed for it."""

    holder_id: UUID
    redemption_id: UUID
    asked: str
    attempt: int
    order: Order
    outside: Outside
    target: Target

    def make(self) -> Answer:
        """Call the provider. Our own mistakes, too, say nothing about the order."""
        asking = {"place": self.outside.place, "query": self.outside.query, "withdraw": self.outside.withdraw}
        try:
            return asking[self.asked](self.order, self.target, now=clock.now())
        except Exception as error:
            log.error("provider_call_failed", provider=self.outside.kind, exc_info=error)
            return Unknown(type(error).__name__)


def due_providers(tx: Session, *, now: datetime) -> list[str]:
    """Providers with orders that wait for a call."""
    query = select(ProviderOrder.provider).distinct()
    query = query.where(ProviderOrder.next_attempt_at <= now, ProviderOrder.claimed_until <= now)
    return sorted(tx.scalars(query))


def finish_round(
    sessions: sessionmaker[Session],
    vault: Vault,
    doors: Doors,
    provider: str,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """One call for each order of a provider that is due, several at a time. Returns how many there were."""
    now = clock.now()
    query = select(ProviderOrder.holder_id, ProviderOrder.redemption_id).where(
        ProviderOrder.provider == provider, ProviderOrder.next_attempt_at <= now, ProviderOrder.claimed_until <= now
    )
    with transaction(sessions) as tx:
        due = [(row[0], row[1]) for row in tx.execute(query.order_by(ProviderOrder.next_attempt_at).limit(BATCH))]

    def finish(key: tuple[UUID, UUID]) -> None:
        try:
            if not stopping():
                finish_one(sessions, vault, doors, *key)
        except Exception as error:  # one order in trouble holds up no other: its claim runs out, and it is asked about
            log.error("finishing_failed", provider=provider, order=preparing.request_no(key[1]), exc_info=error)

    if due:
        with ThreadPoolExecutor(min(CONCURRENCY, len(due)), thread_name_prefix="orders") as pool:
            list(pool.map(finish, due))
    return len(due)


def finish_one(
    sessions: sessionmaker[Session],
    vault: Vault,
    doors: Doors,
    holder_id: UUID,
    redemption_id: UUID,
    *,
    deadline_s: float = DEADLINE_S,
) -> None:
    """See to one order: whoever redeems calls this once their transaction is committed, with a deadline of their own.

    Nothing happens where the order is not due or somebody else is at it.
    """

    def claim(tx: Session) -> Call | None:
        return begin(tx, vault, doors, holder_id, redemption_id, deadline_s=deadline_s, now=clock.now())

    call = retried(sessions, claim)
    if call is not None:
        answer = call.make()
        retried(sessions, lambda tx: write_down(tx, call, answer, now=clock.now()))


def begin(
    tx: Session,
    vault: Vault,
    doors: Doors,
    holder_id: UUID,
    redemption_id: UUID,
    *,
    deadline_s: float = DEADLINE_S,
    now: datetime,
) -> Call | None:
    """Claim an order that is due and say what to ask; None where there is nothing to do, or it ends without a call."""
    outcome.hold(tx, holder_id, redemption_id)
    row = preparing.held(tx, holder_id, redemption_id)
    if row is None or row.next_attempt_at is None or row.next_attempt_at > now or row.claimed_until > now:
        return None
    first = row.state == WAITING
    try:
        outside, target = reach(tx, vault, row.provider, doors, deadline_s=deadline_s, ordering=first, now=now)
        recipient = recipients.needed(tx, vault, holder_id, redemption_id) if first else None
    except (Refusal, Unreadable) as fault:
        _cannot_call(tx, row, fault, now=now)
        return None
    if first and not outcome.requested(tx, holder_id, redemption_id, now=now):
        preparing.end_unsent(tx, row, now=now)
        return None
    asked = _next_step(row, now)
    row.attempts += 1
    row.claimed_until = now + timedelta(seconds=deadline_s) + CLAIM_MARGIN
    order = Order(preparing.request_no(redemption_id), row.item, row.quantity, recipient)
    return Call(holder_id, redemption_id, asked, row.attempts, order, outside, target)


def _next_step(row: ProviderOrder, now: datetime) -> str:
    """What to ask, written down before it is asked: an order that may have been sent is never sent again."""
    if row.state == WAITING:
        row.state, row.placed_at = PLACING, now
        return "place"
    if row.state == PLACING:
        assert row.placed_at is not None
        if row.not_known_count >= NOT_KNOWN_TIMES and row.placed_at + NOT_KNOWN_FOR <= now:
            row.state = WITHDRAWING
    return "withdraw" if row.state == WITHDRAWING or row.withdrawal == ASKED else "query"


def _cannot_call(tx: Session, row: ProviderOrder, fault: Exception, *, now: datetime) -> None:
    """The provider cannot be asked. What was never sent is called off, unless the fault is the house's own; what was
    sent waits for an operator."""
    reason = fault.code if isinstance(fault, Refusal) else "RECIPIENT_GONE"
    row.last_error = reason
    ours = isinstance(fault, ProviderKeysUnreadable)
    if ours:
        log.error("provider_keys_unreadable", provider=row.provider, order=preparing.request_no(row.redemption_id))
    if row.state == WAITING and not ours:
        preparing.end_unsent(tx, row, now=now)
        outcome.apply(tx, row.holder_id, row.redemption_id, Refused(reason), now=now)
    else:
        row.attempts += 1
        row.next_attempt_at = hearing.next_attempt(row, now=now)


def write_down(tx: Session, call: Call, answer: Answer, *, now: datetime) -> None:
    """What was answered, written down with everything that follows from it."""
    outcome.hold(tx, call.holder_id, call.redemption_id)
    row = preparing.held(tx, call.holder_id, call.redemption_id)
    assert row is not None
    hearing.hear(tx, row, call.asked, answer, current=row.attempts == call.attempt, now=now)
