"""What differs, and of which kind: the partner's row × our event and act × the books. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from backend.activities import STANDING, WHOLE_ORDER, StandingLine
from backend.ledger import Posted
from backend.partners.contract import RANKS
from backend.partners.reconciliation.rows import COMPLETED, BadRow, ListedRow

MISSING_HERE, MISSING_THERE, STATUS, AMOUNT, LATE, BAD_ROW = KINDS = (
    *("missing_here", "missing_there", "status", "amount", "late", "bad_row"),
)
#: What another statement took the place of, or repeats, says nothing any more.
_OVERTAKEN = frozenset({"superseded", "duplicate"})
#: Refused because another statement about the line stands; the line itself may well be credited.
_CONTRADICTING = frozenset({"LINE_CONFLICT", "ORDER_TYPE_CHANGED"})


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """An event in our inbox. `lines`: line → (status, code) as settled; empty before."""

    event_id: str
    order_no: str
    state: str
    waiting_for: str | None
    received_at: datetime
    lines: dict[str, tuple[str, str | None]]

    @property
    def line_names(self) -> Collection[str]:
        """Its lines; one without a name where they are not known: the event was not settled, or ended unread."""
        return [line for line in self.lines if line != WHOLE_ORDER] or [""]

    @property
    def may_be_credited(self) -> bool:
        """Not settled yet. A correction that waits for its order credits nothing by itself."""
        return self.state != "done" and self.waiting_for != "ORDER"

    def outcome(self, line: str) -> tuple[str | None, str | None]:
        """Status and code of one line, or of the whole order it belongs to."""
        return self.lines.get(line, self.lines.get(WHOLE_ORDER, (None, None)))

    def facts(self, line: str) -> dict[str, Any]:
        """What became of one line of it."""
        said: dict[str, Any] = {"event_id": self.event_id, "order_no": self.order_no}
        status, code = self.outcome(line)
        if self.state == "done":
            return said | {"status": status, "reason": code}
        return said | {"status": self.state, "reason": code or self.waiting_for}


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of an order with us: how it stands, what the books hold of it, the points of its lots (given, left)."""

    line: StandingLine
    posted: Posted
    lots: tuple[int, int]

    @property
    def issued(self) -> bool:
        return self.line.status == "issued"

    @property
    def stands(self) -> bool:
        """Credited, or recorded for a partner that keeps the claim: both are what a list calls completed."""
        return self.line.status in ("issued", "kept")

    def facts(self, event: HeldEvent | None = None) -> dict[str, Any]:
        """What we say about it. `event` tells of a line that never became an act."""
        line = self.line
        said: dict[str, Any] = {"order_no": line.order_no, "line": line.line, "revision": line.revision}
        if line.status is None:
            return said | (event.facts(line.line) if event else {"status": "refused", "reason": None})
        said |= {"status": line.status, "reason": line.reason}
        if self.issued:
            said |= {"reduction_g": line.credits.reduction_g, "points": self.posted.points}
            said |= {name: str(line.data[name]) for name in ("quantity", "weight_kg") if name in line.data}
        return said

    def disagreement(self) -> dict[str, Any]:
        """Where our own act, its postings and its lots do not agree; empty when they do."""
        credits, posted, (given, left) = self.line.credits, self.posted, self.lots
        found: dict[str, Any] = {}
        for name in ("reduction_g", "offset_g", "eac_wh"):
            if getattr(credits, name) != getattr(posted, name):
                found[f"activity_{name}"], found[f"ledger_{name}"] = getattr(credits, name), getattr(posted, name)
        if given != posted.points_ever or (left and not self.issued):
            found |= {"ledger_points": posted.points_ever, "lots_points": given, "lots_points_left": left}
        return found


