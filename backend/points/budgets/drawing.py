"""Drawing points from budgets: a hard stop that holds however many draw at once.

A budget is charged with every point that leaves the issuer for an act it covers, and gets back every point that goes
back to the issuer. What was spent before its act was taken back stays drawn until the debt is paid, so returning goods
does not reopen a budget whose points are gone. A lot remembers what it was drawn from (`Lot.drawn_from`); with the
transfers of the lot that proves what is drawn of each budget (`reading.budget_differences`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Integer, Row, delete, select, update
from sqlalchemy.orm import Session

from backend.database import Amount
from backend.ids import new_id
from backend.lists import insert_rows, recordset
from backend.points.budgets.models import Budget, BudgetReturn

#: Programme, scope and the code of what is meant: the programme itself, a partner or a campaign.
Scope = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Points (0 or more) that an act of this day is to earn; `campaign` where a campaign gives them."""

    programme: str
    partner: str | None
    campaign: str | None
    day: date
    points: int


@dataclass(frozen=True, slots=True)
class Returned:
    """Points of a lot that go back to the issuer; `drawn_from` as the lot remembers it."""

    drawn_from: str | None
    points: int


@dataclass(frozen=True, slots=True)
class BudgetCut:
    """The budget that left a wish unfulfilled: `used_up`, or `ended` where no later one covers the act's day."""

    budget: int
    scope: str
    scope_code: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a wish was granted: its points, what its lot has to remember, and who cut it, if it was cut."""

    points: int
    drawn_from: str | None
    cut: BudgetCut | None


def draw(tx: Session, wanted: Sequence[Wanted], returned: Sequence[Returned] = ()) -> list[Drawn]:
    """Draw points from the budgets that cover each wish, and answer wish by wish, in order.

    The least of what is left in programme, partner and campaign is granted, so a budget ends at exactly its limit. What
    has no budget is not limited; what had one is limited from then on, so a day behind its last budget earns nothing.
    What the same transaction returns is told here and goes back first. Budgets are held until commit, in the order of
    their numbers, after lots and before balances.
    """
    known = _of_programmes(tx, {wish.programme for wish in wanted if wish.points})
    covering = [_covering(known, wish) for wish in wanted]
    asked: dict[int, int] = defaultdict(int)
    for wish, (rows, _) in zip(wanted, covering, strict=True):
        for row in rows:
            asked[row.number] += wish.points
    numbers = {*asked, *(number for item in returned if item.points for number in numbers_of(item.drawn_from))}
    left, changes = _hold(tx, numbers), defaultdict[int, int](int)
    for item in returned:
        _move(left, changes, numbers_of(item.drawn_from), -item.points)
    if any(points > left[number] for number, points in asked.items()):
        for number, points in _take_returned(tx, asked.keys()).items():
            _move(left, changes, [number], -points)
    answers = [_grant(left, changes, wish, *found) for wish, found in zip(wanted, covering, strict=True)]
    _write(tx, changes)
    return answers


def _grant(
    left: dict[int, int], changes: dict[int, int], wish: Wanted, rows: Sequence[Row[Any]], ended: Row[Any] | None
) -> Drawn:
    if ended is not None:
        return Drawn(0, None, _cut(ended, "ended"))
    least = min(rows, key=lambda row: (left[row.number], row.number), default=None)
    if least is None:
        return Drawn(wish.points, None, None)
    granted = min(wish.points, left[least.number])
    _move(left, changes, [row.number for row in rows], granted)
    return Drawn(granted, _remembered(rows, granted), _cut(least, "used_up") if granted < wish.points else None)


def hold_covering(tx: Session, wanted: Sequence[Wanted]) -> None:
    """Hold the budgets that cover these wishes until commit, for whoever draws from them behind another lock."""
    known = _of_programmes(tx, {wish.programme for wish in wanted if wish.points})
    _hold(tx, {row.number for wish in wanted for row in _covering(known, wish)[0]})


def give_back(tx: Session, returned: Sequence[Returned]) -> None:
    """Give points that go back to the issuer back to the budgets their lots were drawn from.

    It is noted, not added: so no budget is held, and whoever takes lots back may do so whatever it holds already. Who
    draws takes up what was noted as soon as a budget would not do without it; `take_up_returned` does so in any case.
    """
    rows = [
        {"budget": number, "id": new_id(), "points": item.points}
        for item in returned
        if item.points
        for number in numbers_of(item.drawn_from)
    ]
    insert_rows(tx, BudgetReturn, rows)


def take_up_returned(tx: Session) -> int:
    """Add what was given back to its budgets. Returns how many of them changed."""
    numbers = list(tx.scalars(select(BudgetReturn.budget).distinct()))
    _hold(tx, numbers)
    found = _take_returned(tx, numbers)
    _write(tx, {number: -points for number, points in found.items()})
    return len(found)


def _take_returned(tx: Session, numbers: Collection[int]) -> dict[int, int]:
    """What was given back to these budgets, which are held; it is taken off the notes."""
    if not numbers:
        return {}
    noted = delete(BudgetReturn).where(BudgetReturn.budget.in_(sorted(numbers)))
    found: dict[int, int] = defaultdict(int)
    for number, points in tx.execute(noted.returning(BudgetReturn.budget, BudgetReturn.points)):
        found[number] += points
    return found


def numbers_of(drawn_from: str | None) -> list[int]:
    """The budgets a lot was drawn from."""
    return [int(number) for number in drawn_from.split()] if drawn_from else []


def _remembered(rows: Iterable[Row[Any]], granted: int) -> str | None:
    return " ".join(str(number) for number in sorted(row.number for row in rows)) if granted else None


def _of_programmes(tx: Session, programmes: Collection[str]) -> Mapping[Scope, Sequence[Row[Any]]]:
    """What these programmes' budgets cover, by scope; read without holding them, for that never changes."""
    if not programmes:
        return {}
    found: dict[Scope, list[Row[Any]]] = defaultdict(list)
    columns = (Budget.number, Budget.programme, Budget.scope, Budget.scope_code, Budget.title)
    query = select(*columns, Budget.first_day, Budget.last_day).where(Budget.programme.in_(sorted(programmes)))
    rows: list[Row[Any]] = list(tx.execute(query.order_by(Budget.number)))
    for row in rows:
        found[row.programme, row.scope, row.scope_code].append(row)
    return found


