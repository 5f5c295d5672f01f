"""Reading lots: what an act earned, and whether the lots agree with the books."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import Uuid, func, literal, select, union_all
from sqlalchemy.orm import Session

from backend import ledger
from backend.holdings import Held, held_rows
from backend.lists import recordset
from backend.points import caps
from backend.points.budgets.reading import budget_differences
from backend.points.grants import grant_differences
from backend.points.models import Grant, Lot, PointsCut, Use, UsePart


def lots_of(tx: Session, holder_id: UUID, activity_id: UUID) -> list[Lot]:
    """The lots one act earned (more than one when it was credited again after losing for a while)."""
    query = select(Lot).where(Lot.holder_id == holder_id, Lot.activity_id == activity_id).order_by(Lot.id)
    return list(tx.scalars(query))


def standing_lots(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], list[Lot]]:
    """The lots of these (holder, activity) that were not taken back: those of the last issue, its bonuses included."""
    found: dict[tuple[UUID, UUID], list[Lot]] = {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(set(activities)))
    same = (Lot.holder_id == given.c.holder_id) & (Lot.activity_id == given.c.activity_id)
    query = select(Lot).join(given, same).where(Lot.taken_back_at.is_(None)).order_by(Lot.id)
    for lot in tx.scalars(query.execution_options(populate_existing=True)):
        found.setdefault((lot.holder_id, lot.activity_id), []).append(lot)
    return found


def given_for(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], int]:
    """Points that these (holder, activity) earned and that were not taken back, bonuses included; none are left out."""
    if not activities:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(set(activities)))
    lot = Lot.__table__.c  # the table, not the model: there may be thousands of rows
    query = (
        select(lot.holder_id, lot.activity_id, func.sum(lot.amount))
        .join_from(
            given,
            Lot.__table__,
            (lot.holder_id == given.c.holder_id) & (lot.activity_id == given.c.activity_id),
        )
        .where(lot.taken_back_at.is_(None))
        .group_by(lot.holder_id, lot.activity_id)
    )
    return {(row[0], row[1]): int(row[2]) for row in tx.execute(query)}


def newest_lots(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Lot]:
    """The last lot each of these (holder, activity) earned itself, bonuses aside; those that never earned any are left
    out."""
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(set(activities)))
    query = (
        select(Lot)
        .join(given, (Lot.holder_id == given.c.holder_id) & (Lot.activity_id == given.c.activity_id))
        .where(Lot.campaign.is_(None))
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
    """Every holder whose lots do not sum to the points accounts, and every lot or use whose parts do not sum to it.

    And every budget, every count of a cap and every grant that its lots belie.
    """
    yield from budget_differences(tx)
    yield from caps.differences(tx)
    yield from grant_differences(tx)
    open_lots = (
        select(Lot.holder_id, Lot.programme, Lot.stage, func.sum(Lot.remaining).label("points"))
        .where(Lot.stage != "closed")
        .group_by(Lot.holder_id, Lot.programme, Lot.stage)
    )
    reserved = (
        select(Lot.holder_id, Lot.programme, literal("reserved").label("stage"), func.sum(Lot.reserved).label("points"))
        .where(Lot.reserved > 0)
        .group_by(Lot.holder_id, Lot.programme)
    )
    sums = union_all(open_lots, reserved)
    lots = {(r.holder_id, r.programme, f"points.{r.stage}"): int(r.points) for r in tx.execute(sums)}
    balances = ledger.all_balances(tx, ("points.pending", "points.available", "points.reserved"))
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
    yield from _use_differences(tx)


def _use_differences(tx: Session) -> Iterator[dict[str, object]]:
    """Uses that their parts do not make up, and lots of which another amount is reserved than open uses keep."""
    of_use = (UsePart.holder_id == Use.holder_id) & (UsePart.use_id == Use.id)
    parts = func.coalesce(func.sum(UsePart.points), 0)
    uses = select(Use.holder_id, Use.id, Use.points, parts.label("parts")).outerjoin(UsePart, of_use)
    for row in tx.execute(uses.group_by(Use.holder_id, Use.id, Use.points).having(parts != Use.points)):
        facts = {"use_id": str(row.id), "points": row.points, "parts": int(row.parts)}
        yield {"fault": "USE", "holder_id": str(row.holder_id), **facts}
    kept = (
        select(UsePart.holder_id, UsePart.lot_id, UsePart.points).join(Use, of_use).where(Use.state == "reserved"),
        select(Lot.holder_id, Lot.id, -Lot.reserved).where(Lot.reserved > 0),
    )
    moved = union_all(*kept).subquery("kept")
    difference = func.sum(moved.c.points)
    query = select(moved.c.holder_id, moved.c.lot_id, difference.label("difference"))
    for kept_row in tx.execute(query.group_by(moved.c.holder_id, moved.c.lot_id).having(difference != 0)):
        facts = {"lot_id": str(kept_row.lot_id), "uses_minus_reserved": int(kept_row.difference)}
        yield {"fault": "RESERVED", "holder_id": str(kept_row.holder_id), **facts}


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out."""
    return {model.__tablename__: held_rows(tx, model, holder_id) for model in (Lot, Grant, Use, UsePart, PointsCut)}
