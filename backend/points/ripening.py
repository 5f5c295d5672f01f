"""What time does to lots: they ripen, and they lapse."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import ledger
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import recordset
from backend.points.budgets.drawing import Returned, give_back
from backend.points.forgiving import forgiven, paid_back
from backend.points.lots import save, use
from backend.points.models import Lot


def ripen(tx: Session, *, now: datetime, limit: int = 500) -> int:
    """Make pending lots whose time has come available, paying debts from them first. Returns how many lots ripened.

    Lots of acts that are credited again also pay back what was written off when these acts were taken back.
    """
    lots = _due(tx, "pending", Lot.available_at <= now, limit)
    debts = _debts(tx, lots)
    again = _credited_again(tx, lots)
    pardons = {holder_id: forgiven(tx, holder_id) for holder_id in sorted({holder_id for holder_id, _ in again})}
    transactions, returned, repaid = [], [], []
    for lot in lots:
        transfers = [Transfer("points.pending", "points.available", lot.remaining, lot.id)]
        lot.stage = "available"
        paid = min(debts[lot.holder_id, lot.programme], lot.remaining)
        if paid:
            debts[lot.holder_id, lot.programme] -= paid
            transfers.append(Transfer("points.available", "issuer.points", paid, lot.id))
            transfers.append(Transfer("points.debt", "owed.points", paid))
            returned.append(Returned(lot.drawn_from, paid))
            use(lot, paid)
        transactions.append(_lot_transaction(lot, "ripen", f"ripen:{lot.id}", tuple(transfers)))
        makes_up = pardons[lot.holder_id].take(lot, lot.remaining) if (lot.holder_id, lot.activity_id) in again else 0
        if makes_up:
            repaid.append(paid_back(lot, makes_up, "ripen"))
            returned.append(Returned(lot.drawn_from, makes_up))
            use(lot, makes_up)
    save(tx, lots)
    give_back(tx, returned)
    ledger.post(tx, [*transactions, *repaid], now=now)
    return len(lots)


def lapse(tx: Session, *, now: datetime, limit: int = 500) -> int:
    """Close available lots whose life is over. Returns how many lapsed."""
    lots = _due(tx, "available", Lot.expires_at <= now, limit)
    transactions = [lapsed(lot) for lot in lots]
    save(tx, lots)
    ledger.post(tx, transactions, now=now)
    return len(lots)


def lapsing(lot: Lot, now: datetime) -> bool:
    """Whether there is something in the lot whose life is over."""
    return lot.stage == "available" and lot.expires_at <= now


def lapsed(lot: Lot) -> Transaction:
    """Close a lot whose life is over: what is left in it lapses. What is reserved of it does not, and may come back."""
    transfer = Transfer("points.available", "expired.points", lot.remaining, lot.id)
    lot.expired, lot.remaining, lot.stage = lot.expired + lot.remaining, 0, "closed"
    key = f"lapse:{lot.id}:{lot.expired}"  # what has lapsed of a lot only grows
    return _lot_transaction(lot, "lapse", key, (transfer,))


def _due(tx: Session, stage: str, condition: Any, limit: int) -> list[Lot]:
    """Lots of this stage whose time has come, locked; those another process works on are left to it."""
    ordered = (
        select(Lot.holder_id, Lot.id)
        .where(Lot.stage == stage, condition)
        .order_by(Lot.holder_id, Lot.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    keys = [(row.holder_id, row.id) for row in tx.execute(ordered)]
    if not keys:
        return []
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, keys)
    query = (
        select(Lot)
        .join(given, (Lot.holder_id == given.c.holder_id) & (Lot.id == given.c.id))
        .order_by(Lot.holder_id, Lot.id)
        .execution_options(populate_existing=True)
    )
    lots = list(tx.scalars(query))
    for lot in lots:
        tx.expunge(lot)
    return lots


def _debts(tx: Session, lots: Sequence[Lot]) -> dict[tuple[UUID, str], int]:
    """What the holders of these lots owe, held until commit."""
    found: dict[tuple[UUID, str], int] = defaultdict(int)
    # Held with what ripening changes: a debt that arises at this moment waits for it, or is seen here.
    accounts = ("points.available", "points.debt", "points.pending")
    held = ledger.hold_balances(tx, {(lot.holder_id, lot.programme) for lot in lots}, accounts)
    for (holder_id, programme, account), amount in held.items():
        if account == "points.debt":
            found[holder_id, programme] = amount
    return found


def _credited_again(tx: Session, lots: Sequence[Lot]) -> set[tuple[UUID, UUID]]:
    """Those (holder, activity) of these lots that had earned a lot before, which was taken back."""
    if not lots:
        return set()
    acts = sorted({(lot.holder_id, lot.activity_id) for lot in lots})
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, acts)
    same = (Lot.holder_id == given.c.holder_id) & (Lot.activity_id == given.c.activity_id)
    query = select(Lot.holder_id, Lot.activity_id).join(given, same).where(Lot.taken_back_at.is_not(None)).distinct()
    return {(row.holder_id, row.activity_id) for row in tx.execute(query)}


def _lot_transaction(lot: Lot, kind: str, key: str, transfers: tuple[Transfer, ...]) -> Transaction:
    return Transaction(new_id(), lot.holder_id, lot.programme, kind, key, transfers, activity_id=lot.activity_id)
