"""What a class brought about: totals, the average per pupil, and the report of a term. All of it stays in the class."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities, clock
from backend.errors import NotFound
from backend.school.classes import ClassView, class_today, terms_of
from backend.school.models import Term
from backend.school.seats import seats_on

#: What a methodology is about at a school; whatever is not named here is told by its scene.
SCENARIOS = {
    "class_trips": "trips",
    "school_recycling": "hand_ins",
    "book_donation": "hand_ins",
    "clothes_donation": "hand_ins",
    "class_electricity": "electricity",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """Grams of one scenario, methodology, version and evidence grade."""

    scenario: str
    methodology: str
    version: str
    grade: str
    acts: int
    reduction_g: int


@dataclass(frozen=True, slots=True)
class Totals:
    """A class from a day to a day. `seats`: on the last of these days that has come.

    `average_g`: the sum over days of what was credited for the day by the seats on it, cut downwards; None where the
    class has fewer seats than `smallest_class` on one of them, because then it would be about single pupils.
    """

    about: ClassView
    first_day: date
    last_day: date
    seats: int
    average_g: int | None
    acts: int
    reduction_g: int
    figures: list[Figure]


def totals(tx: Session, class_id: UUID, first_day: date, last_day: date, *, now: datetime) -> Totals:
    """What the class brought about from a day to a day, both included, as it stands. Raises UnknownClass."""
    about = class_today(tx, class_id, now=now)
    acts = activities.issued_between(tx, class_id, about.programme, first_day, last_day)
    credits = activities.standings(tx, acts)
    versions = activities.versions_of(tx, {act.basis_hash for act in acts if act.basis_hash})
    by_day: dict[date, int] = defaultdict(int)
    counted: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for act in acts:
        grams = credits[act.key].reduction_g
        by_day[act.day] += grams
        version = versions[act.basis_hash] if act.basis_hash else ""
        counted[SCENARIOS.get(act.methodology, act.scene), act.methodology, version, act.grade].append(grams)
    at_end = max(first_day, min(last_day, clock.day_of(now)))
    seats = seats_on(tx, class_id, {*by_day, at_end})
    return Totals(
        *(about, first_day, last_day, seats[at_end], _average(by_day, seats, about.smallest_class)),
        *(len(acts), sum(by_day.values())),
        [Figure(*key, len(grams), sum(grams)) for key, grams in sorted(counted.items())],
    )


def _average(by_day: dict[date, int], seats: dict[date, int], smallest: int) -> int | None:
    if any(count < smallest for count in seats.values()):
        return None
    return int(sum((Fraction(grams, seats[day]) for day, grams in by_day.items()), Fraction(0)))


def term_of(tx: Session, class_id: UUID, code: str, *, now: datetime) -> Term:
    """The term of the class's school with this code. Raises UnknownClass, NotFound."""
    school = class_today(tx, class_id, now=now).school
    for term in terms_of(tx, school):
        if term.code == code:
            return term
    raise NotFound


def report(tx: Session, class_id: UUID, code: str, *, now: datetime) -> Totals:
    """A term of a class. Raises UnknownClass, NotFound."""
    term = term_of(tx, class_id, code, now=now)
    return totals(tx, class_id, term.first_day, term.last_day, now=now)
