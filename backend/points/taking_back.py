"""Taking back what acts earned: from their lots, from other lots where it was spent, and as a debt in the end."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend.ledger import Transfer
from backend.lists import recordset
from backend.points.lots import LotKey, save, use
from backend.points.models import Lot


def take_back(tx: Session, awards: Mapping[LotKey, str], *, now: datetime) -> dict[LotKey, list[Transfer]]:
    """Plan taking whole lots back (holder, lot → programme): the transfers per lot, for the caller to post.

    What is left of the lot goes back first; what was spent or is reserved is paid from the holder's other available
    lots, soonest to lapse first; what remains becomes debt. What lapsed was never used and is not owed. What is
    reserved stays so: when it is released, it pays what is owed first (see `spending`).
    """
    lots = _open_lots(tx, awards)
    transfers: dict[LotKey, list[Transfer]] = {key: [] for key in awards}
    owed: dict[LotKey, int] = {}
    for key in sorted(awards):
        lot = lots[key]
        owed[key] = lot.amount - lot.remaining - lot.expired
        if lot.remaining:
            transfers[key].append(Transfer(f"points.{lot.stage}", "issuer.points", lot.remaining, lot.id))
        lot.remaining, lot.stage, lot.taken_back_at = 0, "closed", now
    for key, amount in sorted(owed.items()):
        others = [
            lot
            for lot in lots.values()
            if lot.holder_id == key[0] and lot.programme == awards[key] and lot.stage == "available"
        ]
        for lot in sorted(others, key=lambda item: (item.expires_at, item.id)):
            part = min(amount, lot.remaining)
            if part:
                transfers[key].append(Transfer("points.available", "issuer.points", part, lot.id))
                use(lot, part)
                amount -= part
        if amount:
            transfers[key].append(Transfer("owed.points", "points.debt", amount))
    save(tx, list(lots.values()))
    return transfers


def _open_lots(tx: Session, awards: Collection[LotKey]) -> dict[LotKey, Lot]:
    """The lots to take back and every open lot of their holders, locked in key order."""
    holders = sorted({holder_id for holder_id, _ in awards})
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(holder_id,) for holder_id in holders])
    query = (
        select(Lot)
        .join(given, Lot.holder_id == given.c.holder_id)
        .where((Lot.stage != "closed") | Lot.id.in_([lot_id for _, lot_id in awards]))
        .order_by(Lot.holder_id, Lot.id)
        .with_for_update(of=Lot)
        .execution_options(populate_existing=True)
    )
    found = {(lot.holder_id, lot.id): lot for lot in tx.scalars(query)}
    for lot in found.values():
        tx.expunge(lot)
    return found
