"""Lots while they are held: what changes of them is written, and every change is a transfer that the caller posts."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Text, Uuid, update
from sqlalchemy.orm import Session

from backend.database import Amount, Instant
from backend.lists import Columns, recordset
from backend.points.models import Lot

LotKey = tuple[UUID, UUID]  # holder, lot


def use(lot: Lot, amount: int) -> None:
    """Take so many points out of a lot; an empty lot is closed."""
    lot.remaining -= amount
    if lot.remaining == 0:
        lot.stage = "closed"


#: What may change of a lot while it lives.
_CHANGING: Columns = {
    "remaining": Amount,
    "reserved": Amount,
    "expired": Amount,
    "stage": Text(),
    "expires_at": Instant(),
    "taken_back_at": Instant(),
}
_KEY: Columns = {"holder_id": Uuid(), "id": Uuid()}


def save(tx: Session, lots: Sequence[Lot]) -> None:
    """Write what changed of lots that the caller holds."""
    if not lots:
        return
    types = {**_KEY, **_CHANGING}
    rows = [tuple(getattr(lot, name) for name in types) for lot in lots]
    given = recordset(tx, "given", types, rows)
    tx.execute(
        update(Lot)
        .values({name: given.c[name] for name in _CHANGING})
        .where(Lot.holder_id == given.c.holder_id, Lot.id == given.c.id)
        .execution_options(synchronize_session=False)
    )
