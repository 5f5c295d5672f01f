"""Reading messages: as their member sees them, as operators do, and as they are handed out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from backend import clock, identity, points
from backend.holdings import Held, held_rows
from backend.member_messages import policy, resting
from backend.member_messages.models import (
    OUTDATED,
    SENDING,
    WAITING,
    WITHDRAWN,
    ExpiryWarning,
    MessagePermission,
)
from backend.member_messages.templates import POINTS_EXPIRY

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as its member sees it. `points`: what it was about; `lapsing`: what of it lapses after that day."""

    id: UUID
    kind: str
    programme: str
    points: int
    lapsing: int
    last_day: date
    days_ahead: int
    state: str
    made_at: datetime
    sent_at: datetime | None
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class MessageState:
    """A message as operators see it: nothing says who its member is but the number of the account."""

    id: UUID
    holder_id: UUID
    programme: str
    lapses_on: date
    days_ahead: int
    state: str
    attempts: int
    next_attempt_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How sending is doing. `counts`: messages by state that somebody may have to look at.

    `overdue_s`: how long the oldest message could have gone out, 0 at night; `halted`: templates that rest.
    """

    counts: dict[str, int]
    overdue_s: int
    halted: tuple[str, ...]


def messages_of(
    tx: Session, holder_id: UUID, *, programme: str | None, before: UUID | None, limit: int, now: datetime
) -> list[MessageView]:
    """A member's messages, newest first; what was withdrawn, or another took the place of, is left out."""
    query = select(ExpiryWarning).where(ExpiryWarning.holder_id == holder_id)
    query = query.where(ExpiryWarning.state.not_in((WITHDRAWN, OUTDATED)))
    if programme is not None:
        query = query.where(ExpiryWarning.programme == programme)
    if before is not None:
        query = query.where(ExpiryWarning.id < before)
    rows = list(tx.scalars(query.order_by(ExpiryWarning.id.desc()).limit(limit)))
    amounts = points.points_lapsing(tx, [(holder_id, row.programme, row.lapses_on) for row in rows])
    titles = {code: (row.title_zh, row.title_en) for code, row in identity.programmes(tx).items()}
    today = clock.day_of(now)
    return [
        _view(row, titles[row.programme], amounts.get((holder_id, row.programme, row.lapses_on), 0), today)
        for row in rows
    ]


def _view(row: ExpiryWarning, titles: tuple[str, str], lapsing: int, today: date) -> MessageView:
    last = policy.last_day(row.lapses_on)
    stated = (row.points, lapsing, last, row.days_ahead, row.state, row.made_at, row.sent_at)
    return MessageView(row.id, POINTS_EXPIRY, row.programme, *stated, *_words(last, titles, lapsing, today))


def _words(last: date, titles: tuple[str, str], lapsing: int, today: date) -> tuple[str, str]:
    day_zh = f"{last.year}年{last.month}月{last.day}日"
    day_en = f"{last.day} {_MONTHS[last.month - 1]} {last.year}"
    if last < today:
        return f"{titles[0]}：有效期至{day_zh}的积分，提醒已结束", f"{titles[1]}: valid until {day_en}, now past"
    if not lapsing:
        return (
            f"{titles[0]}：有效期至{day_zh}的积分已使用或已收回，无需处理",
            f"{titles[1]}: the points valid until {day_en} were used or taken back; nothing to do",
        )
    return (
        f"{titles[0]}：{lapsing} 积分有效期至{day_zh}（含当日），请及时使用",
        f"{titles[1]}: {lapsing} points can be used until {day_en}, that day included; then they lapse",
    )


def newest(tx: Session, *, states: Sequence[str], limit: int) -> list[MessageState]:
    """The newest messages in these states, newest first."""
    query = select(ExpiryWarning).where(ExpiryWarning.state.in_(states)).order_by(ExpiryWarning.id.desc()).limit(limit)
    return [MessageState(*(getattr(row, name) for name in MessageState.__slots__)) for row in tx.scalars(query)]


def standing(tx: Session, *, now: datetime) -> Standing:
    """How sending is doing now. What could not be sent ceases to count on the day the points are gone."""
    looked_after = or_(ExpiryWarning.state.in_((WAITING, SENDING)), ExpiryWarning.lapses_on > clock.day_of(now))
    query = select(ExpiryWarning.state, func.count()).where(
        ExpiryWarning.state.in_(("waiting", "sending", "unknown", "failed")), looked_after
    )
    counts = {row[0]: int(row[1]) for row in tx.execute(query.group_by(ExpiryWarning.state))}
    oldest = tx.scalar(select(func.min(ExpiryWarning.next_attempt_at)).where(ExpiryWarning.state == WAITING))
    overdue_s = 0
    if oldest is not None and policy.may_disturb(now):
        overdue_s = max(0, int((now - max(oldest, policy.opened(now))).total_seconds()))
    return Standing(counts, overdue_s, tuple(resting.halts(tx, now=now)))


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out."""
    models = (ExpiryWarning, MessagePermission)
    return {model.__tablename__: held_rows(tx, model, holder_id) for model in models}
