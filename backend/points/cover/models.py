"""Tables of what stands behind points: a liability a day, what is set aside, and whether the page shows it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class SetAside(Base):
    """What an issuer states it set aside for 1,000 points from a day on, in fen. Never changed; a later row follows."""

    __tablename__ = "points_set_aside"
    __table_args__ = (CheckConstraint("fen_per_1000_points >= 0", name="fen"), UniqueConstraint("approval_id"))

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    in_force_from: Mapped[date] = mapped_column(Date)
    fen_per_1000_points: Mapped[int] = mapped_column(Amount)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))
    stated_at: Mapped[datetime] = mapped_column(Instant)


class CoverSwitch(Base):
    """Since when the cover page of a programme is shown to everybody, or no longer. Never changed."""

    __tablename__ = "points_cover_switches"

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    shown: Mapped[bool]
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    switched_at: Mapped[datetime] = mapped_column(Instant)


class LiabilitySnapshot(Base):
    """What a programme owed in points on a day, at `taken_at`. Never changed.

    `granted`: points issued less those taken back, from the beginning of `granted_since` to that of `day`. `figures`:
    the fields of `liability.Liability` as canonical JSON.
    """

    __tablename__ = "points_liability"

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(Instant)
    granted: Mapped[int] = mapped_column(Amount)
    granted_since: Mapped[date] = mapped_column(Date)
    figures: Mapped[str] = mapped_column(Text)
