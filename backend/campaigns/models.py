"""Campaigns, who takes part in them, and the groups they are counted in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class Campaign(Base):
    """活动: an environment week, a car-free day, a challenge. `title`: `中文 / English`.

    `terms` (canonical JSON, see `terms.Terms`): what counts, boards, groups, rewards. Nothing but `cancelled_at` and
    `final_at` changes once it is announced. Acts count that happened from `starts_at` until before `ends_at`, and that
    were settled before `closes_at`, when the result is frozen.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("kind IN ('environment_week', 'car_free_day', 'challenge')", name="kind"),
        CheckConstraint("joining IN ('open', 'departments', 'invitation')", name="joining"),
        CheckConstraint("starts_at < ends_at AND ends_at <= closes_at", name="order"),
        CheckConstraint("announced_at IS NOT NULL OR (cancelled_at IS NULL AND final_at IS NULL)", name="announced"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(Text)
    joining: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    closes_at: Mapped[datetime] = mapped_column(Instant)
    drafted_at: Mapped[datetime] = mapped_column(Instant)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))
    announced_at: Mapped[datetime | None] = mapped_column(Instant)
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)
    final_at: Mapped[datetime | None] = mapped_column(Instant)


class CampaignParticipant(Base):
    """Somebody who takes part: a member's account, or that of a class. `left_at`: they left, and may come again.

    `id` is what others know them by; `holder_id` is told to nobody. `shown`: whether others see them on boards.
    `takes_challenges`: whether they may be challenged. `name` is what boards call them once WeChat's check let it pass
    (`name_passed`); until then, and without one, they are called by a number of theirs.
    """

    __tablename__ = "campaign_participants"
    __table_args__ = (
        UniqueConstraint("campaign", "id"),
        Index("ix_campaign_participants_team", "team_id"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    shown: Mapped[bool]
    takes_challenges: Mapped[bool]
    name: Mapped[str | None] = mapped_column(Text)
    name_passed: Mapped[bool]
    city: Mapped[str | None] = mapped_column(Text)
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign_teams.id"))
    joined_at: Mapped[datetime] = mapped_column(Instant)
    left_at: Mapped[datetime | None] = mapped_column(Instant)


class CampaignInvitation(Base):
    """邀请码: lets so many join a campaign. `code_index`: keyed index of the code, which is told once.

    `note`: whom it is for. A use is not given back when somebody leaves: they may come again without a code.
    """

    __tablename__ = "campaign_invitations"
    __table_args__ = (
        UniqueConstraint("code_index"),
        CheckConstraint("0 <= uses AND uses <= uses_allowed", name="uses"),
        Index("ix_campaign_invitations_campaign", "campaign"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"))
    code_index: Mapped[bytes]
    note: Mapped[str] = mapped_column(Text)
    uses: Mapped[int] = mapped_column(Integer)
    uses_allowed: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class CampaignTeam(Base):
    """小队 of one campaign. `code_index`: keyed index of the code others join by. `captain_id` speaks for it."""

    __tablename__ = "campaign_teams"
    __table_args__ = (UniqueConstraint("code_index"), Index("ix_campaign_teams_campaign", "campaign"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"))
    name: Mapped[str] = mapped_column(Text)
    name_passed: Mapped[bool]
    code_index: Mapped[bytes]
    captain_id: Mapped[UUID | None] = mapped_column(ForeignKey("holders.id"))
    made_at: Mapped[datetime] = mapped_column(Instant)


class CampaignGroup(Base):
    """A group that is counted together. `key`: a department's path, a class's holder, a city's code, a team's id."""

    __tablename__ = "campaign_groups"
    __table_args__ = (
        UniqueConstraint("campaign", "kind", "key"),
        CheckConstraint("kind IN ('department', 'class', 'city', 'team')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"))
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)


class Friendship(Base):
    """好友: one of two members who are friends, seen from `holder_id`; the row of the other side has the same `id`.

    Neither row is without the other. `friend_id` is told to nobody.
    """

    __tablename__ = "friendships"
    __table_args__ = (
        ForeignKeyConstraint(["friend_id", "holder_id"], ["friendships.holder_id", "friendships.friend_id"]),
        UniqueConstraint("holder_id", "friend_id"),
        CheckConstraint("holder_id <> friend_id", name="two"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    friend_id: Mapped[UUID] = mapped_column(Uuid)
    since: Mapped[datetime] = mapped_column(Instant)


class FriendCode(Base):
    """好友码 that a member made and nobody has used. `code_index`: keyed index of the code, which is told once."""

    __tablename__ = "friend_codes"
    __table_args__ = (
        Index("ix_friend_codes_holder_id", "holder_id"),
        Index("ix_friend_codes_expires_at", "expires_at"),
    )

    code_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"))
    expires_at: Mapped[datetime] = mapped_column(Instant)
