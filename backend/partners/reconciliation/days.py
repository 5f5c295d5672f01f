"""Days of a partner: who may compare one now, what came of it, and how one is explained and closed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend import clock, operator_log
from backend.errors import NotFound
from backend.identity import OperatorView
from backend.lists import insert_rows
from backend.partners.errors import DayNotOver, ReconciliationRunning
from backend.partners.reconciliation.models import Difference, PartnerList, ReconciliationDay
from backend.partners.reconciliation.recording import EXPLAINED, OPEN

AWAITING_LIST, OPEN_DAY, CLOSED = "awaiting_list", "open", "closed"
#: Between two pages, a comparison that lives takes less than this.
BUSY_FOR = timedelta(minutes=5)
_LONG_AGO = datetime.fromtimestamp(0, clock.SHANGHAI)


@dataclass(frozen=True, slots=True)
class DayView:
    """A day as an operator and the partner see it. `counts`: differences by (kind, state)."""

    partner: str
    day: date
    state: str
    list_sha256: str | None
    list_rows: int
    list_taken_at: datetime | None
    reconciled_at: datetime | None
    last_error: str | None
    closed_at: datetime | None
    statement_sha256: str | None
    counts: dict[tuple[str, str], int]

    @property
    def open(self) -> int:
        """Differences that nobody has explained."""
        return sum(count for (_, state), count in self.counts.items() if state == OPEN)

    def as_json(self) -> dict[str, Any]:
        kinds: dict[str, dict[str, int]] = {}
        for (kind, state), count in sorted(self.counts.items()):
            kinds.setdefault(kind, {})[state] = count
        return {
            "partner": self.partner,
            "day": self.day.isoformat(),
            "state": self.state,
            "list_sha256": self.list_sha256,
            "list_rows": self.list_rows,
            "list_taken_at": _iso(self.list_taken_at),
            "reconciled_at": _iso(self.reconciled_at),
            "last_error": self.last_error,
            "closed_at": _iso(self.closed_at),
            "statement_sha256": self.statement_sha256,
            "open": self.open,
            "differences": kinds,
        }


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else clock.iso(instant)


def begin_day(tx: Session, partner: str, day: date) -> ReconciliationDay:
    """The day, held until commit; a new one awaits its list. DayNotOver for one that has not begun."""
    if day > clock.today():
        raise DayNotOver(day=day.isoformat())
    row = {"partner": partner, "day": day, "state": AWAITING_LIST, "run": 0, "busy_until": _LONG_AGO}
    insert_rows(tx, ReconciliationDay, [row], on_conflict=("partner", "day"))
    return hold_day(tx, partner, day)


def hold_day(tx: Session, partner: str, day: date) -> ReconciliationDay:
    """The day, held until commit, or NotFound."""
    found = tx.get(ReconciliationDay, (partner, day), with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"{partner} {day}: nothing was ever compared", partner=partner, day=day.isoformat())
    return found


def claim(tx: Session, held: ReconciliationDay, *, now: datetime) -> None:
    """Let nobody else compare or close this day for a while. Raises ReconciliationRunning."""
    if held.busy_until > now:
        raise ReconciliationRunning(partner=held.partner, day=held.day.isoformat(), until=clock.iso(held.busy_until))
    held.busy_until = now + BUSY_FOR


def keep_claim(tx: Session, partner: str, day: date, *, until: datetime) -> None:
    """Move the end of the claim; to the past when it is given back."""
    same = (ReconciliationDay.partner == partner, ReconciliationDay.day == day)
    statement = update(ReconciliationDay).where(*same, ReconciliationDay.state != CLOSED).values(busy_until=until)
    tx.execute(statement.execution_options(synchronize_session=False))


def day_view(tx: Session, partner: str, day: date) -> DayView:
    """The day as it stands, or NotFound."""
    found = days(tx, partner=partner, day=day)
    if not found:
        raise NotFound(f"{partner} {day}: nothing was ever compared", partner=partner, day=day.isoformat())
    return found[0]


def days(
    tx: Session, *, partner: str | None = None, day: date | None = None, unsettled: bool = False, limit: int = 100
) -> list[DayView]:
    """Days, newest first; `unsettled`: those that await a list or have open differences, oldest first."""
    query = select(ReconciliationDay, PartnerList).outerjoin(PartnerList, PartnerList.id == ReconciliationDay.list_id)
    if partner is not None:
        query = query.where(ReconciliationDay.partner == partner)
    if day is not None:
        query = query.where(ReconciliationDay.day == day)
    if unsettled:
        same = (Difference.partner == ReconciliationDay.partner, Difference.day == ReconciliationDay.day)
        some = select(Difference.id).where(*same, Difference.state == OPEN).exists()
        query = query.where(some | (ReconciliationDay.state != CLOSED))
    order = ReconciliationDay.day if unsettled else ReconciliationDay.day.desc()
    rows = tx.execute(query.order_by(order, ReconciliationDay.partner).limit(limit)).all()
    return [_view(tx, row[0], row[1]) for row in rows]


def _view(tx: Session, day: ReconciliationDay, listed: PartnerList | None) -> DayView:
    return DayView(
        partner=day.partner,
        day=day.day,
        state=day.state,
        list_sha256=_hex(listed.sha256 if listed else None),
        list_rows=listed.rows if listed else 0,
        list_taken_at=listed.taken_at if listed else None,
        reconciled_at=day.reconciled_at,
        last_error=day.last_error,
        closed_at=day.closed_at,
        statement_sha256=_hex(day.statement_sha256),
        counts=counts(tx, day.partner, day.day),
    )


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()


def counts(tx: Session, partner: str, day: date) -> dict[tuple[str, str], int]:
    """Differences by (kind, state)."""
    query = select(Difference.kind, Difference.state, func.count())
    query = query.where(Difference.partner == partner, Difference.day == day)
    return {(row[0], row[1]): row[2] for row in tx.execute(query.group_by(Difference.kind, Difference.state))}


def unsettled(tx: Session) -> dict[tuple[str, str], int]:
    """How many differences are open by (partner, kind), and days without a list by (partner, `awaiting_list`)."""
    differing = select(Difference.partner, Difference.kind, func.count()).where(Difference.state == OPEN)
    differing = differing.group_by(Difference.partner, Difference.kind)
    waiting = select(ReconciliationDay.partner, ReconciliationDay.state, func.count())
    waiting = waiting.where(ReconciliationDay.state == AWAITING_LIST)
    waiting = waiting.group_by(ReconciliationDay.partner, ReconciliationDay.state)
    return {(row[0], row[1]): row[2] for query in (differing, waiting) for row in tx.execute(query)}


def differences_of(
    tx: Session,
    partner: str,
    day: date,
    *,
    kind: str | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int | None = None,
    seen_until: datetime | None = None,
) -> Iterator[Difference]:
    """Differences of a day in the order they were found, read as they are needed."""
    query = select(Difference).where(Difference.partner == partner, Difference.day == day)
    if kind is not None:
        query = query.where(Difference.kind == kind)
    if state is not None:
        query = query.where(Difference.state == state)
    if after is not None:
        query = query.where(Difference.id > after)
    if seen_until is not None:
        query = query.where(Difference.first_seen <= seen_until)
    yield from tx.scalars(query.order_by(Difference.id).limit(limit).execution_options(yield_per=1_000))


def as_json(found: Difference, *, now: datetime) -> dict[str, Any]:
    """A difference as it is shown and told: `age_days` since it was first seen."""
    return {
        "id": str(found.id),
        "kind": found.kind,
        "order_no": found.order_no,
        "line": found.line or None,
        "event_id": found.event_id,
        "theirs": json.loads(found.theirs),
        "ours": json.loads(found.ours),
        "state": found.state,
        "explanation": found.explanation,
        "first_seen": clock.iso(found.first_seen),
        "last_seen": clock.iso(found.last_seen),
        "age_days": (clock.day_of(now) - clock.day_of(found.first_seen)).days,
    }


def explain(
    tx: Session,
    partner: str,
    day: date,
    *,
    kind: str | None = None,
    difference: UUID | None = None,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> int:
    """Explain the open differences of a day: all, those of one kind, or one. Returns how many; NotFound for none."""
    hold_day(tx, partner, day)
    meant = [Difference.partner == partner, Difference.day == day, Difference.state == OPEN]
    if kind is not None:
        meant.append(Difference.kind == kind)
    if difference is not None:
        meant.append(Difference.id == difference)
    count = tx.scalar(select(func.count()).select_from(Difference).where(*meant)) or 0
    if not count:
        raise NotFound("no open difference is meant", partner=partner, day=day.isoformat())
    values = {"state": EXPLAINED, "explanation": reason, "explained_by": operator.id, "explained_at": now}
    statement = update(Difference).where(*meant).values(values)
    tx.execute(statement.execution_options(synchronize_session=False))
    subject = f"{partner} {day} {difference or kind or 'all'} ({count})"
    operator_log.write(
        tx, operator_id=operator.id, action="reconciliation.explained", subject=subject, reason=reason, now=now
    )
    return count
