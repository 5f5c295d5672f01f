"""Reading grants: what was given for no act, and whether the lots that rest on grants agree with them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Uuid, func, select
from sqlalchemy.orm import Session

from backend.lists import recordset
from backend.points.budgets.reading import budgets_of
from backend.points.errors import GrantNotCovered
from backend.points.granting import rule_for_grants
from backend.points.lots import LotKey
from backend.points.models import GRANTED, Grant, Lot


@dataclass(frozen=True, slots=True)
class GrantView:
    """Points that were given for no act, and how their lot stands. `title`: `中文 / English`."""

    id: UUID
    programme: str
    campaign: str
    title: str
    points: int
    day: date
    rule_version: int
    lot_id: UUID
    granted_at: datetime
    available_at: datetime
    expires_at: datetime
    taken_back_at: datetime | None


def grants_of(tx: Session, keys: Collection[LotKey]) -> dict[LotKey, GrantView]:
    """Those of these (holder, id) that are grants; ids of acts are left out."""
    if not keys:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, sorted(set(keys)))
    row, lot = Grant.__table__.c, Lot.__table__.c
    names = GrantView.__dataclass_fields__
    columns = [row[name] if name in row else lot[name] for name in names]
    query = (
        select(row.holder_id, *columns)
        .join_from(given, Grant.__table__, (row.holder_id == given.c.holder_id) & (row.id == given.c.id))
        .join(Lot.__table__, (lot.holder_id == row.holder_id) & (lot.id == row.lot_id))
    )
    return {(found[0], found[1]): GrantView(*found[1:]) for found in tx.execute(query)}


def require_grantable(tx: Session, programme: str, campaign: str, day: date, points: int) -> None:
    """Ask before anything is promised: raises NoPointsRule, or GrantNotCovered by a budget as it is now."""
    rule_for_grants(tx, programme, day)
    meant = {("programme", programme), ("campaign", campaign)}
    begun = [item for item in budgets_of(tx, programme) if (item.scope, item.scope_code) in meant]
    for scope in sorted({item.scope for item in begun if item.first_day <= day}):
        mine = [item for item in begun if item.scope == scope and item.first_day <= day]
        covering = [item for item in mine if item.covers(day)]
        for item in covering or mine[-1:]:
            why = "used_up" if covering else "ended"
            if not covering or item.left < points:
                raise GrantNotCovered(budget=item.number, title=item.title, why=why, left=item.left, needed=points)


def grant_differences(tx: Session) -> Iterator[dict[str, object]]:
    """Every grant whose lot is of other points or of something else, and every lot that rests on no grant."""
    row, lot = Grant.__table__.c, Lot.__table__.c
    same = (lot.holder_id == row.holder_id) & (lot.id == row.lot_id)
    wrong = (lot.amount != row.points) | (lot.activity_id != row.id) | (lot.methodology != GRANTED)
    wrong |= lot.programme != row.programme
    query = select(row.holder_id, row.id, row.points, lot.amount).join_from(Grant.__table__, Lot.__table__, same)
    for found in tx.execute(query.where(wrong)):
        facts = {"grant_id": str(found.id), "granted": found.points, "lot": found.amount}
        yield {"fault": "GRANT", "holder_id": str(found.holder_id), **facts}
    resting = select(lot.holder_id, lot.id, lot.amount).where(lot.methodology == GRANTED)
    there = select(func.count()).select_from(Grant.__table__).where(same).scalar_subquery()
    for lone in tx.execute(resting.where(there == 0)):
        yield {"fault": "GRANT", "holder_id": str(lone.holder_id), "lot_id": str(lone.id), "lot": lone.amount}
