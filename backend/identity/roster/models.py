"""The roster of a staff programme: who is employed, since when, until when, and in which department by day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class Roster(Base):
    """What a programme's roster was last brought up to, and where it is pulled from; locked while a page is applied.

    `as_of`: the day of the last list; an older one is refused. `import_id` is the import that writes now: of two that
    run at once, the one that began first stops. `sealed_pull_token`: the bearer token the employer's system wants.
    `pull_outcome`: what became of the last pull.
    """

    __tablename__ = "rosters"

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    as_of: Mapped[date | None] = mapped_column(Date)
    import_id: Mapped[UUID | None] = mapped_column(Uuid)
    pull_url: Mapped[str | None] = mapped_column(Text)
    sealed_pull_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    pulled_at: Mapped[datetime | None] = mapped_column(Instant)
    pull_outcome: Mapped[str | None] = mapped_column(Text)


class StaffMember(Base):
    """One spell of employment under a staff number: from `joined` to `last_day` (open while NULL).

    Number and name are `sealed`: by the house while nobody has logged in, then under the key of the person whose
    account it is (`holder_id`). `staff_no_index` is what a number is found by, `name_index` what a name is compared by.
    """

    __tablename__ = "staff_members"
    __table_args__ = (
        UniqueConstraint("programme", "staff_no_index", "joined"),
        CheckConstraint("last_day IS NULL OR last_day >= joined", name="days"),
        ForeignKeyConstraint(["holder_id", "programme"], ["enrolments.holder_id", "enrolments.programme"]),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    staff_no_index: Mapped[bytes] = mapped_column(LargeBinary)
    joined: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    name_index: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    holder_id: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Department(Base):
    """A department, by its path from the top: `总部/研发/一组`. Its parents are the beginnings of its path."""

    __tablename__ = "departments"
    __table_args__ = (UniqueConstraint("programme", "path"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    path: Mapped[str] = mapped_column(Text)


class StaffDepartment(Base):
    """In which department somebody is from a day on, until the next row of theirs; a move is another row."""

    __tablename__ = "staff_departments"

    member_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"), primary_key=True)
    since: Mapped[date] = mapped_column(Date, primary_key=True)
    department_id: Mapped[UUID] = mapped_column(ForeignKey("departments.id"))


class StaffTerms(Base):
    """What becomes of a leaver's points: they may be redeemed for `leaver_keeps_days` days behind the last day.

    The row in force on a leaver's last day holds for them.
    """

    __tablename__ = "staff_terms"
    __table_args__ = (CheckConstraint("leaver_keeps_days BETWEEN 0 AND 3650", name="keeps"),)

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    in_force_from: Mapped[date] = mapped_column(Date, primary_key=True)
    leaver_keeps_days: Mapped[int] = mapped_column(Integer)
    announced_at: Mapped[datetime] = mapped_column(Instant)
