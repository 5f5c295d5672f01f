"""What members declare of their own accord, and the photos that prove it."""

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
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant

_WAITING = text("state IN ('in_review', 'in_appeal')")


class DeclarationTerms(Base):
    """For how many days an act may be declared, and how many acts of one day, from a day on. Append-only."""

    __tablename__ = "declaration_terms"
    __table_args__ = (CheckConstraint("window_days BETWEEN 0 AND 90 AND daily_acts BETWEEN 0 AND 50", name="measure"),)

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    in_force_from: Mapped[date] = mapped_column(Date, primary_key=True)
    window_days: Mapped[int] = mapped_column(Integer)
    daily_acts: Mapped[int] = mapped_column(Integer)
    announced_at: Mapped[datetime] = mapped_column(Instant)


class Declaration(Base):
    """自行申报: one act that a member says they did.

    `state`: in_review; approved (`activity_id` is the act, of this `grade`); refused (`reason`); in_appeal; withdrawn.
    `sealed`: canonical JSON of `data`, `identity` and `words` under the person's key; NULL once they were forgotten.
    `decided_by` is NULL where the house decided by rule. `expected_…`: what it was forecast to bring. `told`: words of
    a reviewer to the member.
    """

    __tablename__ = "declarations"
    __table_args__ = (
        CheckConstraint("state IN ('in_review', 'approved', 'refused', 'in_appeal', 'withdrawn')", name="state"),
        CheckConstraint("(state IN ('in_review', 'withdrawn')) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("state NOT IN ('refused', 'in_appeal') OR reason IS NOT NULL", name="reason"),
        CheckConstraint("(state = 'approved') = (activity_id IS NOT NULL)", name="act"),
        CheckConstraint(
            "state <> 'in_appeal' OR (appealed_at IS NOT NULL AND appeal_decided_at IS NULL)", name="appeal"
        ),
        CheckConstraint("appeal_decided_at IS NULL OR appealed_at IS NOT NULL", name="appealed_before"),
        CheckConstraint("appeal_decided_by <> decided_by", name="two_operators"),
        CheckConstraint("started_at IS NULL OR ended_at > started_at", name="window"),
        ForeignKeyConstraint(["holder_id", "activity_id"], ["activities.holder_id", "activities.id"]),
        Index("ix_declarations_holder_day", "holder_id", "day"),
        Index("ix_declarations_waiting", "state", "declared_at", postgresql_where=_WAITING, sqlite_where=_WAITING),
        Index("ix_declarations_activity", "holder_id", "activity_id"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    methodology: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    day: Mapped[date] = mapped_column(Date)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    grade: Mapped[str] = mapped_column(Text)
    expected_g: Mapped[int] = mapped_column(Amount)
    expected_points: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    told: Mapped[str | None] = mapped_column(Text)
    activity_id: Mapped[UUID | None] = mapped_column(Uuid)
    declared_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    appealed_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed_appeal: Mapped[bytes | None] = mapped_column(LargeBinary)
    appeal_decided_at: Mapped[datetime | None] = mapped_column(Instant)
    appeal_decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))


class DeclarationPhoto(Base):
    """A clean photo, sealed under the person's key until it is deleted; what it can be recognised by stays.

    It is kept in the database and not in a folder: it is deleted, forgotten and backed up together with what it proves,
    every process sees it, and no address leads to it. `content_index`: a keyed hash of its bytes. `band_1` … `band_4`:
    the 64 bits of its difference hash: pictures that differ in three bits at most share one of them.
    """

    __tablename__ = "declaration_photos"
    __table_args__ = (
        CheckConstraint("(sealed IS NULL) = (deleted_at IS NOT NULL)", name="deleted"),
        ForeignKeyConstraint(["holder_id", "declaration_id"], ["declarations.holder_id", "declarations.id"]),
        Index("ix_declaration_photos_content", "holder_id", "content_index", unique=True),
        Index("ix_declaration_photos_declaration", "holder_id", "declaration_id"),
        Index(
            "ix_declaration_photos_delete_after",
            "delete_after",
            postgresql_where=text("sealed IS NOT NULL"),
            sqlite_where=text("sealed IS NOT NULL"),
        ),
        *(Index(f"ix_declaration_photos_{band}", band) for band in ("band_1", "band_2", "band_3", "band_4")),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    declaration_id: Mapped[UUID | None] = mapped_column(Uuid)
    content_index: Mapped[bytes] = mapped_column(LargeBinary)
    band_1: Mapped[int] = mapped_column(Integer)
    band_2: Mapped[int] = mapped_column(Integer)
    band_3: Mapped[int] = mapped_column(Integer)
    band_4: Mapped[int] = mapped_column(Integer)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    uploaded_at: Mapped[datetime] = mapped_column(Instant)
    delete_after: Mapped[datetime | None] = mapped_column(Instant)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)
