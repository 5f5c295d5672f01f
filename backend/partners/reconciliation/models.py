"""Days of a partner: the lists it gave, and where its list, our events and the books differ."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class PartnerList(Base):
    """A partner's list of one day as it was taken in: `taken_at`, hash and counts once the whole of it was read.

    Its rows stand in `reconciliation_rows` until another list takes its place or the day is closed (`erased`).
    """

    __tablename__ = "reconciliation_lists"
    __table_args__ = (
        ForeignKeyConstraint(["partner", "day"], ["reconciliation_days.partner", "reconciliation_days.day"]),
        CheckConstraint("(taken_at IS NULL) = (sha256 IS NULL)", name="whole"),
        Index(
            "ix_reconciliation_lists_kept",
            "partner",
            "day",
            postgresql_where=text("NOT erased"),
            sqlite_where=text("NOT erased"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    partner: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[datetime] = mapped_column(Instant)
    taken_at: Mapped[datetime | None] = mapped_column(Instant)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    rows: Mapped[int] = mapped_column(Integer)
    faults: Mapped[int] = mapped_column(Integer)
    erased: Mapped[bool]


class ListRow(Base):
    """One row of a list. `key` is `o:` and the order number, else `e:` and the event id, else `r:` and the position.

    `position`: the line of the file, for JSON the number of the element. A row that cannot be used has a `fault` (JSON)
    and nothing else. `order_no` of a row that names an event only is filled in once the event is found here.
    """

    __tablename__ = "reconciliation_rows"
    __table_args__ = (Index("ix_reconciliation_rows_order", "list_id", "order_no", "line"),)

    list_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    line: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    order_no: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[str | None] = mapped_column(Text)
    type: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime | None] = mapped_column(Instant)
    reduction_g: Mapped[int | None] = mapped_column(Amount)
    points: Mapped[int | None] = mapped_column(Amount)
    quantity: Mapped[str | None] = mapped_column(Text)
    weight_kg: Mapped[str | None] = mapped_column(Text)
    fault: Mapped[str | None] = mapped_column(Text)


class ReconciliationDay(Base):
    """One business day (Asia/Shanghai) of one partner. Once closed it never changes.

    `state`: awaiting_list (nothing to compare with; `last_error` says why a list could not be pulled), open, closed.
    `run` counts the comparisons; while one is under way nobody else begins, until `busy_until`. `statement_sha256` is
    the hash of the statement the day was closed with.
    """

    __tablename__ = "reconciliation_days"
    __table_args__ = (
        CheckConstraint("state IN ('awaiting_list', 'open', 'closed')", name="state"),
        CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL AND closed_by IS NOT NULL AND statement_sha256 IS NOT NULL)",
            name="closed",
        ),
        CheckConstraint("(state = 'awaiting_list') = (list_id IS NULL)", name="listed"),
    )

    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    list_id: Mapped[UUID | None] = mapped_column(Uuid)
    run: Mapped[int] = mapped_column(Integer)
    busy_until: Mapped[datetime] = mapped_column(Instant)
    reconciled_at: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    statement_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)


class Difference(Base):
    """Where the partner's list, our events and the books do not say the same about one order line.

    `kind`: missing_here, missing_there, status, amount, late, bad_row. `theirs` and `ours` are JSON. `state`: open →
    explained (by an operator, `explanation`) → resolved when a later comparison (`run`) no longer finds it. One that
    comes back is open again, with the age it had; so is an explained one of which either side says something else.
    """

    __tablename__ = "reconciliation_differences"
    __table_args__ = (
        UniqueConstraint("partner", "day", "kind", "key", "line"),
        ForeignKeyConstraint(["partner", "day"], ["reconciliation_days.partner", "reconciliation_days.day"]),
        CheckConstraint(
            "kind IN ('missing_here', 'missing_there', 'status', 'amount', 'late', 'bad_row')", name="kind"
        ),
        CheckConstraint("state IN ('open', 'explained', 'resolved')", name="state"),
        CheckConstraint(
            "state <> 'explained' OR (explanation IS NOT NULL AND explained_by IS NOT NULL)", name="explained"
        ),
        Index(
            "ix_reconciliation_differences_open",
            "partner",
            "day",
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    partner: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text)
    order_no: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[str | None] = mapped_column(Text)
    theirs: Mapped[str] = mapped_column(Text)
    ours: Mapped[str] = mapped_column(Text)
    run: Mapped[int] = mapped_column(Integer)
    first_seen: Mapped[datetime] = mapped_column(Instant)
    last_seen: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text)
    explanation: Mapped[str | None] = mapped_column(Text)
    explained_by: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    explained_at: Mapped[datetime | None] = mapped_column(Instant)
