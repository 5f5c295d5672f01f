"""Lots while they are held: what changes of them is written, and every change is a transfer that the caller posts."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from backend.lists import update_rows
from backend.points.models import Lot

LotKey = tuple[UUID, UUID]  # holder, lot


class Spendable(Protocol):
    """What points can be taken from."""

    remaining: int
    stage: str


def use(lot: Spendable, amount: int) -> None:
    """Take so many points out of a lot; an empty lot is closed."""
    lot.remaining -= amount
    if lot.remaining == 0:
        lot.stage = "closed"


#: What may change of a lot while it lives.
CHANGING = ("remaining", "reserved", "expired", "stage", "expires_at", "taken_back_at")
_KEY = ("holder_id", "id")


def save(tx: Session, lots: Sequence[Any], changing: tuple[str, ...] = CHANGING) -> None:
    """Write what changed of lots that the caller holds; `changing` where it is certain that nothing else did."""
    update_rows(tx, Lot, [{name: getattr(lot, name) for name in (*_KEY, *changing)} for lot in lots], key=_KEY)
