"""What counts on days of holders, as it stands: for whoever adds up by the day and again whenever something changed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Uuid, select, tuple_
from sqlalchemy.orm import Session

from backend.activities.models import Activity, ActivityRestatement
from backend.activities.records import ISSUED
from backend.lists import recordset

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class CountedAct:
    """An issued act; `reduction_g` is what it is worth now, restated where it was restated.

    `recorded_at`: when the house first knew of it.
    """

    holder_id: UUID
    id: UUID
    programme: str
    day: date
    methodology: str
    scene: str
    grade: str
    occurred_at: datetime
    recorded_at: datetime
    reduction_g: int


def issued_on(tx: Session, days: Collection[tuple[UUID, date]]) -> list[CountedAct]:
    """The issued acts of these (holder, day), in no particular order."""
    if not days:
        return []
    act = Activity.__table__.c  # the table, not the model: there are many rows
    given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date()}, sorted(set(days)))
    columns = [act[name] for name in CountedAct.__dataclass_fields__]
    same = (act.holder_id == given.c.holder_id) & (act.day == given.c.day)
    query = select(*columns).join_from(given, Activity.__table__, same).where(act.status == ISSUED)
    return _standing(tx, [CountedAct(*row) for row in tx.execute(query)])


def issued_by_holders(tx: Session, programme: str, *, first: date, last: date) -> Iterator[list[CountedAct]]:
    """The issued acts of a programme on these days, page by page: those of one holder come one after the other."""
    act = Activity.__table__.c
    columns = [act[name] for name in CountedAct.__dataclass_fields__]
    query = select(*columns).where(act.programme == programme, act.day.between(first, last), act.status == ISSUED)
    query, behind = query.order_by(act.holder_id, act.id).limit(_PAGE), None
    while True:
        page = query if behind is None else query.where(tuple_(act.holder_id, act.id) > behind)
        found = [CountedAct(*row) for row in tx.execute(page)]
        if found:
            yield _standing(tx, found)
        if len(found) < _PAGE:
            return
        behind = tuple_(found[-1].holder_id, found[-1].id)


def _standing(tx: Session, found: list[CountedAct]) -> list[CountedAct]:
    """These acts with what they are worth now."""
    restated = _restated(tx, found)
    return [_worth(item, restated) for item in found] if restated else found


def issued_of(tx: Session, holder_id: UUID, programme: str) -> list[CountedAct]:
    """Every issued act of a holder in a programme, in no particular order."""
    act = Activity.__table__.c
    mine = (act.holder_id == holder_id, act.programme == programme, act.status == ISSUED)
    query = select(*(act[name] for name in CountedAct.__dataclass_fields__)).where(*mine)
    found = [CountedAct(*row) for row in tx.execute(query)]
    restated = _restated(tx, found)
    return [_worth(item, restated) for item in found] if restated else found


def _worth(item: CountedAct, restated: dict[tuple[UUID, UUID], int]) -> CountedAct:
    grams = restated.get((item.holder_id, item.id), item.reduction_g)
    stated = {name: getattr(item, name) for name in CountedAct.__dataclass_fields__}
    return CountedAct(**stated | {"reduction_g": grams})


def _restated(tx: Session, acts: Collection[CountedAct]) -> dict[tuple[UUID, UUID], int]:
    """Holder and act → grams of the last restatement, of those that were restated."""
    if not acts:
        return {}
    keys = sorted((item.holder_id, item.id) for item in acts)
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, keys)
    row = ActivityRestatement.__table__.c
    same = (row.holder_id == given.c.holder_id) & (row.activity_id == given.c.activity_id)
    query = select(row.holder_id, row.activity_id, row.reduction_g)
    query = query.join_from(given, ActivityRestatement.__table__, same).order_by(row.sequence)
    return {(found.holder_id, found.activity_id): found.reduction_g for found in tx.execute(query)}
