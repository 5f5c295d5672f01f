"""Tables of budgets: what may be earned in points, by programme, partner or campaign, and what is drawn of it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class Budget(Base):
    """预算: how many points acts of these days may earn in a programme, or of it through one partner or campaign.

    `total` is the sum of its changes; `drawn` is what lots took out of it less what went back to the issuer. That it
    never exceeds `total` is a check of the database. `title`: as members read it, `中文 / English`. `announced_on`: the
    day two operators agreed; acts are limited on days behind it only.
    """

    __tablename__ = "points_budgets"
    __table_args__ = (
        CheckConstraint("drawn >= 0 AND drawn <= total", name="hard_stop"),
        CheckConstraint("scope IN ('programme', 'partner', 'campaign')", name="scope"),
        CheckConstraint("scope <> 'programme' OR scope_code = programme", name="whole_programme"),
        CheckConstraint("last_day IS NULL OR last_day >= first_day", name="days"),
        CheckConstraint("first_day > announced_on", name="announced"),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    scope: Mapped[str] = mapped_column(Text)
    scope_code: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    announced_on: Mapped[date] = mapped_column(Date)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    total: Mapped[int] = mapped_column(Amount)
    drawn: Mapped[int] = mapped_column(Amount)
    warned_at: Mapped[datetime | None] = mapped_column(Instant)
    used_up_at: Mapped[datetime | None] = mapped_column(Instant)


class BudgetChange(Base):
    """Points put into a budget, or taken out of it while they are not drawn. Never changed.

    `approval_id`: the request that two operators agreed on; NULL for what a house was set up with.
    """

    __tablename__ = "points_budget_changes"
    __table_args__ = (CheckConstraint("points <> 0", name="points"), UniqueConstraint("approval_id"))

    budget: Mapped[int] = mapped_column(ForeignKey("points_budgets.number"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    points: Mapped[int] = mapped_column(Amount)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))
    changed_at: Mapped[datetime] = mapped_column(Instant)


class BudgetReturn(Base):
    """A note that points went back to the issuer and may be drawn again; it is gone once the budget has them."""

    __tablename__ = "points_budget_returns"
    __table_args__ = (CheckConstraint("points > 0", name="points"),)

    budget: Mapped[int] = mapped_column(ForeignKey("points_budgets.number"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    points: Mapped[int] = mapped_column(Amount)
