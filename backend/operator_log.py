"""What operators did: who, what, to what, why, when, and how it stood before and after. Append-only, and a chain.

    hash = SHA-256(the hash of the row before it + the row as canonical JSON, which `stated` gives)

so a row that is changed or gone is missed. The last row's number and hash are kept apart, in `operator_log_head`, so
that rows cut off at the end are missed as well. Against somebody who may write everything in the database only a copy
elsewhere helps: export the log now and then (`flask operator export`).

The log is kept for good and shown to auditors, so neither a secret nor anything about a person stands in it: members
are named by the id of their account, `before` and `after` hold settings and sums. What is named in `NEVER` or looks
like a token or key is refused, and with it the act.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.database import Amount, Base, Instant
from backend.errors import Refusal
from backend.strict_json import JsonValue, canonical

#: What the first row follows.
BEGINNING = bytes(32)
#: What `before` and `after` never name.
NEVER = frozenset(
    {
        *("secret", "token", "password", "private_key", "voucher_code", "openid", "unionid", "session_key"),
        *("user_ref", "birth_date", "phone", "recipient", "address", "person_name"),
    }
)
_PAGE = 1_000
_WRITTEN = "operator_log"
#: Tokens of operators, secrets of partners and destinations, secret signing keys.
_SECRET = re.compile(r"(?<![A-Za-z0-9])(?:op_|whsec_|whsk_)[A-Za-z0-9+/=_-]{16,}")


class SecretInLog(Refusal):
    code = "SECRET_IN_LOG"
    status = 422
    title = "操作日志不得包含令牌或密钥 / A token or key must not stand in the operator log"


class OperatorLogRow(Base):
    """One thing an operator did. `operator_id` is NULL for who set up the house before there was an administrator.

    `before` and `after`: canonical JSON of what the act changed, as it stood; NULL where there was nothing to compare.
    """

    __tablename__ = "operator_log"

    sequence: Mapped[int] = mapped_column(Amount, primary_key=True, autoincrement=False)
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime] = mapped_column(Instant)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class OperatorLogHead(Base):
    """The last row of the log, and the lock under which the next one is written."""

    __tablename__ = "operator_log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Amount)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


def write(
    tx: Session,
    *,
    operator_id: UUID | None,
    action: str,
    subject: str,
    reason: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    now: datetime,
) -> int:
    """Write one row; returns its number. `action` is dotted and past tense (`activity.reversed`).

    `before`, `after`: what the act changed, by name; ids, days, instants and decimals are written as text. The log is
    locked until commit, so this comes last in a transaction. Raises SecretInLog; ValueError for a name of `NEVER`.
    """
    head = tx.scalars(select(OperatorLogHead).with_for_update().execution_options(populate_existing=True)).one()
    sequence = head.sequence + 1
    row = OperatorLogRow(
        sequence=sequence,
        operator_id=operator_id,
        action=action,
        subject=subject,
        reason=reason,
        before=None if before is None else canonical(_plain(before)),
        after=None if after is None else canonical(_plain(after)),
        done_at=now,
    )
    said = canonical(stated(row))
    if _SECRET.search(said):
        raise SecretInLog
    row.hash = chained(head.hash, said)
    tx.add(row)
    head.sequence, head.hash = sequence, row.hash
    tx.flush()
    tx.info[_WRITTEN] = sequence
    return sequence


def written(tx: Session) -> bool:
    """Whether this transaction has written into the log."""
    return _WRITTEN in tx.info


def shown_url(url: str | None) -> str | None:
    """An address as the log may hold it: without a query, where tokens stand, and without who logs in."""
    if url is None:
        return None
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "…" if parts.query else "", ""))


def stated(row: OperatorLogRow) -> dict[str, JsonValue]:
    """What a row says, and what its hash is made over; `before` and `after` are texts, each canonical JSON."""
    return {
        "sequence": row.sequence,
        "at": row.done_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "operator_id": str(row.operator_id) if row.operator_id else None,
        "action": row.action,
        "subject": row.subject,
        "reason": row.reason,
        "before": row.before,
        "after": row.after,
    }


def chained(previous: bytes, said: str) -> bytes:
    """The hash of a row that says this, behind the row of that hash."""
    return hashlib.sha256(previous + said.encode()).digest()


def _plain(value: object) -> JsonValue:
    """A value as JSON that everybody writes alike: whole numbers and text, no fractions, no forbidden names."""
    if isinstance(value, Mapping):
        if forbidden := NEVER & value.keys():
            raise ValueError(f"{sorted(forbidden)} must not stand in the operator log")
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item) for item in value]
        return sorted(items, key=str) if isinstance(value, set | frozenset) else items
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no place in the operator log")


def read(tx: Session, *, after: int = 0, limit: int = _PAGE) -> list[OperatorLogRow]:
    """The rows behind this number, oldest first."""
    query = select(OperatorLogRow).where(OperatorLogRow.sequence > after)
    return list(tx.scalars(query.order_by(OperatorLogRow.sequence).limit(limit)))


def span(
    tx: Session, *, after: int = 0, since: datetime | None = None, until: datetime | None = None
) -> tuple[int, int]:
    """The numbers of the first and the last row behind `after` that were written from `since` on and before `until`.

    Everything between the two is meant, so that the chain has no gap. The last is below the first where there are none.
    """
    query = select(func.min(OperatorLogRow.sequence), func.max(OperatorLogRow.sequence))
    query = query.where(OperatorLogRow.sequence > after)
    if since is not None:
        query = query.where(OperatorLogRow.done_at >= since)
    if until is not None:
        query = query.where(OperatorLogRow.done_at < until)
    first, last = tx.execute(query).one()
    return (first, last) if first is not None else (after + 1, after)


def differences(tx: Session) -> Iterator[dict[str, object]]:
    """Where the chain is broken: a row that is gone or changed, or rows cut off at the end."""
    expected, previous = 1, BEGINNING
    while page := read(tx, after=expected - 1):
        for row in page:
            if row.sequence != expected or row.hash != chained(previous, canonical(stated(row))):
                yield {"fault": "OPERATOR_LOG", "expected": expected, "found": row.sequence}
            expected, previous = row.sequence + 1, row.hash
    head = tx.scalars(select(OperatorLogHead)).one()
    if (head.sequence, head.hash) != (expected - 1, previous):
        yield {"fault": "OPERATOR_LOG", "expected": head.sequence, "found": expected - 1}
