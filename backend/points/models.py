"""Points: the rules that settle them and the lots they live in."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, Integer, Text, Uuid, text
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
    """批次: the points of one act. `remaining` of the open lots of a stage is the holder's balance of that stage.

    `reserved`: points that an open use keeps, whatever the stage; a lot with nothing remaining is closed. What is in
    none of `remaining`, `reserved` and `expired` was spent, or went back to the issuer. `taken_back_at`: when the act
    was reversed; points of it that were reserved or spent then, and come back, may still become available.
    `drawn_from`: the numbers of the budgets its points were drawn from; NULL where none covered the act.
    """

    __tablename__ = "points_lots"
    __table_args__ = (
        CheckConstraint(
            "remaining >= 0 AND reserved >= 0 AND expired >= 0 AND remaining + reserved + expired <= amount "
            "AND amount > 0",
            name="amounts",
        ),
        CheckConstraint("stage IN ('pending', 'available', 'closed')", name="stage"),
        CheckConstraint("(stage = 'closed') = (remaining = 0)", name="closed_is_empty"),
        Index("ix_points_lots_activity", "holder_id", "activity_id"),
        Index(
            "ix_points_lots_pending",
            "available_at",
            postgresql_where=text("stage = 'pending'"),
            sqlite_where=text("stage = 'pending'"),
        ),
        Index(
            "ix_points_lots_available",
            *("expires_at", "holder_id", "id"),
            postgresql_where=text("stage = 'available'"),
            sqlite_where=text("stage = 'available'"),
        ),
        Index(
            "ix_points_lots_open",
            *("holder_id", "programme", "stage", "expires_at", "id"),
            postgresql_where=text("stage <> 'closed'"),
            sqlite_where=text("stage <> 'closed'"),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    activity_id: Mapped[UUID] = mapped_column(Uuid)
    rule_version: Mapped[int] = mapped_column(Integer)
    drawn_from: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(Amount)
    remaining: Mapped[int] = mapped_column(Amount)
    reserved: Mapped[int] = mapped_column(Amount)
    expired: Mapped[int] = mapped_column(Amount)
    stage: Mapped[str] = mapped_column(Text)
    available_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    taken_back_at: Mapped[datetime | None] = mapped_column(Instant)


class Use(Base):
    """Points of one holder on their way out, under the id of what they are used for (a redemption).

    `reserved` points may still come back; `spent` ones are gone unless they are refunded. `reason`: why they came back.
    """

    __tablename__ = "points_uses"
    __table_args__ = (
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("state IN ('reserved', 'spent', 'released', 'refunded')", name="state"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    points: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    begun_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class UsePart(Base):
    """How much of a use one lot gave; what comes back goes there."""

    __tablename__ = "points_use_parts"
    __table_args__ = (
        ForeignKeyConstraint(["holder_id", "use_id"], ["points_uses.holder_id", "points_uses.id"]),
        ForeignKeyConstraint(["holder_id", "lot_id"], ["points_lots.holder_id", "points_lots.id"]),
        CheckConstraint("points > 0", name="points"),
    )

    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    use_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    points: Mapped[int] = mapped_column(Amount)
