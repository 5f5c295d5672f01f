"""Agreements by the day, and what their sources call accounts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, LargeBinary, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class Agreement(Base):
    """That the acts of a programme's accounts come in from a source, from a day on and to a day (included) or open.

    `source` is a partner's code or one of the house's own sources; `document` names the paper that was signed. Locked
    while an act is credited under it. `approval_id`: the two operators who entered it.
    """

    __tablename__ = "agreements"
    __table_args__ = (CheckConstraint("in_force_until IS NULL OR in_force_until >= in_force_from", name="days"),)

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    in_force_from: Mapped[date] = mapped_column(Date, primary_key=True)
    in_force_until: Mapped[date | None] = mapped_column(Date)
    document: Mapped[str] = mapped_column(Text)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_requests.id"))
    signed_at: Mapped[datetime] = mapped_column(Instant)


class AccountReference(Base):
    """A staff number or a class code, as a keyed index, and whose account in the programme it names.

    It names the account for acts of the days from `since` to `until` (included; open while NULL): a number that is
    given to somebody else later is another row.
    """

    __tablename__ = "account_references"
    __table_args__ = (
        CheckConstraint("until IS NULL OR until >= since", name="days"),
        ForeignKeyConstraint(["holder_id", "programme"], ["enrolments.holder_id", "enrolments.programme"]),
    )

    programme: Mapped[str] = mapped_column(Text, primary_key=True)
    reference_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    since: Mapped[date] = mapped_column(Date, primary_key=True)
    until: Mapped[date | None] = mapped_column(Date)
    holder_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    named_at: Mapped[datetime] = mapped_column(Instant, index=True)
