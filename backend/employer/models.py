"""What employers were shown, as it was shown."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class EmployerReport(Base):
    """A month's figures, released once. Never altered, so no two reports of a month can be compared.

    `month` is its first day; `group_floor` the fewest people a figure is about; `content` canonical JSON.
    """

    __tablename__ = "employer_reports"
    __table_args__ = (CheckConstraint("group_floor >= 5", name="group_floor"),)

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    group_floor: Mapped[int] = mapped_column(Integer)
    content: Mapped[str] = mapped_column(Text)
    operator_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("operators.id"))
    released_at: Mapped[datetime] = mapped_column(Instant)
