"""A page of the list, or of our events of the day, with everything that is known about it: some statements per page."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, select, tuple_, update
from sqlalchemy.orm import Session

from backend import activities, ledger, points
from backend.activities import WHOLE_ORDER, StandingLine
from backend.ledger import Posted
from backend.lists import recordset
from backend.partners.models import InboxEvent
from backend.partners.reconciliation import differences
from backend.partners.reconciliation.differences import Found, Held, HeldEvent, HeldLine
from backend.partners.reconciliation.models import ListRow
from backend.partners.reconciliation.rows import BadRow, ListedRow

#: Rows of the list, and events, that are looked at together.
PAGE = 5_000
_NOTHING = Posted(0, 0, 0, 0, 0)
#: Columns of the table: rows read as such cost half of what they cost as attributes of a model.
_INBOX = InboxEvent.__table__.c
_EVENT = tuple(_INBOX[name] for name in ("id", "event_id", "order_no", "state", "parked_for", "received_at", "outcome"))


@dataclass(frozen=True, slots=True)
class Page:
    """What differs on a page, how many rows or events it had, and where the next one begins (None: it was the last)."""

    found: list[Found]
    count: int
    cursor: tuple[Any, Any] | None


def compare_list(tx: Session, partner: str, day: date, list_id: UUID, after: tuple[Any, Any] | None) -> Page:
    """The next page of the list against what is with us."""
    query = select(ListRow.__table__).where(ListRow.list_id == list_id).order_by(ListRow.key, ListRow.line).limit(PAGE)
    if after is not None:
        query = query.where(tuple_(ListRow.key, ListRow.line) > tuple_(*after))
    stored = tx.execute(query).all()
    found = [differences.of_bad_row(row.position, BadRow(**json.loads(row.fault))) for row in stored if row.fault]
    rows = [_listed(row) for row in stored if not row.fault]
    for row, held in zip(rows, _held(tx, partner, day, list_id, rows), strict=True):
        found += differences.of_listed_row(row, held)
    return Page(found, len(stored), (stored[-1].key, stored[-1].line) if len(stored) == PAGE else None)


def _listed(row: Any) -> ListedRow:
    return ListedRow(
        *(row.position, row.order_no if row.key.startswith("o:") else None, row.event_id, row.line, row.type),
        *(row.revision, row.status, row.occurred_at, row.reduction_g, row.points, row.quantity, row.weight_kg),
    )


def _held(tx: Session, partner: str, day: date, list_id: UUID, rows: Sequence[ListedRow]) -> Iterator[Held]:
    """What is with us of each of these rows."""
    named = _events(tx, partner, InboxEvent.event_id, {row.event_id for row in rows if row.event_id is not None})
    by_id = {event.event_id: event for event in named}
    _fill_in_orders(tx, list_id, rows, by_id)
    orders = [row.order_no or _order_of(by_id.get(row.event_id or "")) for row in rows]
    lines = _held_lines(tx, partner, {no for no in orders if no is not None})
    unclear = {
        no
        for row, no in zip(rows, orders, strict=True)
        if no is not None and row.event_id is None and not _acts_alone(_of(row, no, lines))
    }
    by_order = {event.order_no: event for event in _events(tx, partner, InboxEvent.order_no, unclear, day=day)}
    for row, no in zip(rows, orders, strict=True):
        event = by_id.get(row.event_id) if row.event_id is not None else by_order.get(no or "")
        yield Held(event, _of(row, no, lines))


def _acts_alone(lines: Sequence[HeldLine]) -> bool:
    """Whether these lines are there, and all of them acts: then no event has to tell what became of them."""
    return bool(lines) and all(item.line.activity is not None for item in lines)


def _order_of(event: HeldEvent | None) -> str | None:
    return None if event is None else event.order_no


def _of(row: ListedRow, order_no: str | None, lines: dict[str, dict[str, HeldLine]]) -> Sequence[HeldLine]:
    """The lines a row speaks of: its own, or all of its order. A line nobody knows may have been cancelled with all."""
    known = lines.get(order_no or "", {})
    if row.line == WHOLE_ORDER:
        return list(known.values())
    item = known.get(row.line) or known.get(WHOLE_ORDER)
    return [item] if item is not None else []


def _fill_in_orders(tx: Session, list_id: UUID, rows: Sequence[ListedRow], events: dict[str, HeldEvent]) -> None:
    """Note the order of rows that name an event only, so that our events of the day find them."""
    known = [
        (row.key, row.line, event.order_no)
        for row in rows
        if row.order_no is None and (event := events.get(row.event_id or "")) is not None
    ]
    if not known:
        return
    given = recordset(tx, "given", {"key": Text(), "line": Text(), "order_no": Text()}, known)
    same = (ListRow.list_id == list_id, ListRow.key == given.c.key, ListRow.line == given.c.line)
    tx.execute(
        update(ListRow).values(order_no=given.c.order_no).where(*same).execution_options(synchronize_session=False)
    )


def _events(
    tx: Session, partner: str, column: Any, values: Collection[str | None], *, day: date | None = None
) -> Iterator[HeldEvent]:
    """Events of the partner by their ids or orders, oldest first."""
    if not values:
        return
    given = recordset(tx, "given", {"value": Text()}, [(value,) for value in sorted(filter(None, values))])
    query = select(*_EVENT).join(given, column == given.c.value).where(InboxEvent.partner == partner)
    if day is not None:
        query = query.where(InboxEvent.day == day)
    yield from map(_event, tx.execute(query.order_by(InboxEvent.id)))


def _event(row: Any) -> HeldEvent:
    told = json.loads(row.outcome) if row.outcome and row.state in ("done", "parked") else []
    lines = {item["line"]: (item["status"], item.get("code")) for item in told}
    return HeldEvent(row.event_id, row.order_no, row.state, row.parked_for, row.received_at, lines)


def _held_lines(tx: Session, partner: str, order_nos: Collection[str]) -> dict[str, dict[str, HeldLine]]:
    """Order number → line → how it stands, what the books hold of it, and its lots."""
    standing = activities.standing_lines(tx, partner, order_nos)
    acts = [line.activity for lines in standing.values() for line in lines if line.activity is not None]
    posted, lots = ledger.posted_for(tx, acts), points.lots_for(tx, acts)

    def held(line: StandingLine) -> HeldLine:
        if line.activity is None:
            return HeldLine(line, _NOTHING, (0, 0))
        return HeldLine(line, posted.get(line.activity, _NOTHING), lots.get(line.activity, (0, 0)))

    return {no: {line.line: held(line) for line in lines} for no, lines in standing.items()}


def compare_events(
    tx: Session, partner: str, day: date, list_id: UUID, begun_at: datetime, after: tuple[Any, Any] | None
) -> Page:
    """The next page of our events of the day against the list, which we began to read at `begun_at`."""
    page, cursor = _events_of_day(tx, partner, day, after)
    listed = _listed_lines(tx, list_id, {event.order_no for event in page})
    unlisted: list[tuple[HeldEvent, list[str]]] = []
    for event in page:
        rows = listed.get(event.order_no, set())
        missing = [
            name for name in event.line_names if not (name in rows or WHOLE_ORDER in rows or (rows and not name))
        ]
        if missing:
            unlisted.append((event, missing))
    lines = _held_lines(tx, partner, {event.order_no for event, _ in unlisted})
    found: list[Found] = []
    for event, names in unlisted:
        late = event.received_at > begun_at
        found += differences.of_unlisted_event(event, names, lines.get(event.order_no, {}), late=late)
    return Page(found, len(page), cursor)


def compare_late(tx: Session, partner: str, day: date, closed_at: datetime, after: tuple[Any, Any] | None) -> Page:
    """The next page of events of a closed day that came after it was closed."""
    page, cursor = _events_of_day(tx, partner, day, after, received_after=closed_at)
    lines = _held_lines(tx, partner, {event.order_no for event in page})
    found = [item for event in page for item in differences.of_late_event(event, lines.get(event.order_no, {}))]
    return Page(found, len(page), cursor)


def _events_of_day(
    tx: Session, partner: str, day: date, after: tuple[Any, Any] | None, *, received_after: datetime | None = None
) -> tuple[list[HeldEvent], tuple[Any, Any] | None]:
    query = select(*_EVENT).where(InboxEvent.partner == partner, InboxEvent.day == day)
    if after is not None:
        query = query.where(tuple_(InboxEvent.order_no, InboxEvent.id) > tuple_(*after, types=(Text(), Uuid())))
    if received_after is not None:
        query = query.where(InboxEvent.received_at > received_after)
    rows = tx.execute(query.order_by(InboxEvent.order_no, InboxEvent.id).limit(PAGE)).all()
    return [_event(row) for row in rows], (rows[-1].order_no, rows[-1].id) if len(rows) == PAGE else None


def _listed_lines(tx: Session, list_id: UUID, order_nos: Collection[str]) -> dict[str, set[str]]:
    """Order number → the lines of it that the list holds."""
    given = recordset(tx, "given", {"order_no": Text()}, [(no,) for no in sorted(order_nos)])
    query = select(given.c.order_no, ListRow.line).join(given, ListRow.order_no == given.c.order_no)
    found: dict[str, set[str]] = {}
    for order_no, line in tx.execute(query.where(ListRow.list_id == list_id)):
        found.setdefault(order_no, set()).add(line)
    return found
