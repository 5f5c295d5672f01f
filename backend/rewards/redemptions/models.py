"""Redemptions: what was exchanged, how far it is, how it came there, and the limits of a programme."""

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
from backend.rewards.redemptions.policy import ACTORS, HELD, STATES

_IN_STATES = f"state IN ({', '.join(map(repr, STATES))})"
_IS_HELD = f"state IN ({', '.join(map(repr, HELD))})"


class Redemption(Base):
    """兑换: points of one account for one piece of a reward, under the terms of its day.

    `points_uses` holds what became of the points under the same id. `person_id` redeemed it, for themselves or for the
    account they act for. `why` is the reason for the present state, where one has to be told. `ends_at`: when a
    reservation or a review is given up. `device_index`: keyed hash of what the phone calls itself.
    """

    __tablename__ = "redemptions"
    __table_args__ = (
        CheckConstraint(_IN_STATES, name="state"),
        CheckConstraint("points > 0", name="points"),
        CheckConstraint(f"({_IS_HELD}) = (ends_at IS NOT NULL)", name="held_until"),
        ForeignKeyConstraint(["holder_id", "programme"], ["enrolments.holder_id", "enrolments.programme"]),
        ForeignKeyConstraint(["reward", "terms_version"], ["reward_terms.reward", "reward_terms.version"]),
        Index("ix_redemptions_id", "id"),
        Index(
            "ix_redemptions_device",
            "device_index",
            "created_at",
            postgresql_where=text("device_index IS NOT NULL"),
            sqlite_where=text("device_index IS NOT NULL"),
        ),
        Index(
            "ix_redemptions_held",
            "ends_at",
            postgresql_where=text(_IS_HELD),
            sqlite_where=text(_IS_HELD),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(Text)
    reward: Mapped[str] = mapped_column(Text)
    terms_version: Mapped[int] = mapped_column(Integer)
    points: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"))
    device_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)


class RedemptionStep(Base):
    """One step of a redemption: into which state, why, whose doing it was. Never changed.

    `told`: what an operator says to the member about it.
    """

    __tablename__ = "redemption_steps"
    __table_args__ = (
        CheckConstraint(_IN_STATES, name="state"),
        CheckConstraint(f"actor IN ({', '.join(map(repr, ACTORS))})", name="actor"),
        CheckConstraint("(actor = 'operator') = (operator_id IS NOT NULL)", name="operator"),
        ForeignKeyConstraint(["holder_id", "redemption_id"], ["redemptions.holder_id", "redemptions.id"]),
    )

    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
    told: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)


class RedemptionDevice(Base):
    """A device from which something was redeemed. Held while the redemptions from it are counted."""

    __tablename__ = "redemption_devices"

    device_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime] = mapped_column(Instant, index=True)


class RedemptionLimits(Base):
    """How much may be redeemed in a programme, and what is looked at by a person first, from a day on. Never changed.

    NULL is no limit. See `policy.Limits`.
    """

    __tablename__ = "redemption_limits"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("version = 1 OR in_force_from > announced_on", name="announced_before"),
        CheckConstraint("points_per_day > 0 AND person_count > 0 AND device_count > 0", name="limits"),
        CheckConstraint("(person_count IS NULL) = (person_minutes IS NULL)", name="person_window"),
        CheckConstraint("(device_count IS NULL) = (device_minutes IS NULL)", name="device_window"),
        CheckConstraint("(review_count IS NULL) = (review_minutes IS NULL)", name="review_window"),
        CheckConstraint("(new_days IS NULL) = (new_points IS NULL)", name="new_accounts"),
        CheckConstraint("person_minutes > 0 AND device_minutes > 0 AND review_minutes > 0", name="windows"),
        CheckConstraint("review_count > 0 AND new_days > 0 AND new_points >= 0", name="review"),
        CheckConstraint("review_hours > 0 AND reserved_hours > 0", name="hours"),
    )

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    announced_on: Mapped[date] = mapped_column(Date)
    in_force_from: Mapped[date] = mapped_column(Date)
    points_per_day: Mapped[int | None] = mapped_column(Amount)
    person_count: Mapped[int | None] = mapped_column(Integer)
    person_minutes: Mapped[int | None] = mapped_column(Integer)
    device_count: Mapped[int | None] = mapped_column(Integer)
    device_minutes: Mapped[int | None] = mapped_column(Integer)
    review_count: Mapped[int | None] = mapped_column(Integer)
    review_minutes: Mapped[int | None] = mapped_column(Integer)
    new_days: Mapped[int | None] = mapped_column(Integer)
    new_points: Mapped[int | None] = mapped_column(Amount)
    review_hours: Mapped[int] = mapped_column(Integer)
    reserved_hours: Mapped[int] = mapped_column(Integer)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))
