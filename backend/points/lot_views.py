"""A member's points lot by lot, newest first: what became of each, in numbers that add up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, case, func, select
from sqlalchemy.orm import Session

from backend.lists import recordset
from backend.points.models import Lot, Use, UsePart
from backend.points.standing import last_day

#: What a lot is called to its member. `used`: spent, or taken for what was owed; `used_and_expired`: of some of its
#: points this, and the others lapsed.
STATES = ("pending", "available", "reserved", "used", "used_and_expired", "expired", "taken_back")
#: How the parts of a lot are told, in this order.
_PARTS = {
    "remaining": ("未使用", "left"),
    "reserved": ("兑换中", "reserved"),
    "spent": ("已使用", "spent"),
    "expired": ("已过期", "lapsed"),
    "returned": ("已收回或用于抵扣待扣回积分", "taken back, or taken for what was owed"),
}


@dataclass(frozen=True, slots=True)
class LotView:
    """A lot with its history in numbers: `amount` is the sum of the others. What has lapsed is `expired` at once."""

    id: UUID
    programme: str
    activity_id: UUID
    rule_version: int
    state: str
    amount: int
    remaining: int
    reserved: int
    spent: int
    expired: int
    returned: int
    available_at: datetime
    expires_at: datetime
    taken_back_at: datetime | None

    @property
    def last_day(self) -> date:
        """The last Shanghai day on which its points can be used."""
        return last_day(self.expires_at)

    @property
    def sentence(self) -> dict[str, str]:
        """What became of its points, for the member: whatever is not nothing."""
        parts = [(getattr(self, name), *words) for name, words in _PARTS.items() if getattr(self, name)]
        zh, en = "，".join(f"{zh} {points}" for points, zh, _ in parts), ", ".join(f"{p} {en}" for p, _, en in parts)
        return {"zh": f"共 {self.amount} 积分：{zh}。", "en": f"{self.amount} points: {en}."}


def lots_page(
    tx: Session,
    holder_id: UUID,
    *,
    programme: str | None = None,
    state: str | None = None,
    before: UUID | None = None,
    limit: int = 20,
    now: datetime,
) -> list[LotView]:
    """A holder's lots, newest first; `state`: one of `STATES`, `before`: the id of the last one already seen."""
    lot = Lot.__table__.c
    named = _state(now)
    query = select(*Lot.__table__.c, _lapsed(now).label("lapsed"), named.label("state"))
    query = query.where(lot.holder_id == holder_id)
    if programme is not None:
        query = query.where(lot.programme == programme)
    if state is not None:
        query = query.where(named == state)
    if before is not None:
        query = query.where(lot.id < before)
    rows = tx.execute(query.order_by(lot.id.desc()).limit(limit)).all()
    spent = _spent(tx, holder_id, [row.id for row in rows])
    return [_view(row, spent.get(row.id, 0)) for row in rows]


def _lapsed(now: datetime) -> Any:
    """What is left in the lot although its life is over: the job has not come by yet."""
    lot = Lot.__table__.c
    return case(((lot.stage == "available") & (lot.expires_at <= now), lot.remaining), else_=0)


def _state(now: datetime) -> Any:
    lot, expired = Lot.__table__.c, Lot.__table__.c.expired + _lapsed(now)
    return case(
        ((lot.stage != "closed") & (_lapsed(now) == 0), lot.stage),
        (lot.reserved > 0, "reserved"),
        (lot.taken_back_at.is_not(None), "taken_back"),
        (expired == lot.amount, "expired"),
        (expired > 0, "used_and_expired"),
        else_="used",
    )


def _view(row: Any, spent: int) -> LotView:
    remaining, expired = row.remaining - row.lapsed, row.expired + row.lapsed
    returned = row.amount - remaining - row.reserved - expired - spent
    told = {"remaining": remaining, "expired": expired, "spent": spent, "returned": returned}
    return LotView(**told, **{name: getattr(row, name) for name in LotView.__slots__ if name not in told})


def _spent(tx: Session, holder_id: UUID, lot_ids: Collection[UUID]) -> dict[UUID, int]:
    """What was spent of these lots and not refunded."""
    if not lot_ids:
        return {}
    given = recordset(tx, "given", {"id": Uuid()}, [(lot_id,) for lot_id in lot_ids])
    part = UsePart.__table__.c
    query = (
        select(part.lot_id, func.sum(part.points).label("points"))
        .join(Use, (Use.holder_id == part.holder_id) & (Use.id == part.use_id))
        .join(given, part.lot_id == given.c.id)
        .where(part.holder_id == holder_id, Use.state == "spent")
        .group_by(part.lot_id)
    )
    return {row.lot_id: int(row.points) for row in tx.execute(query)}
