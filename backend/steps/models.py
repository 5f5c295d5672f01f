"""Steps as they are recorded: one row for a person and a day, and which permissions were taken back."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class StepDay(Base):
    """The steps of a person on a day. The first source and programme to report it keep it.

    `steps`: the highest count told. `counted` of them are in the books, of these `spendable` can be donated; the rest
    can be from `spendable_from` on. `flag`: why more is withheld; `review`: waiting, released or refused.
    """

    __tablename__ = "step_days"
    __table_args__ = (
        CheckConstraint("0 <= spendable AND spendable <= counted AND counted <= steps", name="parts"),
        CheckConstraint("counted <= 30000", name="most"),
        CheckConstraint("review IN ('waiting', 'released', 'refused')", name="review"),
        CheckConstraint("(flag IS NULL) = (review IS NULL)", name="flagged"),
        # Who else was reported with this count on this day.
        Index("ix_step_days_day_steps", "day", "steps"),
        Index("ix_step_days_spendable_from", "spendable_from"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    source: Mapped[str] = mapped_column(Text)
    steps: Mapped[int] = mapped_column(Integer)
    counted: Mapped[int] = mapped_column(Integer)
    spendable: Mapped[int] = mapped_column(Integer)
    spendable_from: Mapped[date]
    flag: Mapped[str | None] = mapped_column(Text)
    review: Mapped[str | None] = mapped_column(Text)
    reported_at: Mapped[datetime] = mapped_column(Instant)


class StepPermissionEnd(Base):
    """That a member took back the permission to read their steps from a source, last at this instant."""

    __tablename__ = "step_permission_ends"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(Instant)
