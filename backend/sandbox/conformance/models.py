"""What conformance runs keep: facts about each attempt, never the events themselves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, LargeBinary, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class ConformanceRun(Base):
    """A partner's sender on trial. `sealed_secret` is a second secret for this run, so that a rotation can be shown;
    `difficult_event` the id of the first event, once it came.
    """

    __tablename__ = "conformance_runs"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"), index=True)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    difficult_event: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class ConformanceAttempt(Base):
    """One request of a run. `answer` names what it met (see `script`), `answered_at` when that was over; `facts` is the
    JSON of `Facts`.
    """

    __tablename__ = "conformance_attempts"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("conformance_runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Instant)
    answered_at: Mapped[datetime] = mapped_column(Instant)
    answer: Mapped[str] = mapped_column(Text)
    facts: Mapped[str] = mapped_column(Text)
