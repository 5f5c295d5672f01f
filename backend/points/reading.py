"""Reading lots: what an act earned, and whether the lots agree with the books."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import Uuid, func, select
from sqlalchemy.orm import Session

from backend import ledger
from backend.holdings import Held, held_rows
from backend.lists import recordset
from backend.points.models import Lot


def lots_of(tx: Session, holder_id: UUID, activity_id: UUID) -> list[Lot]:
    """The lots one act earned (more than one when it was credited again after losing for a while)."""
    query = select(Lot).where(Lot.holder_id == holder_id, Lot.activity_id == activity_id).order_by(Lot.id)
    return list(tx.scalars(query))


def newest_lots(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Lot]:
    """The last lot each of these (holder, activity) earned; those that never earned any are left out."""
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(set(activities)))
    query = (
        select(Lot)
        .join(given, (Lot.holder_id == given.c.holder_id) & (Lot.activity_id == given.c.activity_id))
        .order_by(Lot.id)
    )
    return {(lot.holder_id, lot.activity_id): lot for lot in tx.scalars(query)}


def lots_for(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], tuple[int, int]]:
    """Points in all the lots of these (holder, activity): how many were given, how many are left in them."""
    if not activities:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, list(set(activities)))
    lot = Lot.__table__.c  # the table, not the model: there may be thousands of rows
    query = (
        select(lot.holder_id, lot.activity_id, func.sum(lot.amount), func.sum(lot.remaining))
        .join(given, (lot.holder_id == given.c.holder_id) & (lot.activity_id == given.c.activity_id))
        .group_by(lot.holder_id, lot.activity_id)
    )
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in tx.execute(query)}


def differences(tx: Session) -> Iterator[dict[str, object]]:
    """Every holder whose open lots do not sum to the points accounts."""
    sums = (
        select(Lot.holder_id, Lot.programme, Lot.stage, func.sum(Lot.remaining).label("remaining"))
        .where(Lot.stage != "closed")
        .group_by(Lot.holder_id, Lot.programme, Lot.stage)
    )
    lots = {(r.holder_id, r.programme, f"points.{r.stage}"): int(r.remaining) for r in tx.execute(sums)}
    balances = ledger.all_balances(tx, ("points.pending", "points.available"))
    for key in sorted(lots.keys() | balances.keys()):
        if lots.get(key, 0) != balances.get(key, 0):
            holder_id, programme, account = key
            yield {
                "fault": "LOTS",
                "holder_id": str(holder_id),
                "programme": programme,
                "account": account,
                "lots": lots.get(key, 0),
                "balance": balances.get(key, 0),
            }


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out."""
    return {Lot.__tablename__: held_rows(tx, Lot, holder_id)}
