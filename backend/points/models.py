"""Points: the rules that settle them and the lots they live in."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class PointsRule(Base):
    """How one programme settles credited acts as points, from a day on. A row is never changed; a new version follows.

    Rates are exact fractions as text: `points_per_gram`, and in `rates` (JSON: methodology → rate) where a methodology
    has its own. `fixed_points` is JSON: methodology → points per act that no gram measures. `caps` is a JSON list of
    what one person may earn at most (`policy.Cap`). `announced_on`: the day two operators agreed; the day a rule begins
    to count lies behind it, but for the first one of a programme.
    """

    __tablename__ = "points_rules"
    __table_args__ = (
        CheckConstraint("expires_after_days > 0", name="expiry"),
        CheckConstraint("version >= 1 AND (version = 1 OR in_force_from > announced_on)", name="announced"),
    )

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    announced_on: Mapped[date] = mapped_column(Date)
    in_force_from: Mapped[date] = mapped_column(Date)
    points_per_gram: Mapped[str] = mapped_column(Text)
    rates: Mapped[str] = mapped_column(Text)
    fixed_points: Mapped[str] = mapped_column(Text)
    caps: Mapped[str] = mapped_column(Text)
    expires_after_days: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))


class PointsMultiplier(Base):
    """What a campaign multiplies the points of acts by, from its first to its last day. A row is never changed.

    A later version only ends the campaign earlier, on the day of its announcement at the earliest: what counted until
    then goes on counting. `factor` is an exact fraction above 1 as text; `methodologies` is a JSON list, or NULL for
    all. A last day before the first one means that the campaign never began.
    """

    __tablename__ = "points_multipliers"
    __table_args__ = (
        CheckConstraint(
            "(version = 1 AND first_day > announced_on AND last_day >= first_day)"
            " OR (version > 1 AND last_day >= announced_on)",
            name="announced",
        ),
    )

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    campaign: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    announced_on: Mapped[date] = mapped_column(Date)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    factor: Mapped[str] = mapped_column(Text)
    methodologies: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))


class CapCount(Base):
    """What a person has earned in a programme under one cap of its rule, in the period that begins on `starts_on`.

    Removed half a year later (`caps.KEPT`), and made again from the lots should it still be asked for.
    """

    __tablename__ = "points_cap_counts"
    __table_args__ = (
        CheckConstraint("points >= 0", name="not_negative"),
        CheckConstraint("period IN ('day', 'week', 'month')", name="period"),
        Index("ix_points_cap_counts_starts_on", "starts_on"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    cap: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    points: Mapped[int] = mapped_column(Amount)


class PointsCut(Base):
    """Points an act earned by its rule and was not given, when it was issued the `issue_count`-th time, and why.

    `campaign` is that of the multiplier whose bonus was cut, empty for the points of the act itself. `bound_by` is the
    code of the cap of `limit_points`, or the title of the `budget`.
    """

    __tablename__ = "points_cuts"
    __table_args__ = (
        CheckConstraint("granted >= 0 AND granted < earned", name="less_than_earned"),
        CheckConstraint(
            "(code IN ('POINTS_CAP_DAY', 'POINTS_CAP_WEEK', 'POINTS_CAP_MONTH')"
            " AND limit_points IS NOT NULL AND budget IS NULL)"
            " OR (code IN ('POINTS_BUDGET_USED_UP', 'POINTS_BUDGET_ENDED')"
            " AND limit_points IS NULL AND budget IS NOT NULL)",
            name="code",
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    activity_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    issue_count: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    campaign: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    rule_version: Mapped[int] = mapped_column(Integer)
    bound_by: Mapped[str] = mapped_column(Text)
    limit_points: Mapped[int | None] = mapped_column(Amount)
    budget: Mapped[int | None] = mapped_column(Integer)
    earned: Mapped[int] = mapped_column(Amount)
    granted: Mapped[int] = mapped_column(Amount)
    cut_at: Mapped[datetime] = mapped_column(Instant)


#: The methodology of lots that rest on a grant.
GRANTED = ""


class Lot(Base):
    """批次: the points of one act. `remaining` of the open lots of a stage is the holder's balance of that stage.

    `reserved`: points that an open use keeps, whatever the stage; a lot with nothing remaining is closed. What is in
    none of `remaining`, `reserved` and `expired` was spent, or went back to the issuer. `taken_back_at`: when the act
    was reversed; points of it that were reserved or spent then, and come back, may still become available.
    `drawn_from`: the numbers of the budgets its points were drawn from; NULL where none covered the act.
    `campaign` and `multiplier_version` name the multiplier whose bonus the lot is; they are NULL for the points of the
    act itself. `partner`, `methodology` and `day` are those of the act: what caps and budgets are counted by. Where
    `methodology` is `GRANTED`, the lot rests on the grant that `activity_id` names, and no cap counts it.
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
        CheckConstraint("(campaign IS NULL) = (multiplier_version IS NULL)", name="bonus"),
        Index(
            "ix_points_lots_activity",
            *("holder_id", "activity_id"),
            postgresql_include=["programme", "amount", "expired", "taken_back_at"],
        ),
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
    partner: Mapped[str] = mapped_column(Text)
    methodology: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    rule_version: Mapped[int] = mapped_column(Integer)
    drawn_from: Mapped[str | None] = mapped_column(Text)
    campaign: Mapped[str | None] = mapped_column(Text)
    multiplier_version: Mapped[int | None] = mapped_column(Integer)
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


class Grant(Base):
    """Points that were given for no act. Never changed; that they were taken back is told by their lot.

    `title`, `中文 / English`, says for what; `campaign` is whose budget they were drawn from.
    """

    __tablename__ = "points_grants"
    __table_args__ = (
        ForeignKeyConstraint(["holder_id", "lot_id"], ["points_lots.holder_id", "points_lots.id"]),
        UniqueConstraint("holder_id", "lot_id"),
        CheckConstraint("points > 0", name="points"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    campaign: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    points: Mapped[int] = mapped_column(Amount)
    lot_id: Mapped[UUID] = mapped_column(Uuid)
    transaction_id: Mapped[UUID] = mapped_column(Uuid)
    granted_at: Mapped[datetime] = mapped_column(Instant)
