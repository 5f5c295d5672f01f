"""The trial balance: recompute everything from the transfers and name every row that differs."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from backend.ledger.chart import CHART
from backend.ledger.models import Balance, LedgerAccount, LedgerTransaction, LedgerTransfer
from backend.ledger.reading import with_transfers

_PAGE = 2_000


def differences(tx: Session) -> Iterator[dict[str, object]]:
    """Every fault of the books: chart, balances against transfers, transactions against their input hash."""
    yield from _chart_differences(tx)
    yield from _balance_differences(tx)
    yield from _hash_differences(tx)


def _chart_differences(tx: Session) -> Iterator[dict[str, object]]:
    stored = {row.name: (row.asset, row.system) for row in tx.scalars(select(LedgerAccount))}
    meant = {name: (account.asset, account.system) for name, account in CHART.items()}
    for name in sorted(stored.keys() | meant.keys()):
        if stored.get(name) != meant.get(name):
            yield {"fault": "CHART", "account": name, "stored": stored.get(name), "meant": meant.get(name)}


def _balance_differences(tx: Session) -> Iterator[dict[str, object]]:
    holder_accounts = [name for name, account in CHART.items() if not account.system]
    sides = [
        select(
            LedgerTransfer.holder_id,
            LedgerTransaction.programme,
            side.label("account"),
            (sign * LedgerTransfer.amount).label("amount"),
        )
        .join(
            LedgerTransaction,
            (LedgerTransaction.holder_id == LedgerTransfer.holder_id)
            & (LedgerTransaction.id == LedgerTransfer.transaction_id),
        )
        .where(side.in_(holder_accounts))
        for side, sign in ((LedgerTransfer.debit, -1), (LedgerTransfer.credit, 1))
    ]
    stored = select(Balance.holder_id, Balance.programme, Balance.account, (-Balance.amount).label("amount"))
    moved = union_all(*sides, stored).subquery("moved")
    difference = func.sum(moved.c.amount)
    query = (
        select(moved.c.holder_id, moved.c.programme, moved.c.account, difference.label("difference"))
        .group_by(moved.c.holder_id, moved.c.programme, moved.c.account)
        .having(difference != 0)
    )
    for row in tx.execute(query):
        yield {
            "fault": "BALANCE",
            "holder_id": str(row.holder_id),
            "programme": row.programme,
            "account": row.account,
            "transfers_minus_balance": int(row.difference),
        }


def _hash_differences(tx: Session) -> Iterator[dict[str, object]]:
    after: UUID | None = None
    while True:
        query = select(LedgerTransaction).order_by(LedgerTransaction.id).limit(_PAGE)
        if after is not None:
            query = query.where(LedgerTransaction.id > after)
        page = list(tx.scalars(query))
        if not page:
            return
        for stored, entry in zip(page, with_transfers(tx, page), strict=True):
            if entry.transaction.input_hash() != stored.input_hash:
                yield {"fault": "TRANSACTION", "holder_id": str(stored.holder_id), "transaction_id": str(stored.id)}
        after = page[-1].id
        tx.expunge_all()
