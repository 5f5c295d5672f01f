"""PK: who challenged whom, what became of it, and the results, which are only ever added to."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class CampaignChallenge(Base):
    """A PK of two persons, teams or departments on some days of a campaign.

    `challenger_id`, `opponent_id`: the `id` of a participant, or of a `CampaignGroup`. `invited_by`, `accepted_by`: who
    spoke for the side. `due_at`: acts settled before then count. Where it is on its way: `policy.state_of`.
    """

    __tablename__ = "campaign_challenges"
    __table_args__ = (
        CheckConstraint("kind IN ('person', 'team', 'department')", name="kind"),
        CheckConstraint("measure IN ('grams', 'points')", name="measure"),
        CheckConstraint("challenger_id <> opponent_id", name="two_sides"),
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("(accepted_at IS NULL) = (accepted_by IS NULL)", name="accepted"),
        CheckConstraint("declined_at IS NULL OR (accepted_at IS NULL AND withdrawn_at IS NULL)", name="declined"),
        CheckConstraint("final_at IS NULL OR (accepted_at IS NOT NULL AND withdrawn_at IS NULL)", name="final"),
        Index("ix_campaign_challenges_challenger", "challenger_id"),
        Index("ix_campaign_challenges_opponent", "opponent_id"),
        Index(
            "ix_campaign_challenges_due",
            "due_at",
            postgresql_where=text("accepted_at IS NOT NULL AND withdrawn_at IS NULL AND final_at IS NULL"),
            sqlite_where=text("accepted_at IS NOT NULL AND withdrawn_at IS NULL AND final_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"))
    kind: Mapped[str] = mapped_column(Text)
    measure: Mapped[str] = mapped_column(Text)
    challenger_id: Mapped[UUID] = mapped_column(Uuid)
    opponent_id: Mapped[UUID] = mapped_column(Uuid)
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("holders.id"))
    accepted_by: Mapped[UUID | None] = mapped_column(ForeignKey("holders.id"))
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    due_at: Mapped[datetime] = mapped_column(Instant)
    invited_at: Mapped[datetime] = mapped_column(Instant)
    lapses_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    declined_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    final_at: Mapped[datetime | None] = mapped_column(Instant)


class CampaignChallengeDay(Base):
    """A day on which a side has a PK: by the key it has one on a day. Gone where the PK is withdrawn in time."""

    __tablename__ = "campaign_challenge_days"
    __table_args__ = (Index("ix_campaign_challenge_days_challenge", "challenge_id"),)

    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    side_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    challenge_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_challenges.id"))


class CampaignChallengeMember(Base):
    """Who is on a side of a PK of persons or teams, as it was when it was accepted. Departments go by the roster."""

    __tablename__ = "campaign_challenge_members"
    __table_args__ = (
        CheckConstraint("side IN ('challenger', 'opponent')", name="side"),
        Index("ix_campaign_challenge_members_challenge", "challenge_id"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    challenge_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_challenges.id"), primary_key=True)
    side: Mapped[str] = mapped_column(Text)


class CampaignChallengeScore(Base):
    """What somebody did on a day of a PK when it became final, in its measure. Never changed; no correction adds."""

    __tablename__ = "campaign_challenge_scores"
    __table_args__ = (
        CheckConstraint("side IN ('challenger', 'opponent')", name="side"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_campaign_challenge_scores_challenge", "challenge_id"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    challenge_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_challenges.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    side: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(Amount)


class CampaignChallengeResult(Base):
    """The final result of a PK (number 1), and each correction behind it. `document`: signed by the house.

    `winner`: NULL for a draw or where nobody wins.
    """

    __tablename__ = "campaign_challenge_results"
    __table_args__ = (CheckConstraint("winner IN ('challenger', 'opponent')", name="winner"),)

    challenge_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_challenges.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    made_at: Mapped[datetime] = mapped_column(Instant)
    winner: Mapped[str | None] = mapped_column(Text)
    challenger_people: Mapped[int] = mapped_column(Integer)
    challenger_taking_part: Mapped[int] = mapped_column(Integer)
    challenger_amount: Mapped[int] = mapped_column(Amount)
    opponent_people: Mapped[int] = mapped_column(Integer)
    opponent_taking_part: Mapped[int] = mapped_column(Integer)
    opponent_amount: Mapped[int] = mapped_column(Amount)
    document: Mapped[str] = mapped_column(Text)


class CampaignChallengeStanding(Base):
    """What the sides of a running PK of teams or departments had come to `as_of`; counted anew once a minute."""

    __tablename__ = "campaign_challenge_standings"

    challenge_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_challenges.id"), primary_key=True)
    as_of: Mapped[datetime] = mapped_column(Instant)
    challenger_people: Mapped[int] = mapped_column(Integer)
    challenger_taking_part: Mapped[int] = mapped_column(Integer)
    challenger_amount: Mapped[int] = mapped_column(Amount)
    opponent_people: Mapped[int] = mapped_column(Integer)
    opponent_taking_part: Mapped[int] = mapped_column(Integer)
    opponent_amount: Mapped[int] = mapped_column(Amount)


class CampaignCaptain(Base):
    """Who speaks for a department in a campaign, named by an operator. `group_id`: of the department."""

    __tablename__ = "campaign_captains"
    __table_args__ = (
        UniqueConstraint("campaign", "holder_id"),
        ForeignKeyConstraint(
            ["holder_id", "campaign"], ["campaign_participants.holder_id", "campaign_participants.campaign"]
        ),
    )

    group_id: Mapped[UUID] = mapped_column(ForeignKey("campaign_groups.id"), primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"))
    holder_id: Mapped[UUID] = mapped_column(Uuid)
    named_at: Mapped[datetime] = mapped_column(Instant)
