"""Points: the rules that settle them and the lots they live in."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class PointsRule(Base):
    """How one programme settles credited acts as points, from a day on. A row is never changed; a new version follows.

    `points_per_gram` is an exact fraction as text. `fixed_points` is JSON: methodology → points per act, for claim
    types that no gram reduced measures (offset-backed, certificate-backed, engagement).
    """

    __tablename__ = "points_rules"
    __table_args__ = (CheckConstraint("expires_after_days > 0", name="expiry"),)

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    in_force_from: Mapped[date] = mapped_column(Date)
    points_per_gram: Mapped[str] = mapped_column(Text)
    fixed_points: Mapped[str] = mapped_column(Text)
    expires_after_days: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text)


class Lot(Base):
    """批次: the points of one act. `remaining` of the open lots of a stage is the holder's balance of that stage."""

    __tablename__ = "points_lots"
    __table_args__ = (
        CheckConstraint(
            "remaining >= 0 AND expired >= 0 AND remaining + expired <= amount AND amount > 0", name="amounts"
        ),
        CheckConstraint("stage IN ('pending', 'available', 'closed')", name="stage"),
        CheckConstraint("stage <> 'closed' OR remaining = 0", name="closed_is_empty"),
        Index("ix_points_lots_activity", "holder_id", "activity_id"),
        Index(
            "ix_points_lots_pending",
            "available_at",
            postgresql_where=text("stage = 'pending'"),
            sqlite_where=text("stage = 'pending'"),
        ),
        Index(
            "ix_points_lots_available",
            "expires_at",
            postgresql_where=text("stage = 'available'"),
            sqlite_where=text("stage = 'available'"),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    activity_id: Mapped[UUID] = mapped_column(Uuid)
    rule_version: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int] = mapped_column(Amount)
    remaining: Mapped[int] = mapped_column(Amount)
    expired: Mapped[int] = mapped_column(Amount)
    stage: Mapped[str] = mapped_column(Text)
    available_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
