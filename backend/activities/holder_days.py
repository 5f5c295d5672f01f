"""Holder days in the database: the locks under which one holder's day is decided, and the acts it is decided about."""

from collections.abc import Collection
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


def connected_days(tx: Session, days: Collection[HolderDayKey]) -> set[HolderDayKey]:
    """These days and those that trips over midnight tie to them: what is decided on one of them moves the next."""
    connected, fresh = set(days), set(days)
    while fresh:
        reached = [(*key, clock.start_of_day_after(key[1], 1)) for key in sorted(fresh)]
        reached += [(holder_id, day - timedelta(days=1), clock.start_of(day)) for holder_id, day in sorted(fresh)]
        given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date(), "midnight": Instant()}, reached)
        query = (
            select(Activity.holder_id, Activity.day, Activity.ended_at)
            .join(given, (Activity.holder_id == given.c.holder_id) & (Activity.day == given.c.day))
            .where(Activity.status.in_(STANDING), Activity.ended_at >= given.c.midnight)
        )
        over_midnight = list(tx.execute(query))
        tied = {(row.holder_id, row.day) for row in over_midnight}
        tied |= {(row.holder_id, clock.day_of(row.ended_at)) for row in over_midnight if row.ended_at}
        fresh = tied - connected
        connected |= fresh
    return connected
