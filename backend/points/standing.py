"""How a member's points stand: by what can be done with them, the days on which that changes, and what became of all.

Only the holder's own open lots are read; what was ever earned is summed in an index over their lots, which holds the
sums' columns. So it costs the same however many lots there are of others.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, func, literal, select, type_coerce, union_all
from sqlalchemy.orm import Session

from backend import clock, ledger
from backend.database import Instant
from backend.points.models import Lot, Use

#: Days that are listed one by one; what comes later is in the sums only.
_DAYS_LISTED = 31
SOON_DAYS = 30


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
    ever: "Ever"


@dataclass(frozen=True, slots=True)
class Ever:
    """What became of all points of a member in one programme.

    `earned` by acts that stand (and of others what had lapsed before they were taken back), `spent` and not refunded,
    `expired` as soon as it has lapsed. They are pending, available, reserved, spent and expired points less what is
    owed and what was written off.
    """

    earned: int = 0
    spent: int = 0
    expired: int = 0


#: Who has nothing and owes nothing.
NO_POINTS = Standing(0, 0, 0, 0, 0, (), (), Ever())


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


def _totals() -> Any:
    """Of lots only what ix_points_lots_activity holds, so that no lot has to be looked up that was closed long ago."""
    lot, use = Lot.__table__.c, Use.__table__.c
    earned = case((lot.taken_back_at.is_(None), lot.amount), else_=lot.expired)
    sums = (func.sum(earned).label("earned"), literal(0).label("spent"), func.sum(lot.expired).label("expired"))
    lots = select(lot.programme, *sums).where(lot.holder_id == bindparam("holder_id")).group_by(lot.programme)
    uses = select(use.programme, literal(0), func.sum(use.points), literal(0)).group_by(use.programme)
    return union_all(lots, uses.where(use.holder_id == bindparam("holder_id"), use.state == "spent"))


_OPEN_LOTS, _TOTALS = _open_lots(), _totals()


def standings(tx: Session, holder_id: UUID, *, now: datetime) -> dict[str, Standing]:
    """Programme → how the holder's points stand; without points nor debt, a programme is left out.

    Lots and balances are read one after the other: who wants them to be of one moment reads one moment.
    """
    due: dict[tuple[str, str], list[Due]] = defaultdict(list)
    for row in tx.execute(_OPEN_LOTS, {"holder_id": holder_id}):
        due[row.programme, row.stage].append(Due(row.at, int(row.points)))
    balances, ever = ledger.balances(tx, holder_id), _ever(tx, holder_id)
    programmes = {programme for programme, _ in due} | set(balances) | set(ever)
    return {
        programme: _standing(
            balances.get(programme, {}),
            due[programme, "pending"],
            due[programme, "available"],
            ever.get(programme, Ever()),
            now,
        )
        for programme in sorted(programmes)
    }


def _ever(tx: Session, holder_id: UUID) -> dict[str, Ever]:
    """What lots and uses say by programme; what has lapsed counts once the lot is closed."""
    found: dict[str, Ever] = defaultdict(Ever)
    for row in tx.execute(_TOTALS, {"holder_id": holder_id}):
        so_far = found[row.programme]
        found[row.programme] = Ever(
            so_far.earned + int(row.earned), so_far.spent + int(row.spent), so_far.expired + int(row.expired)
        )
    return found


def _standing(
    balances: dict[str, int], pending: Sequence[Due], available: Sequence[Due], ever: Ever, now: datetime
) -> Standing:
    alive = [due for due in available if due.at > now]
    overdue = sum(due.points for due in available if due.at <= now)
    soon = now + timedelta(days=SOON_DAYS)
    return Standing(
        pending=sum(due.points for due in pending),
        available=sum(due.points for due in alive),
        reserved=balances.get("points.reserved", 0),
        debt=balances.get("points.debt", 0),
        lapsing_soon=sum(due.points for due in alive if due.at <= soon),
        ripening=tuple(islice(pending, _DAYS_LISTED)),
        lapsing=tuple(islice(alive, _DAYS_LISTED)),
        ever=replace(ever, expired=ever.expired + overdue),
    )
