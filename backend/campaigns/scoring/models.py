"""Scores: all of them are made of acts and may be thrown away and made again."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class CampaignScore(Base):
    """What one participant has come to in one period of a campaign: a day (`2026-06-05`), a week, or `all`.

    A participant without acts in a period has no row. `groups`: of a day's row, the ids of the groups that the day is
    counted for, with blanks between them; NULL for longer periods. `listed`: whether others see the place.
    """

    __tablename__ = "campaign_scores"
    __table_args__ = (
        CheckConstraint("grams >= 0 AND points >= 0 AND acts > 0", name="amounts"),
        Index(
            "ix_campaign_scores_grams",
            *("campaign", "period", "grams", "grams_at", "participant_id"),
            postgresql_where=text("listed"),
            sqlite_where=text("listed"),
        ),
        Index(
            "ix_campaign_scores_points",
            *("campaign", "period", "points", "points_at", "participant_id"),
            postgresql_where=text("listed"),
            sqlite_where=text("listed"),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(Uuid)
    grams: Mapped[int] = mapped_column(Amount)
    points: Mapped[int] = mapped_column(Amount)
    acts: Mapped[int] = mapped_column(Integer)
    grams_at: Mapped[int] = mapped_column(Integer)
    points_at: Mapped[int] = mapped_column(Integer)
    groups: Mapped[str | None] = mapped_column(Text)
    listed: Mapped[bool] = mapped_column(Boolean)


class CampaignGroupScore(Base):
    """What the participants of a group have come to together in one period, by the group each was in on each day."""

    __tablename__ = "campaign_group_scores"

    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    group_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_groups.id"), primary_key=True)
    grams: Mapped[int] = mapped_column(Amount)
    points: Mapped[int] = mapped_column(Amount)
    acts: Mapped[int] = mapped_column(Amount)


class CampaignBucket(Base):
    """How many listed participants have a score of this bucket (`policy.bucket_of`) in one period.

    So that a rank needs the sum of some buckets and a count within one, not a count of everybody who is better.
    """

    __tablename__ = "campaign_buckets"
    __table_args__ = (CheckConstraint("measure IN ('grams', 'points')", name="measure"),)

    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    people: Mapped[int] = mapped_column(Integer)


class CampaignFollower(Base):
    """Up to which announcement the scores are made. Held by whoever makes them: there is one row, `scores`."""

    __tablename__ = "campaign_followers"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Amount)


class CampaignHeads(Base):
    """How many people a group has on a day, and how many of them take part: what means are made of.

    `kind` and `key` as of `CampaignGroup`. A department has a row for each day of the roster; a city and a team, whose
    people are its participants, have one, of the first day of the campaign. Classes are asked for their seats.
    """

    __tablename__ = "campaign_heads"
    __table_args__ = (CheckConstraint("people >= 0 AND participants >= 0", name="counts"),)

    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    people: Mapped[int] = mapped_column(Integer)
    participants: Mapped[int] = mapped_column(Integer)


class CampaignComparison(Base):
    """How the scores of a campaign agreed with the acts when they were last compared with a clean count."""

    __tablename__ = "campaign_comparisons"

    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    compared_at: Mapped[datetime] = mapped_column(Instant)
    participants: Mapped[int] = mapped_column(Integer)
    differences: Mapped[int] = mapped_column(Integer)
