"""Stock in pieces: taken one at a time by whoever comes first, and never below zero."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.ids import new_id
from backend.lists import insert_rows
from backend.rewards.catalogue.models import COUNTED, RewardStock, StockChange
from backend.rewards.errors import NoCountedStock, SoldOut, StockTooLow


def take(tx: Session, reward: str, stock_kind: str) -> None:
    """Take one piece. The row is hot: this comes late in a transaction. Raises SoldOut.

    A pool's pieces are its codes: see `vouchers`.
    """
    if stock_kind != COUNTED:
        return
    statement = (
        update(RewardStock)
        .where(RewardStock.reward == reward, RewardStock.pieces_left > 0)
        .values(pieces_left=RewardStock.pieces_left - 1)
        .returning(RewardStock.pieces_left)
        .execution_options(synchronize_session=False)
    )
    if tx.scalar(statement) is None:
        raise SoldOut(reward=reward)


def put_back(tx: Session, reward: str, stock_kind: str) -> None:
    """Put back the piece that was taken and not used. The caller sees to it that this happens once."""
    if stock_kind == COUNTED:
        _add(tx, reward, 1)


def change_stock(
    tx: Session, reward: str, pieces: int, *, kind: str, reason: str, operator_id: UUID | None, now: datetime
) -> int:
    """Add pieces that came (`restock`) or what a count found more or fewer (`correction`); returns what is left.

    Raises NoCountedStock, StockTooLow.
    """
    if tx.get(RewardStock, reward, with_for_update=True, populate_existing=True) is None:
        raise NoCountedStock(reward=reward)
    left = _add(tx, reward, pieces)
    if left is None:
        raise StockTooLow(reward=reward, pieces_left=pieces_left(tx, reward))
    row = {
        "id": new_id(),
        "reward": reward,
        "kind": kind,
        "pieces": pieces,
        "pieces_left": left,
        "reason": reason,
        "operator_id": operator_id,
        "changed_at": now,
    }
    insert_rows(tx, StockChange, [row])
    return left


def pieces_left(tx: Session, reward: str) -> int | None:
    """How many pieces of a counted reward are left; None when it is not counted."""
    return tx.scalar(select(RewardStock.pieces_left).where(RewardStock.reward == reward))


def _add(tx: Session, reward: str, pieces: int) -> int | None:
    statement = (
        update(RewardStock)
        .where(RewardStock.reward == reward, RewardStock.pieces_left + pieces >= 0)
        .values(pieces_left=RewardStock.pieces_left + pieces)
        .returning(RewardStock.pieces_left)
        .execution_options(synchronize_session=False)
    )
    return tx.scalar(statement)
