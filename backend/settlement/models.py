"""What a programme says about settling acts."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base


class CommuteTerms(Base):
    """On which days a programme's commutes count, from a day on. A row is never changed; a new version follows.

    `commute_days`: every_day, or working_days by the calendar (at a school, school days). No row: every day counts.
    """

    __tablename__ = "commute_terms"
    __table_args__ = (
        CheckConstraint("commute_days IN ('every_day', 'working_days')", name="commute_days"),
        CheckConstraint("version >= 1 AND in_force_from > announced_on", name="announced"),
    )

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    announced_on: Mapped[date] = mapped_column(Date)
    in_force_from: Mapped[date] = mapped_column(Date)
    commute_days: Mapped[str] = mapped_column(Text)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))