@dataclass(frozen=True, slots=True)
class Held:
    """Everything with us that a row of the list may mean. `event` is the one it names, else one about its order."""

    event: HeldEvent | None
    lines: Sequence[HeldLine] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One difference, as it is kept: see `models.Difference`."""

    kind: str
    key: str
    line: str
    order_no: str | None
    event_id: str | None
    theirs: dict[str, Any] = field(default_factory=dict)
    ours: dict[str, Any] = field(default_factory=dict)


def of_bad_row(position: int, bad: BadRow) -> Found:
    """A row that could not be used."""
    theirs = {"row": position, "code": bad.code, "field": bad.field}
    return Found(BAD_ROW, f"r:{position}", "", None, None, {name: v for name, v in theirs.items() if v is not None})


def of_listed_row(row: ListedRow, held: Held) -> Iterator[Found]:
    """What differs between a row of the list and what is with us."""
    missing = held.event is None and (row.event_id is not None or not held.lines)
    if missing:
        yield _found(MISSING_HERE, row, held.lines[0].facts() if held.lines else {})
    elif not held.lines and held.event is not None and (row.status == COMPLETED or held.event.may_be_credited):
        yield _found(STATUS, row, held.event.facts(row.line))
    for item in held.lines:
        ours = item.facts(held.event)
        line = item.line.line if row.line == WHOLE_ORDER else row.line
        both = row.status == COMPLETED and item.stands and not missing
        if missing:
            pass  # the event will say more
        elif both and held.event is not None and held.event.outcome(row.line)[1] in _CONTRADICTING:
            yield _found(STATUS, row, ours | held.event.facts(row.line))
        elif both:
            yield from _of_standing(row, item, ours)
        elif row.status == COMPLETED or item.line.status in STANDING:
            yield _found(STATUS, row, ours, line)
        if wrong := item.disagreement() | (_other_amounts(row, item) if both and item.issued else {}):
            yield _found(AMOUNT, row, ours | wrong, line)


def _of_standing(row: ListedRow, item: HeldLine, ours: dict[str, Any]) -> Iterator[Found]:
    """Completed there and standing here: by the same statement?"""
    line = item.line
    if row.revision is not None and row.revision > line.revision:
        yield _found(MISSING_HERE, row, ours)
    elif row.revision is not None and row.revision < line.revision:
        yield _found(MISSING_THERE, row, ours)
    if row.type is not None and row.type not in RANKS and line.order_type not in (None, row.type):
        yield _found(STATUS, row, ours | {"type": line.order_type})


def _other_amounts(row: ListedRow, item: HeldLine) -> dict[str, Any]:
    """Which amounts differ; empty where none does. A quantity is compared where the act was counted by it."""
    ours = {"reduction_g": item.line.credits.reduction_g, "points": item.posted.points}
    names = [name for name, amount in ours.items() if getattr(row, name) not in (None, amount)]
    for name in ("quantity", "weight_kg"):
        theirs, counted = getattr(row, name), item.line.data.get(name)
        if theirs is not None and counted is not None and Decimal(theirs) != Decimal(str(counted)):
            names.append(name)
    return {"differs": names} if names else {}


def of_unlisted_event(
    event: HeldEvent, unlisted: Collection[str], held: Mapping[str, HeldLine], *, late: bool
) -> Iterator[Found]:
    """Lines of an event of the day that the list does not hold; `late`: it came when the list was taken already.

    What is cancelled, overtaken or was never completed is nothing that a list has to hold.
    """
    for line in sorted(unlisted):
        status, code = event.outcome(line)
        ended = line in held and held[line].line.status in ("cancelled", "taken_back")
        if not (ended or status == "cancelled" or status in _OVERTAKEN or code == "NOT_COMPLETED"):
            yield _of_event(LATE if late else MISSING_THERE, event, line, held)


def of_late_event(event: HeldEvent, held: Mapping[str, HeldLine]) -> Iterator[Found]:
    """An event that came after its day was closed: whatever it says, it was not agreed upon."""
    for line in sorted(event.line_names):
        if event.outcome(line)[0] not in _OVERTAKEN:
            yield _of_event(LATE, event, line, held)


def _of_event(kind: str, event: HeldEvent, line: str, held: Mapping[str, HeldLine]) -> Found:
    """A difference without a row of the list. `line` is empty while nobody knows the lines of the event."""
    key = f"o:{event.order_no}" if line else f"e:{event.event_id}"
    ours = event.facts(line)
    if line in held:
        ours |= held[line].facts(event) | held[line].disagreement()
    return Found(kind, key, line, event.order_no, event.event_id, {}, ours)


def _found(kind: str, row: ListedRow, ours: dict[str, Any], line: str | None = None) -> Found:
    """A difference of a row; `line` where the row is about several."""
    order_no, event_id = row.order_no or ours.get("order_no"), row.event_id or ours.get("event_id")
    return Found(kind, row.key, line or row.line, order_no, event_id, row.facts(), ours)
