"""Names that members chose and nobody has checked yet."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant

WAITING, FOR_OPERATOR = "waiting", "for_operator"


class NameToCheck(Base):
    """A name that others do not see until it is checked; gone when it is.

    `use` and `subject`: what is called so (see `Named`). `holder_id`: who chose it. `state`: `waiting` for WeChat, or
    `for_operator`: WeChat cannot say, or does not know who chose it.
    """

    __tablename__ = "names_to_check"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'for_operator')", name="state"),
        UniqueConstraint("holder_id", "id"),
        Index("ix_names_to_check_due", "state", "next_check_at"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    use: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    chosen_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(Integer)
    next_check_at: Mapped[datetime] = mapped_column(Instant)
