"""Schools, terms, distances and classes: what operators enter, by the day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.lists import insert_rows, upsert_rows
from backend.school.errors import ClassExists, SchoolExists, TermsOverlap, UnknownClass, UnknownSchool
from backend.school.models import ClassYear, School, SchoolClass, Term, TripDistance
from backend.vault import Vault

#: Averages are told of classes with at least so many seats, unless a school sets another number.
SMALLEST_CLASS = 10
MODES = ("walk", "bicycle", "bus", "metro")


@dataclass(frozen=True, slots=True)
class ClassView:
    """A class as its school has it in a school year."""

    id: UUID
    programme: str
    school: str
    school_title: str
    smallest_class: int
    school_year: int
    grade: int
    number: int
    code: str


def school_year_of(day: date) -> int:
    """The school year a day lies in: it begins on 1 September."""
    return day.year if day.month >= 9 else day.year - 1


def first_day_of(school_year: int) -> date:
    return date(school_year, 9, 1)


def open_school(
    tx: Session, code: str, *, programme: str, title: str, smallest_class: int = SMALLEST_CLASS, now: datetime
) -> None:
    """Enter a school. Raises UnknownProgramme, SchoolExists."""
    identity.require_programme(tx, programme)
    row = {"code": code, "programme": programme, "title": title, "smallest_class": smallest_class, "opened_at": now}
    if not insert_rows(tx, School, [row], on_conflict=("code",), returning=("code",)):
        raise SchoolExists(school=code)


def require_school(tx: Session, code: str, *, hold: bool = False) -> School:
    """The school of this code, with `hold` until commit. Raises UnknownSchool."""
    query = select(School).where(School.code == code)
    found = tx.scalar(query.with_for_update() if hold else query)
    if found is None:
        raise UnknownSchool(school=code)
    return found


def set_term(tx: Session, school: str, code: str, first_day: date, last_day: date) -> Mapping[str, object] | None:
    """Enter a term or its new days; returns what they were. Raises UnknownSchool, TermsOverlap."""
    require_school(tx, school, hold=True)
    others = select(Term.code).where(Term.school == school, Term.code != code)
    if tx.scalar(others.where(Term.first_day <= last_day, Term.last_day >= first_day).limit(1)) is not None:
        raise TermsOverlap(school=school)
    before = tx.get(Term, (school, code))
    told = (
        None if before is None else {"first_day": before.first_day.isoformat(), "last_day": before.last_day.isoformat()}
    )
    row = {"school": school, "code": code, "first_day": first_day, "last_day": last_day}
    upsert_rows(tx, Term, [row], key=("school", "code"))
    tx.expire_all()
    return told


def terms_of(tx: Session, school: str) -> list[Term]:
    """The terms of a school, oldest first."""
    return list(tx.scalars(select(Term).where(Term.school == school).order_by(Term.first_day)))


def set_distance(tx: Session, school: str, mode: str, distance_m: int, *, since: date) -> int | None:
    """From this day on a pupil of the school goes so far by this mode; returns what held for that day before.

    What was confirmed stays as it was until it is confirmed again. Raises UnknownSchool.
    """
    require_school(tx, school, hold=True)
    before = distance_on(tx, school, mode, since)
    row = {"school": school, "mode": mode, "since": since, "distance_m": distance_m}
    upsert_rows(tx, TripDistance, [row], key=("school", "mode", "since"))
    return before


def distance_on(tx: Session, school: str, mode: str, day: date) -> int | None:
    """The distance one way in metres that the school set for this mode and day."""
    mine = (TripDistance.school == school, TripDistance.mode == mode, TripDistance.since <= day)
    query = select(TripDistance.distance_m).where(*mine).order_by(TripDistance.since.desc()).limit(1)
    return tx.scalar(query)


def open_class(
    tx: Session,
    vault: Vault,
    school: str,
    school_year: int,
    grade: int,
    number: int,
    code: str,
    *,
    continues: UUID | None = None,
    now: datetime,
) -> UUID:
    """A class of a school year, with an account of its own or the one it had the year before; returns the account.

    Devices and imports find it by its code from 1 September on; another code of an account that goes on ends there.
    Raises UnknownSchool, UnknownClass, ClassExists, ReferenceTaken.
    """
    programme = require_school(tx, school, hold=True).programme
    first_day = first_day_of(school_year)
    if continues is not None:
        _end_codes(tx, vault, require_class(tx, continues, school=school), programme, code, first_day)
        holder_id = continues
    else:
        holder_id = identity.open_class_account(tx, vault, programme, now=now)
        insert_rows(tx, SchoolClass, [{"holder_id": holder_id, "school": school, "opened_at": now}])
    place = (ClassYear.grade == grade) & (ClassYear.number == number)
    taken = select(ClassYear.code).where(ClassYear.school == school, ClassYear.school_year == school_year)
    if (
        tx.scalar(taken.where(or_(place, ClassYear.code == code, ClassYear.holder_id == holder_id)).limit(1))
        is not None
    ):
        raise ClassExists(school=school, school_year=school_year)
    row = {"school": school, "school_year": school_year, "grade": grade, "number": number, "code": code}
    insert_rows(tx, ClassYear, [row | {"holder_id": holder_id}])
    identity.agreements.name_account(tx, vault, holder_id, programme, code, since=first_day, now=now)
    return holder_id


def _end_codes(tx: Session, vault: Vault, account: SchoolClass, programme: str, code: str, first_day: date) -> None:
    """What the class was called before ends with the school year, where it is called otherwise now."""
    year_before = school_year_of(first_day) - 1
    mine = (ClassYear.holder_id == account.holder_id, ClassYear.school_year == year_before, ClassYear.code != code)
    for before in tx.scalars(select(ClassYear.code).where(*mine)):
        last_day = first_day - timedelta(days=1)
        identity.agreements.end_reference(tx, vault, programme, before, last_day=last_day)


def require_class(tx: Session, holder_id: UUID, *, school: str | None = None, hold: bool = False) -> SchoolClass:
    """The class account, with `hold` until commit. Raises UnknownClass, also where it is another school's."""
    query = select(SchoolClass).where(SchoolClass.holder_id == holder_id)
    found = tx.scalar(query.with_for_update() if hold else query)
    if found is None or school not in (None, found.school):
        raise UnknownClass
    return found


def classes_on(
    tx: Session, day: date, holder_ids: list[UUID] | None = None, school: str | None = None
) -> list[ClassView]:
    """These classes as their school has them on a day; in a holiday between two years, as it had them last."""
    year, school_row = ClassYear, School
    query = (
        select(year, school_row)
        .join(school_row, and_(school_row.code == year.school, year.school_year <= school_year_of(day)))
        .order_by(year.school, year.grade, year.number, year.school_year)
    )
    if holder_ids is not None:
        query = query.where(year.holder_id.in_(holder_ids))
    if school is not None:
        query = query.where(year.school == school)
    newest: dict[UUID, tuple[ClassYear, School]] = {}
    for row, of_school in tx.execute(query).all():
        if row.holder_id not in newest or newest[row.holder_id][0].school_year < row.school_year:
            newest[row.holder_id] = row, of_school
    return [
        ClassView(
            *(row.holder_id, of_school.programme, of_school.code, of_school.title, of_school.smallest_class),
            *(row.school_year, row.grade, row.number, row.code),
        )
        for row, of_school in newest.values()
    ]


def class_today(tx: Session, holder_id: UUID, *, now: datetime) -> ClassView:
    """A class as it is today. Raises UnknownClass."""
    found = classes_on(tx, clock.day_of(now), [holder_id])
    if not found:
        raise UnknownClass
    return found[0]
