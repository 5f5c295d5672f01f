"""Reading the books: entries as their holder sees them, and the transactions of an activity."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Uuid, case, func, select, tuple_
from sqlalchemy.orm import Session

from backend.holdings import Held, held_rows
from backend.ledger.models import Balance, LedgerTransaction, LedgerTransfer
from backend.ledger.transactions import Transaction, Transfer
from backend.lists import recordset


@dataclass(frozen=True, slots=True)
class Entry:
    """A posted transaction with its transfers."""

    transaction: Transaction
    posted_at: datetime


def entries(
    tx: Session, holder_id: UUID, *, programme: str | None = None, before: UUID | None = None, limit: int = 20
) -> list[Entry]:
    """A holder's entries, newest first; `before` is the id of the last entry already seen."""
    query = select(LedgerTransaction).where(LedgerTransaction.holder_id == holder_id)
    if programme is not None:
        query = query.where(LedgerTransaction.programme == programme)
    if before is not None:
        query = query.where(LedgerTransaction.id < before)
    return with_transfers(tx, list(tx.scalars(query.order_by(LedgerTransaction.id.desc()).limit(limit))))


def entry(tx: Session, holder_id: UUID, transaction_id: UUID) -> Entry | None:
    """One entry of this holder, or None."""
    found = tx.get(LedgerTransaction, (holder_id, transaction_id))
    return None if found is None else with_transfers(tx, [found])[0]


def entries_of_activities(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> list[Entry]:
    """All entries about these (holder, activity), oldest first."""
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(set(activities)))
    query = (
        select(LedgerTransaction)
        .join(
            given,
            (LedgerTransaction.holder_id == given.c.holder_id) & (LedgerTransaction.activity_id == given.c.activity_id),
        )
        .order_by(LedgerTransaction.id)
    )
    return with_transfers(tx, list(tx.scalars(query)))


def with_transfers(tx: Session, rows: Sequence[LedgerTransaction]) -> list[Entry]:
    """Stored transactions as entries, in the order given."""
    keys = [(row.holder_id, row.id) for row in rows]
    transfers: dict[tuple[UUID, UUID], list[Transfer]] = defaultdict(list)
    if keys:
        query = (
            select(LedgerTransfer)
            .where(tuple_(LedgerTransfer.holder_id, LedgerTransfer.transaction_id).in_(keys))
            .order_by(LedgerTransfer.position)
        )
        for row in tx.scalars(query):
            transfers[row.holder_id, row.transaction_id].append(Transfer(row.debit, row.credit, row.amount, row.lot_id))
    return [
        Entry(
            Transaction(
                row.id,
                row.holder_id,
                row.programme,
                row.kind,
                row.idempotency_key,
                tuple(transfers[row.holder_id, row.id]),
                row.activity_id,
                row.reverses_id,
                row.reason,
            ),
            row.posted_at,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Posted:
    """What the books hold of one activity, everything posted about it together.

    Grams and watt-hours are what is left of them; `points` were issued by what was not taken back since, `points_ever`
    by all of it.
    """

    reduction_g: int
    offset_g: int
    eac_wh: int
    points: int
    points_ever: int


def posted_for(tx: Session, activities: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Posted]:
    """What is posted for these (holder, activity), summed by the database; without transfers, they are left out."""
    if not activities:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, list(set(activities)))
    # Tables, not models: there may be thousands of rows.
    item, transfer = LedgerTransaction.__table__, LedgerTransfer.__table__
    back = item.alias("back")
    amount = transfer.c.amount
    issued = case((transfer.c.debit == "issuer.points", amount), else_=0)
    sums = [
        func.sum(case((transfer.c.credit == name, amount), (transfer.c.debit == name, -amount), else_=0))
        for name in ("reduction", "offset", "eac")
    ]
    sums += [func.sum(case((back.c.id.is_(None), issued), else_=0)), func.sum(issued)]
    joined = (
        given.join(item, (item.c.holder_id == given.c.holder_id) & (item.c.activity_id == given.c.activity_id))
        .join(transfer, (transfer.c.holder_id == item.c.holder_id) & (transfer.c.transaction_id == item.c.id))
        .outerjoin(back, (back.c.holder_id == item.c.holder_id) & (back.c.reverses_id == item.c.id))
    )
    query = select(item.c.holder_id, item.c.activity_id, *sums).select_from(joined)
    rows = tx.execute(query.group_by(item.c.holder_id, item.c.activity_id))
    return {(row[0], row[1]): Posted(*map(int, row[2:])) for row in rows}


def hold_balances(
    tx: Session, holders: Collection[tuple[UUID, str]], accounts: Collection[str]
) -> dict[tuple[UUID, str, str], int]:
    """What these (holder, programme) have on these accounts, held against change until commit, in the order of keys.

    Read once they are held: who waited for a row may have missed one that was added beside it meanwhile.
    """
    given = recordset(tx, "given", {"holder_id": Uuid(), "programme": Text()}, sorted(holders))
    query = (
        select(Balance.__table__)
        .join(given, (Balance.holder_id == given.c.holder_id) & (Balance.programme == given.c.programme))
        .where(Balance.account.in_(accounts))
        .order_by(Balance.holder_id, Balance.programme, Balance.account)
    )
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(query.with_for_update(of=Balance)).all()
    return {(row.holder_id, row.programme, row.account): row.amount for row in tx.execute(query)}


def all_balances(tx: Session, accounts: Collection[str]) -> dict[tuple[UUID, str, str], int]:
    """Every holder's balance on these accounts, for checking."""
    query = select(Balance.__table__).where(Balance.account.in_(accounts))
    return {(row.holder_id, row.programme, row.account): row.amount for row in tx.execute(query)}


def is_reversal(tx: Session, transaction_id: UUID) -> bool:
    """Whether this is the id of a transaction that takes another one back."""
    query = select(LedgerTransaction.id).where(LedgerTransaction.id == transaction_id)
    return tx.scalar(query.where(LedgerTransaction.reverses_id.is_not(None)).limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Move:
    """How much was ever moved from one account to another in a programme, about one act or about none."""

    programme: str
    activity_id: UUID | None
    debit: str
    credit: str
    amount: int


def moves_of(tx: Session, holder_id: UUID, accounts: Collection[str]) -> list[Move]:
    """What was moved into and out of these accounts of one holder, summed by the database."""
    item, transfer = LedgerTransaction.__table__.c, LedgerTransfer.__table__.c
    same = (transfer.holder_id == item.holder_id) & (transfer.transaction_id == item.id)
    columns = (item.programme, item.activity_id, transfer.debit, transfer.credit)
    query = (
        select(*columns, func.sum(transfer.amount))
        .join_from(LedgerTransaction.__table__, LedgerTransfer.__table__, same)
        .where(transfer.holder_id == holder_id, transfer.debit.in_(accounts) | transfer.credit.in_(accounts))
        .group_by(*columns)
    )
    return [Move(*row[:4], amount=int(row[4])) for row in tx.execute(query)]


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out."""
    models = (LedgerTransaction, LedgerTransfer, Balance)
    return {model.__tablename__: held_rows(tx, model, holder_id) for model in models}
