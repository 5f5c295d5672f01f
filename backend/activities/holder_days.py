"""Holder days in the database: the locks under which one holder's day is decided, and the acts it is decided about.

The day of a person who was merged is the days of all their holders: every one of them is locked, so a batch that knows
of the merge waits for one that did not.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Date, Uuid, select
from sqlalchemy.orm import Session

from backend import clock
from backend.activities.models import Activity, HolderDay
from backend.activities.records import STANDING, Act, act_of
from backend.database import Instant
from backend.lists import insert_rows, recordset

HolderDayKey = tuple[UUID, date]
#: Holder → the holders of the same person, of those who were merged (`identity.merging`).
Together = Mapping[UUID, Sequence[UUID]]


def lock_days(tx: Session, keys: Collection[HolderDayKey]) -> None:
    """Lock these holder days (made when new) until commit."""
    if not keys:
        return
    ordered = sorted(keys)
    rows = [{"holder_id": holder_id, "day": day} for holder_id, day in ordered]
    insert_rows(tx, HolderDay, rows, on_conflict=("holder_id", "day"))
    given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date()}, ordered)
    tx.execute(
        select(HolderDay.day)
        .join(given, (HolderDay.holder_id == given.c.holder_id) & (HolderDay.day == given.c.day))
        .order_by(HolderDay.holder_id, HolderDay.day)
        .with_for_update(of=HolderDay)
    ).all()


def acts_of_days(tx: Session, days: Collection[HolderDayKey]) -> list[Act]:
    """The acts that stand on these days, and the trips that reach into them from the day before."""
    if not days:
        return []
    wanted = sorted({(holder_id, day - timedelta(days=back)) for holder_id, day in days for back in (0, 1)})
    given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date()}, wanted)
    query = (
        select(Activity.__table__)
        .join(given, (Activity.holder_id == given.c.holder_id) & (Activity.day == given.c.day))
        .where(Activity.status.in_(STANDING))
    )
    return [act for row in tx.execute(query) if _touches(act := act_of(row), days)]


def _touches(act: Act, days: Collection[HolderDayKey]) -> bool:
    last = clock.day_of(act.ended_at) if act.ended_at else act.day
    return (act.holder_id, act.day) in days or (act.holder_id, last) in days


def connected_days(tx: Session, days: Collection[HolderDayKey], same: Together) -> set[HolderDayKey]:
    """These days and those they are decided with: of the same person, and tied to them by trips over midnight."""
    connected: set[HolderDayKey] = set()
    fresh = set(days)
    while fresh:
        fresh |= {(holder_id, day) for one, day in fresh for holder_id in same.get(one, ())}
        connected |= fresh
        fresh = _tied(tx, fresh) - connected
    return connected


def _tied(tx: Session, days: Collection[HolderDayKey]) -> set[HolderDayKey]:
    """The days of trips over midnight that begin or end on these days: what is decided on one moves the other."""
    reached = [(*key, clock.start_of_day_after(key[1], 1)) for key in sorted(days)]
    reached += [(holder_id, day - timedelta(days=1), clock.start_of(day)) for holder_id, day in sorted(days)]
    given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date(), "midnight": Instant()}, reached)
    query = (
        select(Activity.holder_id, Activity.day, Activity.ended_at)
        .join(given, (Activity.holder_id == given.c.holder_id) & (Activity.day == given.c.day))
        .where(Activity.status.in_(STANDING), Activity.ended_at >= given.c.midnight)
    )
    over_midnight = list(tx.execute(query))
    tied = {(row.holder_id, row.day) for row in over_midnight}
    return tied | {(row.holder_id, clock.day_of(row.ended_at)) for row in over_midnight if row.ended_at}
