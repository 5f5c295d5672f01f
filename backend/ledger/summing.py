"""Sums over the books: by lot, by programme, in a while. Set by set, never row by row."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session

from backend.ledger.models import Balance, LedgerTransaction, LedgerTransfer

_ISSUER = "issuer.points"


def issued_by_lot() -> Select[*tuple[Any, ...]]:
    """By (holder_id, lot_id): the `points` issued into each lot that did not go back to the issuer; to be joined."""
    amount = case((LedgerTransfer.debit == _ISSUER, LedgerTransfer.amount), else_=-LedgerTransfer.amount)
    return (
        select(LedgerTransfer.holder_id, LedgerTransfer.lot_id, func.sum(amount).label("points"))
        .where(or_(LedgerTransfer.debit == _ISSUER, LedgerTransfer.credit == _ISSUER))
        .where(LedgerTransfer.lot_id.is_not(None))
        .group_by(LedgerTransfer.holder_id, LedgerTransfer.lot_id)
    )


@dataclass(frozen=True, slots=True)
class Issued:
    """Points issued in a while, less those that went back to the issuer, and when the first of them were posted."""

    points: int
    first_at: datetime | None


def net_issued_points(tx: Session, programme: str, *, since: datetime, until: datetime) -> Issued:
    """What was issued in a programme from an instant on and before another."""
    item, transfer = LedgerTransaction.__table__, LedgerTransfer.__table__
    amount = case((transfer.c.debit == _ISSUER, transfer.c.amount), else_=-transfer.c.amount)
    joined = item.join(transfer, (transfer.c.holder_id == item.c.holder_id) & (transfer.c.transaction_id == item.c.id))
    query = (
        select(func.sum(amount), func.min(item.c.posted_at))
        .select_from(joined)
        .where(item.c.posted_at >= since, item.c.posted_at < until, item.c.programme == programme)
        .where(or_(transfer.c.debit == _ISSUER, transfer.c.credit == _ISSUER))
    )
    points, first_at = tx.execute(query).one()
    return Issued(int(points or 0), first_at)


def programme_totals(tx: Session, accounts: Collection[str]) -> dict[tuple[str, str], int]:
    """What all holders of a programme have on these accounts together, by (programme, account)."""
    query = select(Balance.programme, Balance.account, func.sum(Balance.amount)).where(Balance.account.in_(accounts))
    rows = tx.execute(query.group_by(Balance.programme, Balance.account))
    return {(programme, account): int(amount) for programme, account, amount in rows}
