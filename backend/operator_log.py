"""What operators did: who, what, to what, why, when. Append-only, and a chain, so that a row that is gone is missed.

Each row carries the SHA-256 of the row before it and of what it says itself. The last row's number and hash are kept
apart, in `operator_log_head`, so that rows cut off at the end are missed as well. Against somebody who may write
everything in the database only a copy elsewhere helps: keep the last hash now and then (`flask operator log`).
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.database import Amount, Base, Instant

#: What the first row follows.
BEGINNING = bytes(32)
_PAGE = 1_000


class OperatorLogRow(Base):
    """One thing an operator did. `operator_id` is NULL for who set up the house before there was an administrator."""

    __tablename__ = "operator_log"

    sequence: Mapped[int] = mapped_column(Amount, primary_key=True, autoincrement=False)
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    done_at: Mapped[datetime] = mapped_column(Instant)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class OperatorLogHead(Base):
    """The last row of the log, and the lock under which the next one is written."""

    __tablename__ = "operator_log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Amount)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


def write(tx: Session, *, operator_id: UUID | None, action: str, subject: str, reason: str, now: datetime) -> int:
    """Write one row; returns its number. `action` is dotted and past tense (`activity.reversed`).

    The log is locked until commit, so this comes last in a transaction.
    """
    head = tx.scalars(select(OperatorLogHead).with_for_update().execution_options(populate_existing=True)).one()
    sequence = head.sequence + 1
    row = OperatorLogRow(
        sequence=sequence, operator_id=operator_id, action=action, subject=subject, reason=reason, done_at=now
    )
    row.hash = _hash(row, head.hash)
    tx.add(row)
    head.sequence, head.hash = sequence, row.hash
    tx.flush()
    return sequence


def _hash(row: OperatorLogRow, previous: bytes) -> bytes:
    said = [
        *(row.sequence, str(row.operator_id) if row.operator_id else None),
        *(row.action, row.subject, row.reason, row.done_at.astimezone(UTC).isoformat()),
    ]
    return hashlib.sha256(previous + json.dumps(said, ensure_ascii=False).encode()).digest()


def read(tx: Session, *, after: int = 0, limit: int = _PAGE) -> list[OperatorLogRow]:
    """The rows behind this number, oldest first."""
    query = select(OperatorLogRow).where(OperatorLogRow.sequence > after)
    return list(tx.scalars(query.order_by(OperatorLogRow.sequence).limit(limit)))


def differences(tx: Session) -> Iterator[dict[str, object]]:
    """Where the chain is broken: a row that is gone or changed, or rows cut off at the end."""
    expected, previous = 1, BEGINNING
    while page := read(tx, after=expected - 1):
        for row in page:
            if row.sequence != expected or row.hash != _hash(row, previous):
                yield {"fault": "OPERATOR_LOG", "expected": expected, "found": row.sequence}
            expected, previous = row.sequence + 1, row.hash
    head = tx.scalars(select(OperatorLogHead)).one()
    if (head.sequence, head.hash) != (expected - 1, previous):
        yield {"fault": "OPERATOR_LOG", "expected": head.sequence, "found": expected - 1}
