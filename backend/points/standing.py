"""How a member's points stand: by what can be done with them, the days on which that changes, and lot by lot.

Only the holder's own open lots are read, through an index, so it costs the same however many lots there are of others.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, func, select, type_coerce
from sqlalchemy.orm import Session

from backend import clock, ledger
from backend.database import Instant
from backend.lists import recordset
from backend.points.models import Lot, Use, UsePart

#: Days that are listed one by one; what comes later is in the sums only.
_DAYS_LISTED = 31
SOON_DAYS = 30

#: What a lot is called to its member. `used`: spent, or taken for what was owed.
STATES = ("pending", "available", "reserved", "used", "expired", "taken_back")


@dataclass(frozen=True, slots=True)
class Due:
    """Points that ripen or lapse at one instant."""

    at: datetime
    points: int

    @property
    def last_day(self) -> date:
        """The last Shanghai day before it."""
        return last_day(self.at)


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's points in one programme. `available` leaves out what has lapsed, whether the job came by or not.

    `lapsing_soon`: of the available ones, those that lapse within `SOON_DAYS` days. Both lists begin with what comes
    first and are bounded.
    """

    pending: int
    available: int
    reserved: int
    debt: int
    lapsing_soon: int
    ripening: Sequence[Due]
    lapsing: Sequence[Due]


@dataclass(frozen=True, slots=True)
class LotView:
    """A lot with its history in numbers: `amount` is the sum of the others."""

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


#: Who has nothing and owes nothing.
NO_POINTS = Standing(0, 0, 0, 0, 0, (), ())


def last_day(ends_at: datetime) -> date:
    """The last Shanghai day of what ends at this instant."""
    return clock.day_of(ends_at - timedelta(microseconds=1))


def _open_lots() -> Any:
    lot = Lot.__table__.c
    due = case((lot.stage == "pending", lot.available_at), else_=lot.expires_at)
    columns = (lot.programme, lot.stage, type_coerce(due, Instant()).label("at"))
    query = select(*columns, func.sum(lot.remaining).label("points"))
    query = query.where(lot.holder_id == bindparam("holder_id"), lot.stage != "closed")
    return query.group_by(lot.programme, lot.stage, due).order_by(due)


_OPEN_LOTS = _open_lots()


def standings(tx: Session, holder_id: UUID, *, now: datetime) -> dict[str, Standing]:
    """Programme → how the holder's points stand; without points nor debt, a programme is left out.

    Lots and balances are read one after the other: who wants them to be of one moment reads one moment.
    """
    due: dict[tuple[str, str], list[Due]] = defaultdict(list)
    for row in tx.execute(_OPEN_LOTS, {"holder_id": holder_id}):
        due[row.programme, row.stage].append(Due(row.at, int(row.points)))
    balances = ledger.balances(tx, holder_id)
    programmes = {programme for programme, _ in due} | set(balances)
    return {
        programme: _standing(balances.get(programme, {}), due[programme, "pending"], due[programme, "available"], now)
        for programme in sorted(programmes)
    }


def _standing(balances: dict[str, int], pending: Sequence[Due], available: Sequence[Due], now: datetime) -> Standing:
    alive = [due for due in available if due.at > now]
    soon = now + timedelta(days=SOON_DAYS)
    return Standing(
        pending=sum(due.points for due in pending),
        available=sum(due.points for due in alive),
        reserved=balances.get("points.reserved", 0),
        debt=balances.get("points.debt", 0),
        lapsing_soon=sum(due.points for due in alive if due.at <= soon),
        ripening=tuple(islice(pending, _DAYS_LISTED)),
        lapsing=tuple(islice(alive, _DAYS_LISTED)),
    )


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
    query = select(*Lot.__table__.c, named.label("state")).where(lot.holder_id == holder_id)
    if programme is not None:
        query = query.where(lot.programme == programme)
    if state is not None:
        query = query.where(named == state)
    if before is not None:
        query = query.where(lot.id < before)
    rows = tx.execute(query.order_by(lot.id.desc()).limit(limit)).all()
    spent = _spent(tx, holder_id, [row.id for row in rows])
    return [_view(row, spent.get(row.id, 0)) for row in rows]


def _state(now: datetime) -> Any:
    lot = Lot.__table__.c
    return case(
        ((lot.stage == "available") & (lot.expires_at <= now), "expired"),
        (lot.stage != "closed", lot.stage),
        (lot.reserved > 0, "reserved"),
        (lot.taken_back_at.is_not(None), "taken_back"),
        (lot.expired > 0, "expired"),
        else_="used",
    )


def _view(row: Any, spent: int) -> LotView:
    returned = row.amount - row.remaining - row.reserved - row.expired - spent
    names = set(LotView.__slots__) - {"spent", "returned"}
    return LotView(**{name: getattr(row, name) for name in names}, spent=spent, returned=returned)


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
