"""What members are given when a campaign is over, and what became of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class CampaignAwardRun(Base):
    """A list of awards that two operators agreed on: how many, of how many points, and the digest of the list.

    There is a second one where something came to be awarded later, a PK that became final after the campaign.
    """

    __tablename__ = "campaign_award_runs"
    __table_args__ = (UniqueConstraint("approval_id"),)

    campaign: Mapped[str] = mapped_column(ForeignKey("campaign_finals.campaign"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval_requests.id"))
    awards: Mapped[int] = mapped_column(Integer)
    points: Mapped[int] = mapped_column(Amount)
    sha256: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(Instant)


class CampaignAward(Base):
    """One reward of one member. `id` is also that of the grant by which it is paid, so that it is paid once.

    `reward`: the position of the reward in the campaign's terms; `challenge`: the PK it is for, empty for others.
    `least`: what the member's score has to reach for it to be kept (the lowest score of its band at the final, or the
    days on which something counts). `state`: planned; paid; withheld (the score fell before it was paid); taken_back.
    """

    __tablename__ = "campaign_awards"
    __table_args__ = (
        UniqueConstraint("holder_id", "campaign", "reward", "challenge"),
        CheckConstraint("state IN ('planned', 'paid', 'withheld', 'taken_back')", name="state"),
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("(paid_at IS NOT NULL) = (state IN ('paid', 'taken_back'))", name="paid"),
        CheckConstraint("(ended_at IS NOT NULL) = (state IN ('withheld', 'taken_back'))", name="ended"),
        Index(
            "ix_campaign_awards_planned",
            *("campaign", "holder_id", "id"),
            postgresql_where=text("state = 'planned'"),
            sqlite_where=text("state = 'planned'"),
        ),
        Index(
            "ix_campaign_awards_challenge",
            "challenge",
            postgresql_where=text("challenge <> ''"),
            sqlite_where=text("challenge <> ''"),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaign_finals.campaign"))
    run: Mapped[int] = mapped_column(SmallInteger)
    reward: Mapped[int] = mapped_column(SmallInteger)
    challenge: Mapped[str] = mapped_column(Text)
    points: Mapped[int] = mapped_column(Amount)
    least: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    planned_at: Mapped[datetime] = mapped_column(Instant)
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
