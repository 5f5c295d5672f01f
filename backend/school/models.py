"""Schools, their terms and classes, seats without names, and what meters read."""

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


class School(Base):
    """A school of a programme. Averages per pupil are told of classes with at least `smallest_class` seats."""

    __tablename__ = "schools"
    __table_args__ = (CheckConstraint("smallest_class >= 5", name="smallest_class"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    title: Mapped[str] = mapped_column(Text)
    smallest_class: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[datetime] = mapped_column(Instant)


class Term(Base):
    """A term of a school, both days included."""

    __tablename__ = "school_terms"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="days"),)

    school: Mapped[str] = mapped_column(ForeignKey("schools.code"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)


class TripDistance(Base):
    """How far a pupil goes on average by a mode, one way, in metres, as the school sets it for days from `since` on."""

    __tablename__ = "school_trip_distances"
    __table_args__ = (
        CheckConstraint("mode IN ('walk', 'bicycle', 'bus', 'metro')", name="mode"),
        CheckConstraint("distance_m BETWEEN 100 AND 20000", name="distance"),
    )

    school: Mapped[str] = mapped_column(ForeignKey("schools.code"), primary_key=True)
    mode: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[date] = mapped_column(Date, primary_key=True)
    distance_m: Mapped[int] = mapped_column(Integer)


class SchoolClass(Base):
    """A class account and its school. The row is held while seats, or what a teacher confirms, are decided."""

    __tablename__ = "school_classes"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    school: Mapped[str] = mapped_column(ForeignKey("schools.code"), index=True)
    opened_at: Mapped[datetime] = mapped_column(Instant)


class ClassYear(Base):
    """What a class is in a school year, from 1 September of `school_year`. Devices call it `code`."""

    __tablename__ = "school_class_years"
    __table_args__ = (
        CheckConstraint("grade BETWEEN 1 AND 12", name="grade"),
        UniqueConstraint("school", "school_year", "holder_id"),
        UniqueConstraint("school", "school_year", "code"),
    )

    school: Mapped[str] = mapped_column(ForeignKey("schools.code"), primary_key=True)
    school_year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    grade: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Text)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("school_classes.holder_id"), index=True)


class Seat(Base):
    """A pupil, of whom nothing is known: neither name nor number nor place. Whoever has the code may claim it, once."""

    __tablename__ = "school_seats"
    __table_args__ = (UniqueConstraint("code_index"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code_index: Mapped[bytes | None] = mapped_column(LargeBinary)


class SeatPlace(Base):
    """In which class a seat is, and under which number, from a day on and to a day (included) or open."""

    __tablename__ = "school_seat_places"
    __table_args__ = (CheckConstraint("until IS NULL OR until >= since", name="days"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("school_classes.holder_id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    since: Mapped[date] = mapped_column(Date, primary_key=True)
    until: Mapped[date | None] = mapped_column(Date)
    seat_id: Mapped[UUID] = mapped_column(ForeignKey("school_seats.id"), index=True)


class SeatClaim(Base):
    """A login that sees the class of a seat: the pupil's own, or their guardian's. `given_by` consented to it."""

    __tablename__ = "school_seat_claims"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    seat_id: Mapped[UUID] = mapped_column(ForeignKey("school_seats.id"), primary_key=True)
    given_by: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    claimed_at: Mapped[datetime] = mapped_column(Instant)


class MeterReading(Base):
    """What a meter of a building counted in a calendar month, as the newest import says it.

    `kwh` is decimal text; `school_days` the days taught in that month, NULL where nobody says.
    """

    __tablename__ = "school_meter_readings"

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    meter: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    building: Mapped[str] = mapped_column(Text)
    kwh: Mapped[str] = mapped_column(Text)
    school_days: Mapped[int | None] = mapped_column(Integer)
    imported_at: Mapped[datetime] = mapped_column(Instant)


class MeterShare(Base):
    """Which part of a reading is a class's own: 1 where the meter is the class's."""

    __tablename__ = "school_meter_shares"
    __table_args__ = (
        ForeignKeyConstraint(
            ["programme", "meter", "period"],
            ["school_meter_readings.programme", "school_meter_readings.meter", "school_meter_readings.period"],
            name="fk_school_meter_shares_reading",
        ),
    )

    programme: Mapped[str] = mapped_column(Text, primary_key=True)
    meter: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    class_code: Mapped[str] = mapped_column(Text, primary_key=True)
    share: Mapped[str] = mapped_column(Text)