def _covering(known: Mapping[Scope, Sequence[Row[Any]]], wish: Wanted) -> tuple[list[Row[Any]], Row[Any] | None]:
    """The budgets a wish draws from; and one that ended without a later one, where there is such a scope."""
    found: list[Row[Any]] = []
    scopes = {"programme": wish.programme, "partner": wish.partner, "campaign": wish.campaign}
    for scope, code in scopes.items() if wish.points else ():
        same = known.get((wish.programme, scope, code or ""), ())
        begun = [row for row in same if row.first_day <= wish.day]
        rows = [row for row in begun if row.last_day is None or row.last_day >= wish.day]
        if begun and not rows:
            return [], max(begun, key=lambda row: (row.last_day, row.number))
        found += rows
    return found, None


def _hold(tx: Session, numbers: Collection[int]) -> dict[int, int]:
    """What is left in these budgets, held until commit; who refers to them without changing them need not wait."""
    if not numbers:
        return {}
    query = select(Budget.number, Budget.total, Budget.drawn).where(Budget.number.in_(sorted(numbers)))
    rows = tx.execute(query.order_by(Budget.number).with_for_update(key_share=True))
    return {row.number: row.total - row.drawn for row in rows}


def _move(left: dict[int, int], changes: dict[int, int], numbers: Iterable[int], points: int) -> None:
    for number in numbers if points else ():
        left[number] -= points
        changes[number] += points


def _cut(row: Row[Any], why: str) -> BudgetCut:
    return BudgetCut(row.number, row.scope, row.scope_code, row.title, why)


def _write(tx: Session, changes: Mapping[int, int]) -> None:
    rows = sorted((number, points) for number, points in changes.items() if points)
    if not rows:
        return
    given = recordset(tx, "given", {"number": Integer(), "points": Amount}, rows)
    tx.execute(
        update(Budget)
        .values(drawn=Budget.drawn + given.c.points)
        .where(Budget.number == given.c.number)
        .execution_options(synchronize_session=False)
    )
