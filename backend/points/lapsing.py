"""What is about to lapse: available points by holder, programme and Shanghai day."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Text, Uuid, func, literal, literal_column, select, tuple_
from sqlalchemy.orm import Session

from backend import clock
from backend.database import Instant
from backend.lists import Columns, recordset
from backend.points.models import Lot

#: Whose points, in which programme, and the day on which they are gone.
Lapse = tuple[UUID, str, date]
#: Where a page of lots ended: expires_at, holder, lot.
Place = tuple[datetime, UUID, UUID]

#: A literal, so that the partial indexes on it are seen by a statement that is planned once for all parameters.
_AVAILABLE = Lot.stage == literal_column("'available'", Text())


def lapsing_page(
    tx: Session, *, since: datetime, until: datetime, after: Place | None, limit: int
) -> tuple[set[Lapse], Place | None]:
    """One page of the lots that lapse from `since` on and before `until`: whose, where and when, and where it ended.

    The place is None when no lots are left behind it. A page costs the same wherever it begins.
    """
    query = select(Lot.expires_at, Lot.holder_id, Lot.id, Lot.programme).where(
        _AVAILABLE, Lot.expires_at >= since, Lot.expires_at < until
    )
    if after is not None:
        place = tuple_(literal(after[0], Instant()), literal(after[1], Uuid()), literal(after[2], Uuid()))
        query = query.where(tuple_(Lot.expires_at, Lot.holder_id, Lot.id) > place)
    rows = tx.execute(query.order_by(Lot.expires_at, Lot.holder_id, Lot.id).limit(limit)).all()
    ended = None if len(rows) < limit else (rows[-1].expires_at, rows[-1].holder_id, rows[-1].id)
    return {(row.holder_id, row.programme, clock.day_of(row.expires_at)) for row in rows}, ended


def points_lapsing(tx: Session, lapses: Collection[Lapse]) -> dict[Lapse, int]:
    """How many available points lapse there, as things stand; what has nothing to lapse (any more) is left out."""
    if not lapses:
        return {}
    rows = [(*lapse, clock.start_of(lapse[2]), clock.start_of_day_after(lapse[2], 1)) for lapse in sorted(set(lapses))]
    types: Columns = {"holder_id": Uuid(), "programme": Text(), "day": Date(), "since": Instant(), "until": Instant()}
    given = recordset(tx, "given", types, rows)
    same = (Lot.holder_id == given.c.holder_id) & (Lot.programme == given.c.programme)
    query = (
        select(given.c.holder_id, given.c.programme, given.c.day, func.sum(Lot.remaining))
        .join(Lot, same & _AVAILABLE & (Lot.expires_at >= given.c.since) & (Lot.expires_at < given.c.until))
        .group_by(given.c.holder_id, given.c.programme, given.c.day)
    )
    return {(row[0], row[1], row[2]): int(row[3]) for row in tx.execute(query)}
