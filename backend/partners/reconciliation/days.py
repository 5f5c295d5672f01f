"""Days of a partner: who may compare one now, and how each stands, with its differences by kind and state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Text, func, select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.errors import NotFound
from backend.lists import insert_rows, recordset
from backend.partners.errors import DayNotOver, ReconciliationRunning
from backend.partners.reconciliation.models import Difference, PartnerList, ReconciliationDay
from backend.partners.reconciliation.recording import OPEN

AWAITING_LIST, OPEN_DAY, CLOSED = "awaiting_list", "open", "closed"
#: Between two pages, a comparison that lives takes less than this.
BUSY_FOR = timedelta(minutes=5)
_LONG_AGO = datetime.fromtimestamp(0, clock.SHANGHAI)
#: Partner and day.
_Key = tuple[str, date]
#: How many differences there are by (kind, state).
_Counts = dict[tuple[str, str], int]


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
    """Days, newest first; `unsettled`: those that are not closed or have open differences, oldest first."""
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
    counts = _counts(tx, [(found.partner, found.day) for found, _ in rows])
    return [_view(found, listed, counts.get((found.partner, found.day), {})) for found, listed in rows]


def _counts(tx: Session, wanted: Sequence[_Key]) -> dict[_Key, _Counts]:
    """The differences of these days by (kind, state)."""
    given = recordset(tx, "given", {"partner": Text(), "day": Date()}, wanted)
    same = (Difference.partner == given.c.partner) & (Difference.day == given.c.day)
    columns = (Difference.partner, Difference.day, Difference.kind, Difference.state)
    query = select(*columns, func.count()).join(given, same).group_by(*columns)
    found: dict[_Key, _Counts] = {}
    for partner, day, kind, state, count in tx.execute(query):
        found.setdefault((partner, day), {})[kind, state] = count
    return found


def _view(day: ReconciliationDay, listed: PartnerList | None, counts: _Counts) -> DayView:
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
        counts=counts,
    )


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()


def unsettled(tx: Session) -> dict[tuple[str, str], int]:
    """How many differences are open by (partner, kind), and days without a list by (partner, `awaiting_list`)."""
    differing = select(Difference.partner, Difference.kind, func.count()).where(Difference.state == OPEN)
    differing = differing.group_by(Difference.partner, Difference.kind)
    waiting = select(ReconciliationDay.partner, ReconciliationDay.state, func.count())
    waiting = waiting.where(ReconciliationDay.state == AWAITING_LIST)
    waiting = waiting.group_by(ReconciliationDay.partner, ReconciliationDay.state)
    return {(row[0], row[1]): row[2] for query in (differing, waiting) for row in tx.execute(query)}
