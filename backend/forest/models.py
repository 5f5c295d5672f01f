"""Forest projects, who gathers steps for trees of theirs, donations, adopted trees, and reports of survival."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class ForestProject(Base):
    """公益林: where trees are adopted for steps. Price and programme never change; another price is another project.

    `trees_offered` may grow. Texts are `中文 / English`.
    """

    __tablename__ = "forest_projects"
    __table_args__ = (
        CheckConstraint("0 <= trees_adopted AND trees_adopted <= trees_offered", name="trees"),
        CheckConstraint("0 < smallest_donation AND smallest_donation <= steps_per_tree", name="price"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    title: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    species: Mapped[str] = mapped_column(Text)
    organisation: Mapped[str] = mapped_column(Text)
    steps_per_tree: Mapped[int] = mapped_column(Integer)
    smallest_donation: Mapped[int] = mapped_column(Integer)
    trees_offered: Mapped[int] = mapped_column(Integer)
    trees_adopted: Mapped[int] = mapped_column(Integer)
    opens_on: Mapped[date]
    closes_on: Mapped[date | None]


class ForestTeam(Base):
    """Members who gather steps together. `code_index`: a keyed index of the code by which others join."""

    __tablename__ = "forest_teams"
    __table_args__ = (UniqueConstraint("code_index"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    name: Mapped[str] = mapped_column(Text)
    code_index: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(Instant)


class ForestTeamMember(Base):
    """Who is in a team, since when and until when."""

    __tablename__ = "forest_team_members"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    team_id: Mapped[UUID] = mapped_column(ForeignKey("forest_teams.id"), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime | None] = mapped_column(Instant)


class ForestAdopter(Base):
    """A member or a team that gathers steps for trees of a project: held while trees come and go.

    `gathered`: steps of standing donations that are in no tree yet. `signed_as`: what its certificates name it.
    """

    __tablename__ = "forest_adopters"
    __table_args__ = (CheckConstraint("gathered >= 0", name="gathered"),)

    adopter_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("forest_projects.code"), primary_key=True)
    is_team: Mapped[bool]
    gathered: Mapped[int] = mapped_column(Amount)
    signed_as: Mapped[str | None] = mapped_column(Text)


class ForestDonation(Base):
    """Steps that a member gave to a project, for themselves or for a team: one act, one transaction of the books.

    `planted` of them are in trees. A withdrawn donation was taken back with its act; `act_ended`: for good.
    """

    __tablename__ = "forest_donations"
    __table_args__ = (
        CheckConstraint("0 <= planted AND planted <= steps AND steps > 0", name="planted"),
        CheckConstraint("state = 'standing' OR (state = 'withdrawn' AND planted = 0)", name="state"),
        ForeignKeyConstraint(
            ["adopter_id", "project"],
            ["forest_adopters.adopter_id", "forest_adopters.project"],
            name="fk_forest_donations_adopter",
        ),
        UniqueConstraint("holder_id", "activity_id"),
        Index("ix_forest_donations_adopter", "adopter_id", "project", "id"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    project: Mapped[str] = mapped_column(Text)
    adopter_id: Mapped[UUID] = mapped_column(Uuid)
    steps: Mapped[int] = mapped_column(Integer)
    planted: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    activity_id: Mapped[UUID] = mapped_column(Uuid)
    transaction_id: Mapped[UUID] = mapped_column(Uuid)
    act_ended: Mapped[bool]
    donated_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class ForestTree(Base):
    """An adopted tree. `number` is that of its certificate: nobody can guess it, and whoever has it may look it up."""

    __tablename__ = "forest_trees"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("(state = 'adopted') = (withdrawn_at IS NULL)", name="state"),
        ForeignKeyConstraint(
            ["adopter_id", "project"],
            ["forest_adopters.adopter_id", "forest_adopters.project"],
            name="fk_forest_trees_adopter",
        ),
        Index("ix_forest_trees_adopter", "adopter_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    project: Mapped[str] = mapped_column(Text)
    adopter_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[str] = mapped_column(Text)
    signed_as: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    adopted_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class ForestTreePart(Base):
    """How many steps of a donation are, or were, in a tree."""

    __tablename__ = "forest_tree_parts"
    __table_args__ = (
        CheckConstraint("steps > 0", name="steps"),
        ForeignKeyConstraint(
            ["holder_id", "donation_id"],
            ["forest_donations.holder_id", "forest_donations.id"],
            name="fk_forest_tree_parts_donation",
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    donation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    tree_id: Mapped[UUID] = mapped_column(ForeignKey("forest_trees.id"), primary_key=True, index=True)
    steps: Mapped[int] = mapped_column(Integer)


class ForestSurvey(Base):
    """成活报告: how many of the trees that were looked at on a day live. Never changed: a later day says it anew."""

    __tablename__ = "forest_surveys"
    __table_args__ = (CheckConstraint("0 <= alive AND alive <= counted AND counted > 0", name="trees"),)

    project: Mapped[str] = mapped_column(ForeignKey("forest_projects.code"), primary_key=True)
    surveyed_on: Mapped[date] = mapped_column(primary_key=True)
    alive: Mapped[int] = mapped_column(Integer)
    counted: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text)
    reported_at: Mapped[datetime] = mapped_column(Instant)
