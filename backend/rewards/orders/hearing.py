"""What an answer of a provider changes, and when to ask again.

The first answer that says what became of an order settles it. Whatever is heard later, or twice, is recorded and
changes nothing; only an order that was taken on moves forward, until it is delivered.
"""

import random
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from backend.rewards.interfaces import (
    ENDS,
    NOT_SHIPPED,
    STATUSES,
    Answer,
    Cancelled,
    Done,
    NotKnown,
    Refused,
    Settling,
    Unknown,
    Withdrawn,
)
from backend.rewards.orders import preparing, recipients
from backend.rewards.orders.models import DONE, OPEN_STATES, REFUSED, WITHDRAWN, ProviderOrder
from backend.rewards.redemptions import outcome
from backend.rewards.redemptions.policy import ASKED, DENIED

#: After which attempt how long is waited; then the last one for ever. An unknown outcome is never given up.
RETRY_AFTER = tuple(timedelta(seconds=s) for s in (2, 5, 15, 60, 120, 300, 900, 3_600, 21_600))
#: How often an order that was taken on is asked about until it is delivered, and for how long.
FOLLOWED_EVERY, FOLLOWED_FOR = timedelta(hours=2), recipients.KEPT_AT_MOST
#: Waiting times are stretched by up to this part, so that what failed together does not come back together.
JITTER = 0.2
CANCELLED = "cancelled"

log = structlog.get_logger(__name__)


def next_attempt(row: ProviderOrder, *, now: datetime) -> datetime | None:
    """When to ask again; None when there is nothing left to ask."""
    if row.state in OPEN_STATES:
        wait = RETRY_AFTER[min(max(row.attempts, 1), len(RETRY_AFTER)) - 1]
    elif _followed(row) and row.withdrawal == ASKED and row.withdrawal_asked_at is not None:
        wait = next((wait for wait in RETRY_AFTER if row.withdrawal_asked_at + wait > now), RETRY_AFTER[-1])
    elif _followed(row) and row.finished_at is not None and row.finished_at > now - FOLLOWED_FOR:
        wait = FOLLOWED_EVERY
    else:
        return None
    return now + wait * (1 + random.uniform(0, JITTER))


def _followed(row: ProviderOrder) -> bool:
    """Whether the provider took it on and has not said yet that it is over."""
    return row.state == DONE and row.status not in (*ENDS, CANCELLED)


def hear(
    tx: Session,
    row: ProviderOrder,
    asked: str,
    answer: Answer,
    *,
    current: bool,
    operator_id: UUID | None = None,
    now: datetime,
) -> None:
    """Take an answer in; the redemption and its order are held by the caller.

    `current`: nobody else has claimed the order since the question was asked. What settles an order does so whoever
    heard it; a late "not known" or no answer says nothing any more. `operator_id`: who says it, where two operators do.
    """
    if row.state in OPEN_STATES:
        counted = _while_open(tx, row, asked, answer, current=current, operator_id=operator_id, now=now)
    else:
        counted = _afterwards(tx, row, asked, answer, now=now)
    if _denied(row, asked, answer):
        row.withdrawal, row.last_error, counted = DENIED, None, True
    if counted or not (current and asked == "query" and _followed(row)):  # nothing new is nothing to keep
        preparing.record(tx, row, asked, answer, counted=counted, now=now)
    if current:
        row.claimed_until = now
    if current or counted:
        row.next_attempt_at = next_attempt(row, now=now)
    tx.flush()


def _denied(row: ProviderOrder, asked: str, answer: Answer) -> bool:
    """Whether the provider does not withdraw what its member wants withdrawn: it says so, or is too far with it."""
    stands = isinstance(answer, Done) and row.state == DONE and row.withdrawal == ASKED
    return stands and (asked == "withdraw" or row.status != NOT_SHIPPED)


def _while_open(
    tx: Session,
    row: ProviderOrder,
    asked: str,
    answer: Answer,
    *,
    current: bool,
    operator_id: UUID | None,
    now: datetime,
) -> bool:
    if isinstance(answer, Done | Refused | Withdrawn | Cancelled):
        _settle(tx, row, answer, operator_id=operator_id, now=now)
        return True
    if not current:
        return False
    if isinstance(answer, NotKnown) and asked == "query":
        row.not_known_count += 1
    row.last_error = _unanswered(asked, answer)
    return True


def _unanswered(asked: str, answer: Answer) -> str:
    return f"{asked}: {preparing.detail_of(answer) or 'not known'}"


def _settle(tx: Session, row: ProviderOrder, answer: Settling, *, operator_id: UUID | None, now: datetime) -> None:
    """It is known what became of the order, and so what becomes of the redemption; whom it was for comes last."""
    row.finished_at, row.last_error = now, None
    if isinstance(answer, Done):
        row.state, row.reference, row.status = DONE, answer.reference, answer.status
    else:
        row.state = WITHDRAWN if isinstance(answer, Withdrawn) else REFUSED
        # It was cancelled before we knew that it was taken on: nothing was confirmed that would have to be refunded.
        answer = Refused(answer.code) if isinstance(answer, Cancelled) else answer
    tx.flush()
    wished = row.withdrawal == ASKED
    order = row.holder_id, row.redemption_id
    if not outcome.apply(tx, *order, answer, operator_id=operator_id, wished=wished, now=now):
        log.error("outcome_without_redemption", order=preparing.request_no(row.redemption_id), state=row.state)
    _mark(tx, row, now=now)


def _mark(tx: Session, row: ProviderOrder, *, now: datetime) -> None:
    """What follows from how far an order is: when it was shipped, and whether it is still needed whom it is for."""
    if row.state == DONE and row.status == "shipped":
        row.shipped_at = now
    if row.state != DONE or row.status in (*ENDS, CANCELLED):
        because = recipients.DELIVERED if row.status == "delivered" else recipients.NOT_NEEDED
        recipients.delete(tx, row.holder_id, row.redemption_id, because, now=now)


def _afterwards(tx: Session, row: ProviderOrder, asked: str, answer: Answer, *, now: datetime) -> bool:
    """An answer about an order that is settled: how far the provider is, or something late."""
    followed = _followed(row) and asked in ("query", "withdraw")
    if followed and isinstance(answer, Done):
        further = STATUSES.index(answer.status) > STATUSES.index(row.status or "")
        if further:
            row.status = answer.status
            _mark(tx, row, now=now)
        return further
    if followed and isinstance(answer, Cancelled | Withdrawn):  # withdrawn: the answer to who asked for it was lost
        row.status, row.last_error = CANCELLED, None
        tx.flush()
        outcome.apply(tx, row.holder_id, row.redemption_id, answer, wished=row.withdrawal == ASKED, now=now)
        _mark(tx, row, now=now)
        return True
    if followed and isinstance(answer, Unknown | NotKnown) and asked == "withdraw":
        row.last_error = _unanswered(asked, answer)
    if isinstance(answer, Done) != (row.state == DONE) and isinstance(answer, Done | Refused | Withdrawn | Cancelled):
        number = preparing.request_no(row.redemption_id)
        log.error("provider_contradicts_itself", provider=row.provider, order=number, state=row.state)
    return False
