"""The books: transactions, their transfers, and the holders' balances.

A transfer is debit account, credit account, asset, amount: it cannot be unbalanced, and the two foreign keys into the
chart of accounts make sure that both sides hold the asset that is moved. Every transfer lies on one holder's page (the
other side is a system account or another account of the same holder), so the books spread by holder.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class LedgerAccount(Base):
    """A row of the chart of accounts (`backend.ledger.chart`)."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (UniqueConstraint("name", "asset"),)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    asset: Mapped[str] = mapped_column(Text)
    system: Mapped[bool]


class LedgerTransaction(Base):
    """One act in the books. `input_hash` covers everything the act says, so the same key never means two things.

    `reason`: why a reversal was posted, as a code; what becomes of the act later does not change it.
    """

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("holder_id", "idempotency_key"),
        UniqueConstraint("holder_id", "reverses_id"),
        ForeignKeyConstraint(["holder_id", "reverses_id"], ["ledger_transactions.holder_id", "ledger_transactions.id"]),
        Index("ix_ledger_transactions_activity", "holder_id", "activity_id"),
        # A few bytes per million rows: they come in the order of time.
        Index("ix_ledger_transactions_posted", "posted_at", postgresql_using="brin"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    kind: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str] = mapped_column(Text)
    input_hash: Mapped[bytes] = mapped_column(LargeBinary)
    activity_id: Mapped[UUID | None] = mapped_column(Uuid)
    reverses_id: Mapped[UUID | None] = mapped_column(Uuid)
    reason: Mapped[str | None] = mapped_column(Text)
    posted_at: Mapped[datetime] = mapped_column(Instant)


class LedgerTransfer(Base):
    """A positive whole number of one asset from a debit account to a credit account."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["holder_id", "transaction_id"], ["ledger_transactions.holder_id", "ledger_transactions.id"]
        ),
        ForeignKeyConstraint(
            ["debit", "asset"], ["ledger_accounts.name", "ledger_accounts.asset"], name="fk_ledger_transfers_debit"
        ),
        ForeignKeyConstraint(
            ["credit", "asset"], ["ledger_accounts.name", "ledger_accounts.asset"], name="fk_ledger_transfers_credit"
        ),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("debit <> credit", name="two_accounts"),
    )

    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    asset: Mapped[str] = mapped_column(Text)
    debit: Mapped[str] = mapped_column(Text)
    credit: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(Amount)
    lot_id: Mapped[UUID | None] = mapped_column(Uuid)


class Balance(Base):
    """What a holder has on one account of one programme. Never below zero; always the sum of its transfers."""

    __tablename__ = "balances"
    __table_args__ = (CheckConstraint("amount >= 0", name="not_negative"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.name"), primary_key=True)
    amount: Mapped[int] = mapped_column(Amount)
