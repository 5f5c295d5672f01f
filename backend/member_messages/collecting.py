"""Collecting the warnings that are due: once per member, programme, day and distance, whoever runs it and how often.

Every Shanghai day the lots that lapse within the farthest distance are gone through, page by page; how far it came is
committed with each page. So a day that was missed is made up for by the next one, a worker that dies loses a page at
most, and points that came late (refunded, or short-lived from the start) are warned of as well.
"""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import Date, Text, Uuid, select
from sqlalchemy.orm import Session

from backend import clock, identity, points
from backend.ids import new_id
from backend.lists import insert_rows, recordset
from backend.member_messages.models import WAITING, ExpiryWarning, WarningRound
from backend.member_messages.policy import FARTHEST, distance
from backend.points import Lapse

PAGE = 2_000
_KEY = ("holder_id", "programme", "lapses_on", "days_ahead")


def collect_warnings(tx: Session, *, now: datetime, limit: int = PAGE) -> int:
    """Write the warnings that one page of lots calls for; 0 when the day is done or another process is at it."""
    today = clock.day_of(now)
    row = _hold_round(tx, today)
    if row is None:
        return 0
    after = None
    if row.after_instant is not None and row.after_holder is not None and row.after_lot is not None:
        after = row.after_instant, row.after_holder, row.after_lot
    lapses, ended = points.lapsing_page(
        tx,
        since=clock.start_of_day_after(today, 1),
        until=clock.start_of_day_after(today, FARTHEST + 1),
        after=after,
        limit=limit,
    )
    _write(tx, lapses, today, now)
    if ended is None:
        row.finished_at = now
    else:
        row.after_instant, row.after_holder, row.after_lot = ended
    tx.flush()
    return max(1, len(lapses))


def _hold_round(tx: Session, today: date) -> WarningRound | None:
    """The round of this day, locked; None when it is finished, or somebody else holds it."""
    blank = {"day": today, "after_instant": None, "after_holder": None, "after_lot": None, "finished_at": None}
    insert_rows(tx, WarningRound, [blank], on_conflict=("day",))
    query = select(WarningRound).where(WarningRound.day == today, WarningRound.finished_at.is_(None))
    return tx.scalar(query.with_for_update(skip_locked=True).execution_options(populate_existing=True))


def _write(tx: Session, lapses: Collection[Lapse], today: date, now: datetime) -> None:
    """The warnings about these that are not there yet. Classes are nobody to write to, nor is who was forgotten."""
    new = _unwarned(tx, lapses, today)
    persons = identity.living_persons(tx, {holder_id for holder_id, _, _ in new})
    amounts = points.points_lapsing(tx, [lapse for lapse in new if lapse[0] in persons])
    rows = [
        {
            "holder_id": lapse[0],
            "id": new_id(),
            "programme": lapse[1],
            "lapses_on": lapse[2],
            "days_ahead": distance(lapse[2], today),
            "points": amount,
            "state": WAITING,
            "made_at": now,
            "next_attempt_at": now,
            "attempts": 0,
        }
        for lapse, amount in sorted(amounts.items())
    ]
    insert_rows(tx, ExpiryWarning, rows, on_conflict=_KEY)


def _unwarned(tx: Session, lapses: Collection[Lapse], today: date) -> list[Lapse]:
    if not lapses:
        return []
    types = {"holder_id": Uuid(), "programme": Text(), "lapses_on": Date(), "days_ahead": ExpiryWarning.days_ahead.type}
    given = recordset(tx, "given", types, [(*lapse, distance(lapse[2], today)) for lapse in sorted(lapses)])
    same = [getattr(ExpiryWarning, name) == given.c[name] for name in _KEY]
    missing = select(given).where(~select(ExpiryWarning.id).where(*same).exists())
    return [(row.holder_id, row.programme, row.lapses_on) for row in tx.execute(missing)]
