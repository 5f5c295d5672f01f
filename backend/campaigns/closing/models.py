"""What a campaign came to in the end: frozen rows that are never changed, and corrections beside them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class CampaignFinal(Base):
    """The result of a campaign, once it is final. `participants` took part, `scored` of them have acts that count.

    `listed` of those others see. `scores_sha256`: of the lines of everybody (`statement.line_of`), also of those who
    are not listed. `signature` is that of the statement anybody may verify (`statement.statement_of`), as JSON.
    """

    __tablename__ = "campaign_finals"

    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    frozen_at: Mapped[datetime] = mapped_column(Instant)
    participants: Mapped[int] = mapped_column(Integer)
    scored: Mapped[int] = mapped_column(Integer)
    listed: Mapped[int] = mapped_column(Integer)
    grams: Mapped[int] = mapped_column(Amount)
    points: Mapped[int] = mapped_column(Amount)
    scores_sha256: Mapped[str] = mapped_column(Text)
    statement_sha256: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)


class CampaignFinalScore(Base):
    """What one participant came to in the whole campaign. Who has no acts that count has no row.

    `days`: on how many days something counted. Ranks are among the listed; of who is not, they are those they would
    have. Equal ones share a rank and stand in the order in which they reached it, then of their ids.
    """

    __tablename__ = "campaign_final_scores"
    __table_args__ = (
        UniqueConstraint("campaign", "participant_id"),
        CheckConstraint("grams >= 0 AND points >= 0 AND acts > 0 AND days > 0", name="amounts"),
        CheckConstraint("rank_grams > 0 AND rank_points > 0", name="ranks"),
        Index("ix_campaign_final_scores_grams", "campaign", "rank_grams"),
        Index("ix_campaign_final_scores_points", "campaign", "rank_points"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(Uuid)
    listed: Mapped[bool]
    grams: Mapped[int] = mapped_column(Amount)
    points: Mapped[int] = mapped_column(Amount)
    acts: Mapped[int] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer)
    grams_at: Mapped[int] = mapped_column(Integer)
    points_at: Mapped[int] = mapped_column(Integer)
    rank_grams: Mapped[int] = mapped_column(Integer)
    rank_points: Mapped[int] = mapped_column(Integer)


class CampaignCount(Base):
    """A score while its campaign is being frozen, before it has its ranks. Gone when the result stands."""

    __tablename__ = "campaign_counts"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(Uuid)
    listed: Mapped[bool]
    grams: Mapped[int] = mapped_column(Amount)
    points: Mapped[int] = mapped_column(Amount)
    acts: Mapped[int] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer)
    grams_at: Mapped[int] = mapped_column(Integer)
    points_at: Mapped[int] = mapped_column(Integer)


class CampaignCorrection(Base):
    """What a participant's score came to after the final, when acts were taken back, restated or credited again.

    The final stays as it is; the correction with the highest `sequence` is what stands beside it.
    """

    __tablename__ = "campaign_corrections"
    __table_args__ = (
        CheckConstraint("grams >= 0 AND points >= 0 AND acts >= 0 AND days >= 0", name="amounts"),
        CheckConstraint("sequence > 0", name="sequence"),
        Index("ix_campaign_corrections_campaign", "campaign", "participant_id"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaign_finals.campaign"), primary_key=True)
    sequence: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(Uuid)
    grams: Mapped[int] = mapped_column(Amount)
    points: Mapped[int] = mapped_column(Amount)
    acts: Mapped[int] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer)
    corrected_at: Mapped[datetime] = mapped_column(Instant)
