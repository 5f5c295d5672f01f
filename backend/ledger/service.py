"""Posting: the only way anything gets into the books, and the only writer of balances."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Text, Uuid, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.ledger import announcing
from backend.ledger.chart import CHART
from backend.ledger.errors import IdempotencyConflict, InsufficientBalance, InvalidTransfer
from backend.ledger.models import Balance, LedgerTransaction, LedgerTransfer
from backend.ledger.transactions import Transaction
from backend.lists import Columns, insert_rows, recordset, update_rows, upsert_rows

BalanceKey = tuple[UUID, str, str]  # holder, programme, account


def post(
    tx: Session,
    transactions: Sequence[Transaction],
    *,
    now: datetime,
    announce: bool = True,
    dry_run: bool = False,
    in_savepoint: bool = True,
) -> list[Transaction]:
    """Post a list of transactions and return those that were new, in order; each of these is announced.

    `announce` is False where the caller announces them itself, with their `changes`. With `dry_run` everything is
    checked and answered as if posted, and nothing stays. Raises InvalidTransfer,
    IdempotencyConflict, InsufficientBalance; then nothing of the list is posted (the caller's transaction is rolled
    back to where it was; not without a savepoint, where the caller lets whatever is raised end the transaction).
    """
    for transaction in transactions:
        _check(transaction)
    if not in_savepoint:
        return _post(tx, transactions, now, announce)
    savepoint = tx.begin_nested()
    try:
        posted = _post(tx, transactions, now, announce)
    except IntegrityError as error:
        savepoint.rollback()
        raise _explain(error) from error
    except Exception:
        savepoint.rollback()
        raise
    if dry_run:
        savepoint.rollback()
    else:
        savepoint.commit()
    return posted


def _post(tx: Session, transactions: Sequence[Transaction], now: datetime, announce: bool) -> list[Transaction]:
    posted = _insert(tx, transactions, now)
    _change_balances(tx, posted)
    if announce:
        announcing.announce(tx, posted, now=now)
    return posted


def _check(transaction: Transaction) -> None:
    if not transaction.transfers:
        raise InvalidTransfer("a transaction needs at least one transfer")
    for transfer in transaction.transfers:
        sides = CHART.get(transfer.debit), CHART.get(transfer.credit)
        if sides[0] is None or sides[1] is None or sides[0].asset != sides[1].asset:
            raise InvalidTransfer(f"{transfer.debit} and {transfer.credit} do not hold the same asset")
        if type(transfer.amount) is not int or transfer.amount <= 0 or transfer.debit == transfer.credit:
            raise InvalidTransfer("an amount is a positive whole number between two accounts")


def _insert(tx: Session, transactions: Sequence[Transaction], now: datetime) -> list[Transaction]:
    """Insert what is new; compare what is not."""
    rows = [_row(item, now) for item in transactions]
    inserted = insert_rows(
        tx, LedgerTransaction, rows, on_conflict=("holder_id", "idempotency_key"), returning=("holder_id", "id")
    )
    new = {(row.holder_id, row.id) for row in inserted}
    posted = [item for item in transactions if (item.holder_id, item.id) in new]
    if len(posted) < len(transactions):
        _compare(tx, [row for row in rows if (row["holder_id"], row["id"]) not in new])
    insert_rows(
        tx,
        LedgerTransfer,
        [
            {
                "holder_id": item.holder_id,
                "transaction_id": item.id,
                "position": position,
                "asset": CHART[transfer.debit].asset,
                "debit": transfer.debit,
                "credit": transfer.credit,
                "amount": transfer.amount,
                "lot_id": transfer.lot_id,
            }
            for item in posted
            for position, transfer in enumerate(item.transfers)
        ],
    )
    return posted


def _row(item: Transaction, now: datetime) -> dict[str, Any]:
    return {
        "holder_id": item.holder_id,
        "id": item.id,
        "programme": item.programme,
        "kind": item.kind,
        "idempotency_key": item.idempotency_key,
        "input_hash": item.input_hash(),
        "activity_id": item.activity_id,
        "reverses_id": item.reverses_id,
        "reason": item.reason,
        "posted_at": now,
    }


def _compare(tx: Session, repeated: Sequence[dict[str, Any]]) -> None:
    """An act posted before must say the same as it did then."""
    types: Columns = {"holder_id": Uuid(), "idempotency_key": Text(), "input_hash": LargeBinary()}
    given = recordset(tx, "given", types, [tuple(row[name] for name in types) for row in repeated])
    differing = tx.execute(
        select(LedgerTransaction.idempotency_key)
        .join(
            given,
            (LedgerTransaction.holder_id == given.c.holder_id)
            & (LedgerTransaction.idempotency_key == given.c.idempotency_key),
        )
        .where(LedgerTransaction.input_hash != given.c.input_hash)
        .limit(1)
    ).first()
    if differing is not None:
        raise IdempotencyConflict(idempotency_key=differing.idempotency_key)


#: Whoever comes to owe must not come to have at the same moment: the two balances are locked together.
_HELD_WITH = {"points.debt": "points.available"}


def _change_balances(tx: Session, posted: Sequence[Transaction]) -> None:
    """Add what came in, then take what went out; rows are locked in key order by the first statement."""
    deltas: dict[BalanceKey, int] = defaultdict(int)
    for item in posted:
        for transfer in item.transfers:
            for account, sign in ((transfer.debit, -1), (transfer.credit, 1)):
                if not CHART[account].system:
                    deltas[item.holder_id, item.programme, account] += sign * transfer.amount
                    if account in _HELD_WITH:
                        deltas[item.holder_id, item.programme, _HELD_WITH[account]] += 0
    if not deltas:
        return
    keys = sorted(deltas)
    negative = [(*key, deltas[key]) for key in keys if deltas[key] < 0]
    if len(keys) == len(negative) == 1:  # nothing comes in, and one row needs no order
        if not _take(tx, negative):
            raise InsufficientBalance
        return
    gains = [
        {"holder_id": holder_id, "programme": programme, "account": account, "amount": max(deltas[key], 0)}
        for key in keys
        for holder_id, programme, account in (key,)
    ]
    upsert_rows(tx, Balance, gains, key=_BALANCE_KEY, add=True)
    if negative:
        _take(tx, negative)


_BALANCE_KEY = ("holder_id", "programme", "account")


def _take(tx: Session, rows: Sequence[tuple[UUID, str, str, int]]) -> int:
    """Add what is below zero; returns to how many balances."""
    changes = [dict(zip((*_BALANCE_KEY, "amount"), row, strict=True)) for row in rows]
    return len(update_rows(tx, Balance, changes, key=_BALANCE_KEY, add=True, returning=("account",)))


def _explain(error: IntegrityError) -> Exception:
    """Name the invariant the database kept."""
    said = str(error.orig)
    if "not_negative" in said:
        return InsufficientBalance()
    if "reverses_id" in said and "unique" in said.lower():
        return IdempotencyConflict("this transaction was reversed before")
    return error


def balances(tx: Session, holder_id: UUID) -> dict[str, dict[str, int]]:
    """The holder's balances: programme → account of the chart → amount; accounts never used are absent."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in tx.scalars(select(Balance).where(Balance.holder_id == holder_id)):
        found[row.programme][row.account] = row.amount
    return dict(found)


def system_balances(tx: Session) -> dict[str, int]:
    """The system accounts as sums over all transfers (what the house issued is negative)."""
    sums: dict[str, int] = {name: 0 for name, account in CHART.items() if account.system}
    for side, sign in ((LedgerTransfer.debit, -1), (LedgerTransfer.credit, 1)):
        query = select(side, func.sum(LedgerTransfer.amount)).group_by(side)
        for name, total in tx.execute(query):
            if name in sums:
                sums[name] += sign * int(total)
    return sums
