"""Who is the same person as whom, and who may be."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant

#: What made somebody think that two persons are one.
CAUSES = ("phone", "staff_login")


class PersonMerge(Base):
    """That a holder is the same person as `survivor_id`, from `merged_at` to `ended_at`, each by two operators."""

    __tablename__ = "person_merges"
    __table_args__ = (
        CheckConstraint("holder_id <> survivor_id", name="two_holders"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index(
            "uq_person_merges_open",
            "holder_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval_requests.id"), primary_key=True)
    survivor_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    merged_at: Mapped[datetime] = mapped_column(Instant)
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class MergeProposal(Base):
    """That a holder showed something which belongs to another one. Removed with either of them.

    `settled_at`: when they were merged, or an operator found that they are two.
    """

    __tablename__ = "merge_proposals"
    __table_args__ = (
        CheckConstraint("holder_id <> other_id", name="two_holders"),
        CheckConstraint("cause IN ('phone', 'staff_login')", name="cause"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    other_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True, index=True)
    cause: Mapped[str] = mapped_column(Text, primary_key=True)
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
