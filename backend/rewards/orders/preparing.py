"""Orders at outside providers, as the rest of the house sees them: prepared, dropped, looked at.

An order is written in the transaction that reserves the points, so that it is never lost, and sent afterwards by
`finishing`. Whoever locks both holds the redemption before its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from backend.ids import new_id
from backend.lists import insert_rows
from backend.rewards.errors import ProviderKeysUnreadable
from backend.rewards.interfaces import Answer, Cancelled, Done, NotKnown, Refused, Unknown, Withdrawn
from backend.rewards.orders import recipients
from backend.rewards.orders.models import (
    DROPPED,
    OPEN_STATES,
    PLACING,
    WAITING,
    WITHDRAWING,
    ProviderAnswer,
    ProviderOrder,
)
from backend.rewards.redemptions.policy import ASKED

#: An outcome that is unknown for so long is an operator's matter.
STUCK_AFTER = timedelta(days=1)
#: What a provider says is kept up to this length.
MOST_DETAIL = 200
_NAMES: dict[type[Answer], str] = {
    Done: "done",
    Refused: "refused",
    Withdrawn: "withdrawn",
    Cancelled: "cancelled",
    Unknown: "unknown",
    NotKnown: "not_known",
}


@dataclass(frozen=True, slots=True)
class OrderView:
    """How far an order is. `error` is the last thing that went wrong, for the operator."""

    holder_id: UUID
    redemption_id: UUID
    provider: str
    state: str
    status: str | None
    reference: str | None
    placed_at: datetime | None
    finished_at: datetime | None
    attempts: int
    error: str | None

    @property
    def request_no(self) -> str:
        return request_no(self.redemption_id)


def request_no(redemption_id: UUID) -> str:
    """The number an order has at its provider: `rdm_` and 32 hexadecimal digits, the same at every attempt."""
    return f"rdm_{redemption_id.hex}"


def prepare(
    tx: Session, *, holder_id: UUID, redemption_id: UUID, provider: str, item: str, quantity: int, now: datetime
) -> None:
    """Write down what is to be ordered; `finishing` sends it once this transaction is committed."""
    row = {
        "holder_id": holder_id,
        "redemption_id": redemption_id,
        "provider": provider,
        "item": item,
        "quantity": quantity,
        "state": WAITING,
        "attempts": 0,
        "not_known_count": 0,
        "next_attempt_at": now,
        "claimed_until": now,
    }
    insert_rows(tx, ProviderOrder, [row])


def drop(tx: Session, holder_id: UUID, redemption_id: UUID, *, now: datetime) -> bool:
    """See to it that an order is never sent. False when it was sent already, or is being sent at this moment.

    The redemption is held by the caller.
    """
    order = held(tx, holder_id, redemption_id)
    if order is None or order.state == DROPPED:
        return True
    if order.state != WAITING:
        return False
    end_unsent(tx, order, now=now)
    return True


def ask_withdrawal(tx: Session, order: ProviderOrder, *, now: datetime) -> None:
    """Write down that its member wants an order that was sent withdrawn; the redemption and the order are held.

    Who calls the provider next asks for it, also where somebody calls at this moment.
    """
    order.withdrawal, order.withdrawal_asked_at, order.next_attempt_at = ASKED, now, now
    if order.state == PLACING:
        order.state = WITHDRAWING
    tx.flush()


def end_unsent(tx: Session, order: ProviderOrder, *, now: datetime) -> None:
    """An order that is held and was never sent ends, and whom it was for is deleted."""
    order.state, order.next_attempt_at, order.finished_at = DROPPED, None, now
    recipients.delete(tx, order.holder_id, order.redemption_id, recipients.NOT_NEEDED, now=now)
    tx.flush()


def held(tx: Session, holder_id: UUID, redemption_id: UUID) -> ProviderOrder | None:
    """An order, locked until commit and read anew; its redemption is held before it."""
    query = select(ProviderOrder).where(
        ProviderOrder.holder_id == holder_id, ProviderOrder.redemption_id == redemption_id
    )
    return tx.scalar(query.with_for_update().execution_options(populate_existing=True))


def record(tx: Session, order: ProviderOrder, asked: str, answer: Answer, *, counted: bool, now: datetime) -> None:
    """Keep what a provider said."""
    row = {
        "holder_id": order.holder_id,
        "redemption_id": order.redemption_id,
        "id": new_id(),
        "asked": asked,
        "answer": _NAMES[type(answer)],
        "detail": detail_of(answer),
        "counted": counted,
        "heard_at": now,
    }
    insert_rows(tx, ProviderAnswer, [row])


def detail_of(answer: Answer) -> str:
    """What an answer says besides what it is."""
    match answer:
        case Done():
            said = f"{answer.status} {answer.reference}"
        case Refused() | Cancelled():
            said = answer.code
        case Unknown():
            said = answer.reason
        case _:
            said = ""
    return said[:MOST_DETAIL]


def order_of(tx: Session, holder_id: UUID, redemption_id: UUID) -> OrderView | None:
    """How far the order of a redemption is; None where it needs none."""
    row = tx.get(ProviderOrder, (holder_id, redemption_id))
    return None if row is None else _view(row)


def stuck(tx: Session, *, older_than: timedelta, now: datetime, limit: int = 100) -> Sequence[OrderView]:
    """What was sent, or asked to be withdrawn, so long ago, and its provider has not said; and what it cannot be asked
    about because of the house. Oldest first."""
    query = select(ProviderOrder).where(*_stuck_since(now - older_than))
    oldest_first = (ProviderOrder.placed_at.nulls_last(), ProviderOrder.redemption_id)
    return [_view(row) for row in tx.scalars(query.order_by(*oldest_first).limit(limit))]


def order_counts(tx: Session, *, now: datetime) -> dict[tuple[str, str], int]:
    """Orders that are not settled, by provider and state; `stuck` are those that operators see to."""
    group = (ProviderOrder.provider, ProviderOrder.state)
    query = select(*group, func.count()).where(*_open()).group_by(*group)
    counts = {(provider, state): count for provider, state, count in tx.execute(query)}
    late = select(ProviderOrder.provider, func.count()).where(*_stuck_since(now - STUCK_AFTER))
    return counts | {(row[0], "stuck"): row[1] for row in tx.execute(late.group_by(ProviderOrder.provider))}


def _stuck_since(instant: datetime) -> tuple[ColumnElement[bool], ...]:
    """What is an operator's matter; it always waits for an attempt, by which an index finds it."""
    unasked = ProviderOrder.last_error == ProviderKeysUnreadable.code
    unknown = and_(ProviderOrder.state.in_(OPEN_STATES), or_(ProviderOrder.placed_at <= instant, unasked))
    unanswered = and_(ProviderOrder.withdrawal == ASKED, ProviderOrder.withdrawal_asked_at <= instant)
    return ProviderOrder.next_attempt_at.is_not(None), or_(unknown, unanswered)


def _open() -> tuple[ColumnElement[bool], ...]:
    """What is not settled; it always waits for an attempt, by which an index finds it."""
    return ProviderOrder.next_attempt_at.is_not(None), ProviderOrder.state.in_(OPEN_STATES)


def _view(row: ProviderOrder) -> OrderView:
    facts = (row.provider, row.state, row.status, row.reference, row.placed_at, row.finished_at)
    return OrderView(row.holder_id, row.redemption_id, *facts, row.attempts, row.last_error)
