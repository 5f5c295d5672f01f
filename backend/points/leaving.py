"""Leavers of staff programmes: their lots lapse with the time in which they may still redeem."""

from datetime import datetime

from sqlalchemy import Text, Uuid, select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.database import Instant
from backend.lists import Columns, recordset, update_rows
from backend.points.models import Lot


def end_with_employment(tx: Session, *, now: datetime, limit: int = 500) -> int:
    """Bring the end of leavers' lots forward to the end of their time. Returns how many lots that were."""
    leaving = identity.roster.leavers(tx, now=now)
    if not leaving:
        return 0
    types: Columns = {"holder_id": Uuid(), "programme": Text(), "until": Instant()}
    rows = [(holder_id, programme, clock.start_of_day_after(day, 1)) for holder_id, programme, day in leaving]
    given = recordset(tx, "leaving", types, rows)
    query = (
        select(Lot.holder_id, Lot.id, given.c.until)
        .join(given, (Lot.holder_id == given.c.holder_id) & (Lot.programme == given.c.programme))
        .where(Lot.stage != "closed", Lot.expires_at > given.c.until)
        .order_by(Lot.holder_id, Lot.id)
        .limit(limit)
        .with_for_update(of=Lot)
    )
    found = [{"holder_id": row.holder_id, "id": row.id, "expires_at": row.until} for row in tx.execute(query)]
    update_rows(tx, Lot, found, key=("holder_id", "id"))
    return len(found)
