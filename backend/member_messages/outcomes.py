"""What became of a message: WeChat's answer to it, and what it tells of it later on."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from backend import clock
from backend.member_messages import policy, resting
from backend.member_messages.interfaces import Answer, Outcome
from backend.member_messages.models import (
    DELIVERED,
    FAILED,
    IN_APP,
    MOST_PERMISSIONS,
    SENDING,
    SENT,
    UNDELIVERED,
    UNKNOWN,
    WAITING,
    ExpiryWarning,
    MessagePermission,
)

#: A template WeChat finds fault with is tried with one message an hour, until somebody has mended it.
TEMPLATE_HALT = timedelta(hours=1)
#: After an answer that did not come, or a busy one, everything rests: it would go the same way for the next message.
UNKNOWN_HALT, BUSY_HALT = timedelta(minutes=5), timedelta(minutes=1)

log = structlog.get_logger(__name__)


def note_answer(tx: Session, key: tuple[UUID, UUID], claim: datetime, answer: Answer, *, now: datetime) -> bool:
    """Write down what came of sending a message under this claim. True when something must not be sent for a while.

    An answer that comes when the claim was given up is still the truth; what a push of WeChat said meanwhile stands.
    """
    query = select(ExpiryWarning).where(ExpiryWarning.holder_id == key[0], ExpiryWarning.id == key[1])
    row = tx.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None or row.state not in (SENDING, UNKNOWN) or row.template_id is None:
        return False
    held = (row.holder_id, row.template_id)
    permission = tx.get(MessagePermission, held, with_for_update=True, populate_existing=True)
    row.claimed_until, row.error = None, answer.reason or None
    if answer.outcome is Outcome.SENT:
        row.state, row.sent_at, row.message_id = SENT, now, answer.message_id
    elif answer.outcome is Outcome.NOT_PERMITTED:
        row.state = WAITING if _void(permission, claim) else IN_APP
    elif answer.outcome in (Outcome.UNKNOWN, Outcome.NOBODY):
        row.state = UNKNOWN if answer.outcome is Outcome.UNKNOWN else FAILED
    else:
        _put_back(row, permission, answer, now)
    if row.state in (UNKNOWN, FAILED):
        log.error(f"message_{row.state}", message=str(row.id), reason=answer.reason)
    return _halt(tx, row.template_id, answer, now)


def _void(permission: MessagePermission | None, claim: datetime) -> bool:
    """Remember that the member has no permission left; True when they gave a new one since this message was begun."""
    if permission is None:
        return False
    if permission.remaining and permission.answered_at > claim - policy.CLAIM:
        return True
    permission.remaining = 0
    return False


def _put_back(row: ExpiryWarning, permission: MessagePermission | None, answer: Answer, now: datetime) -> None:
    """WeChat certainly took nothing: the message waits again, and the permission is the member's again."""
    row.state, row.next_attempt_at = WAITING, now
    if answer.outcome is Outcome.LATER:
        row.next_attempt_at = policy.next_attempt(row.attempts, now)
        row.state = WAITING if row.attempts < policy.MOST_ATTEMPTS else FAILED
    else:
        row.attempts -= 1  # it was not about this message
    if permission is not None:
        permission.remaining = min(permission.remaining + 1, MOST_PERMISSIONS)


def _halt(tx: Session, template_id: str, answer: Answer, now: datetime) -> bool:
    """Let be what would go wrong the same way for every further message."""
    until = {
        Outcome.TEMPLATE_FAULT: (template_id, now + TEMPLATE_HALT),
        Outcome.QUOTA: (resting.EVERYTHING, clock.start_of_day_after(clock.day_of(now), 1)),
        Outcome.UNKNOWN: (resting.EVERYTHING, now + UNKNOWN_HALT),
        Outcome.BUSY: (resting.EVERYTHING, now + BUSY_HALT),
    }.get(answer.outcome)
    if until is None:
        return False
    resting.halt(tx, until[0], answer.reason, until=until[1])
    return True


def note_delivery(
    tx: Session, holder_id: UUID, template_id: str, message_id: str, *, arrived: bool, reason: str, now: datetime
) -> bool:
    """WeChat says what became of a message it took; False when we know of no such message.

    It may say so before its answer to us is written down, or where no answer came: then it is about the only message
    of this template to this member that has no number yet. What it says again changes nothing.
    """
    mine = (ExpiryWarning.holder_id == holder_id, ExpiryWarning.template_id == template_id)
    nameless = and_(ExpiryWarning.message_id.is_(None), ExpiryWarning.state.in_((SENT, SENDING, UNKNOWN)))
    query = select(ExpiryWarning).where(*mine, or_(ExpiryWarning.message_id == message_id, nameless))
    query = query.order_by(ExpiryWarning.id).with_for_update().execution_options(populate_existing=True)
    candidates = list(tx.scalars(query))
    named = [row for row in candidates if row.message_id == message_id]
    rows = named or (candidates if len(candidates) == 1 else [])
    for row in (row for row in rows if row.state in (SENT, SENDING, UNKNOWN)):
        row.state = DELIVERED if arrived else UNDELIVERED
        row.claimed_until, row.message_id = None, message_id
        row.sent_at = row.sent_at or now
        row.error = None if arrived else reason
    tx.flush()
    return bool(rows)
