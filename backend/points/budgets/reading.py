"""Reading budgets: what is left of them, and whether they agree with the lots and the books."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, cast, func, select
from sqlalchemy.orm import Session

from backend import ledger
from backend.database import Amount
from backend.errors import NotFound
from backend.points.budgets.drawing import numbers_of
from backend.points.budgets.models import Budget, BudgetChange, BudgetReturn
from backend.points.models import Lot

#: A budget is called low from this share of it on.
LOW_PERCENT = 80


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget as it stands. `low`: at least 80 % are drawn."""

    number: int
    programme: str
    scope: str
    scope_code: str
    title: str
    announced_on: date
    first_day: date
    last_day: date | None
    total: int
    drawn: int
    warned_at: datetime | None
    used_up_at: datetime | None

    @property
    def left(self) -> int:
        return self.total - self.drawn

    @property
    def low(self) -> bool:
        return 100 * self.drawn >= LOW_PERCENT * self.total

    def covers(self, day: date) -> bool:
        """Whether acts of this day draw from it."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


def budgets_of(tx: Session, programme: str | None = None) -> list[BudgetView]:
    """The budgets of one programme or of all, by number."""
    columns = {name: Budget.__table__.c[name] for name in BudgetView.__dataclass_fields__}
    columns["drawn"] = (Budget.drawn - _returned()).label("drawn")
    query = select(*columns.values()).order_by(Budget.number)
    if programme is not None:
        query = query.where(Budget.programme == programme)
    return [BudgetView(*row) for row in tx.execute(query)]


def budget(tx: Session, number: int) -> BudgetView:
    """One budget, or NotFound."""
    for found in budgets_of(tx):
        if found.number == number:
            return found
    raise NotFound


def _returned() -> ColumnElement[int]:
    """What was given back to a budget and not yet taken up by it."""
    sum_of = select(func.sum(BudgetReturn.points)).where(BudgetReturn.budget == Budget.number)
    return cast(func.coalesce(sum_of.scalar_subquery(), 0), Amount)


def budget_differences(tx: Session) -> Iterator[dict[str, object]]:
    """Every budget whose total is not the sum of its changes, or whose drawn points are not those of its lots."""
    changed = func.coalesce(func.sum(BudgetChange.points), 0)
    drawn = (Budget.drawn - _returned()).label("drawn")
    query = select(Budget.number, Budget.total, drawn, changed.label("changed"))
    query = query.outerjoin(BudgetChange, BudgetChange.budget == Budget.number).group_by(Budget.number)
    issued = _issued_by_budget(tx)
    known = set()
    for row in tx.execute(query.order_by(Budget.number)):
        known.add(row.number)
        if row.total != row.changed:
            yield _fault(row.number, "total", row.total, int(row.changed))
        if row.drawn != issued[row.number]:
            yield _fault(row.number, "drawn", row.drawn, issued[row.number])
    for number in sorted(issued.keys() - known):
        yield {"fault": "BUDGET", "budget": number, "missing": True}


def _issued_by_budget(tx: Session) -> dict[int, int]:
    """By the books: what was issued into the lots of each budget and did not go back."""
    posted = ledger.issued_by_lot().subquery("posted")
    query = (
        select(Lot.drawn_from, func.sum(posted.c.points))
        .join(posted, (posted.c.holder_id == Lot.holder_id) & (posted.c.lot_id == Lot.id))
        .where(Lot.drawn_from.is_not(None))
        .group_by(Lot.drawn_from)
    )
    sums: dict[int, int] = defaultdict(int)
    for drawn_from, points in tx.execute(query):
        for number in numbers_of(drawn_from):
            sums[number] += int(points)
    return sums


def _fault(number: int, what: str, stored: int, proven: int) -> dict[str, object]:
    return {"fault": "BUDGET", "budget": number, "what": what, "stored": stored, "proven": proven}
