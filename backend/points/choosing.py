"""Choosing the lots that pay: soonest to lapse first, and no more of them held than are needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from backend.points.errors import Overtaken
from backend.points.models import Lot

#: Lots looked at in the first step, where so many are needed at all; who has smaller change takes more steps.
_AHEAD, _MORE = 128, 8
_SAVEPOINT = "choosing_lots"

_lot = Lot.__table__.c


@dataclass(slots=True)
class HeldLot:
    """What of a lot that is held may change when points leave it."""

    holder_id: UUID
    id: UUID
    remaining: int
    reserved: int
    stage: str
    expires_at: datetime


#: The second condition is the one of the index, word for word: SQLite does not see that it follows from the first.
_SPENDABLE = (
    (_lot.holder_id == bindparam("holder_id"))
    & (_lot.programme == bindparam("programme"))
    & (_lot.stage == "available")
    & (_lot.stage != "closed")
    & (_lot.expires_at > bindparam("now"))
)
_SUM = select(func.coalesce(func.sum(_lot.remaining), 0)).where(_SPENDABLE)


def _needed() -> Select[Any]:
    """As many of the soonest lots as together hold `points`, locked in key order."""
    soonest = select(_lot.id, _lot.remaining, _lot.expires_at).where(_SPENDABLE).order_by(_lot.expires_at, _lot.id)
    ahead = soonest.limit(bindparam("ahead")).subquery("soonest")
    before = func.sum(ahead.c.remaining).over(order_by=(ahead.c.expires_at, ahead.c.id)) - ahead.c.remaining
    summed = select(ahead.c.id, before.label("before")).subquery("summed")
    chosen = select(summed.c.id).where(summed.c.before < bindparam("points"))
    return (
        select(_lot.holder_id, _lot.id, _lot.remaining, _lot.reserved, _lot.stage, _lot.expires_at)
        .where(_lot.holder_id == bindparam("holder_id"), _lot.id.in_(chosen))
        .order_by(_lot.id)
        .with_for_update(of=Lot.__table__)
    )


_NEEDED = _needed()


def available(tx: Session, holder_id: UUID, programme: str, *, now: datetime) -> int:
    """What the holder can spend now: what is in available lots that have not lapsed."""
    return int(tx.scalar(_SUM, {"holder_id": holder_id, "programme": programme, "now": now}) or 0)


def hold(
    tx: Session, holder_id: UUID, programme: str, points: int, *, now: datetime, once: bool = False
) -> list[tuple[HeldLot, int]]:
    """The lots that pay `points`, soonest to lapse first, and how much each gives; held. Empty when that is too little.

    They are chosen before they are locked. Where somebody else was quicker they are let go of before others are chosen:
    who waits for a lot never holds a later one. With `once` the caller lets go of them: Overtaken is raised instead.
    """
    asked: dict[str, Any] = {
        "holder_id": holder_id,
        "programme": programme,
        "points": points,
        "now": now,
        "ahead": min(points, _AHEAD),  # a lot holds one point at least
    }
    while True:
        if not once:
            _mark(tx)
        parts = _divide([HeldLot(*row) for row in tx.execute(_NEEDED, asked)], points, now)
        if parts:
            return parts
        if not once:
            _let_go(tx)
        if available(tx, holder_id, programme, now=now) < points:
            return []
        if once:
            raise Overtaken
        asked["ahead"] *= _MORE


def _divide(lots: Sequence[HeldLot], points: int, now: datetime) -> list[tuple[HeldLot, int]]:
    """How much each lot gives, as it is now that it is held; empty when that is not enough."""
    parts = []
    for lot in sorted(lots, key=lambda item: (item.expires_at, item.id)):
        part = min(points, lot.remaining) if lot.stage == "available" and lot.expires_at > now else 0
        if part:
            parts.append((lot, part))
            points -= part
    return [] if points else parts


def _mark(tx: Session) -> None:
    """On SQLite there is nothing to let go of: the whole database is held."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.flush()
        tx.connection().exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")


def _let_go(tx: Session) -> None:
    if tx.get_bind().dialect.name == "postgresql":
        tx.connection().exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
