"""What may be declared, with which evidence grade, and when it is too late: pure rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from backend import clock
from backend.activities import Library
from backend.declarations import odometer
from backend.declarations.errors import InvalidActTime, NotDeclarable, PhotoNeeded

#: Where a declared act comes from.
SOURCE, ORDER_TYPE = "house:declared", "act.declared"
IN_REVIEW, APPROVED, REFUSED, IN_APPEAL, WITHDRAWN = "in_review", "approved", "refused", "in_appeal", "withdrawn"
STATES = (IN_REVIEW, APPROVED, REFUSED, IN_APPEAL, WITHDRAWN)
#: Scenes whose acts the house or a system of record sees itself.
NEVER_DECLARED = ("engagement", "school", "office")
REVIEWED, SELF_DECLARED = "E2", "E1"
#: What counts against a programme's number of acts a day.
COUNTED = (IN_REVIEW, APPROVED, IN_APPEAL)
#: What a reviewer may refuse with; each is a sentence in `backend.activities.REASONS`.
REVIEW_REASONS = (
    *("PROOF_UNREADABLE", "PROOF_SHOWS_OTHER", "PROOF_USED_BEFORE", "PROOF_MISSING"),
    *("ACT_IMPLAUSIBLE", "ACT_DECLARED_BEFORE", "ACT_NOT_COVERED"),
)
#: For how long a refusal may be appealed, and a photo is kept once its declaration was decided, or without one.
APPEAL_DAYS, PHOTO_DAYS, LOOSE_PHOTO = 14, 30, timedelta(days=3)
PHOTOS_PER_DAY, PHOTOS_PER_DECLARATION, DECLARATIONS_PER_DAY = 20, 3, 30
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
_DURATION = "duration_s"


@dataclass(frozen=True, slots=True)
class Terms:
    """How many days back an act may lie, and how many acts of one day may be declared."""

    window_days: int = 7
    daily_acts: int = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """An act as its member says it. `data`: formula inputs; `identity`: what names the physical act.

    `odometer_km`: what the odometer showed first and last, of a car that stood still.
    """

    person_id: UUID
    session_id: UUID
    programme: str
    methodology: str
    occurred_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    data: Mapping[str, str | int] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    photo_ids: Sequence[UUID] = ()
    odometer_km: Sequence[int] = ()
    words: str = ""

    def said(self) -> dict[str, Any]:
        """Everything that makes it this wish and no other."""
        names = ("programme", "methodology", "occurred_at", "started_at", "ended_at", "data", "identity", "words")
        said = {name: getattr(self, name) for name in names} | {"photo_ids": [str(one) for one in self.photo_ids]}
        return said | ({"odometer_km": list(self.odometer_km)} if self.odometer_km else {})


@dataclass(frozen=True, slots=True)
class Stated:
    """A wish that says when: `occurred_at` is the beginning of a trip; `data` have the duration the house measured."""

    occurred_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    data: Mapping[str, str | int]
    grade: str

    @property
    def day(self) -> date:
        return clock.day_of(self.occurred_at)


def state(library: Library, wish: Wish) -> Stated:
    """What the wish comes to. Raises NotDeclarable, PhotoNeeded, InvalidActTime."""
    if wish.methodology not in library.codes:
        raise NotDeclarable(methodology=wish.methodology)
    methodology = library.get(wish.methodology)
    occurred_at = _begun(wish, methodology.needs_window)
    data = dict(wish.data)
    if _DURATION in data:
        raise InvalidActTime(problem="duration_s follows from started_at and ended_at: leave it out")
    if odometer.PARKED in data:
        raise InvalidActTime(problem="parked_min follows from the photos of the odometer: leave it out")
    if wish.methodology == odometer.METHODOLOGY and len(set(wish.photo_ids)) < odometer.PHOTOS:
        raise PhotoNeeded(photos=odometer.PHOTOS)
    if wish.started_at is not None and wish.ended_at is not None and _DURATION in methodology.monitored:
        data[_DURATION] = int((wish.ended_at - wish.started_at).total_seconds())
    begun = [version for version in methodology.versions if version.in_force_from <= clock.day_of(occurred_at)]
    grades = (begun[-1] if begun else methodology.versions[0]).grades
    if methodology.scene in NEVER_DECLARED or not {REVIEWED, SELF_DECLARED} & set(grades):
        raise NotDeclarable(methodology=wish.methodology)
    return Stated(occurred_at, wish.started_at, wish.ended_at, data, _grade(grades, bool(wish.photo_ids)))


def _begun(wish: Wish, needs_window: bool) -> datetime:
    given = [instant for instant in (wish.occurred_at, wish.started_at, wish.ended_at) if instant is not None]
    if any(not EARLIEST <= clock.day_of(instant) < LATEST for instant in given):
        raise InvalidActTime(problem="an instant must lie between 2000 and 2100")
    if not needs_window:
        if wish.occurred_at is None or len(given) > 1:
            raise InvalidActTime(problem="this act has one instant: occurred_at, and no started_at or ended_at")
        return wish.occurred_at
    if wish.started_at is None or wish.ended_at is None:
        raise InvalidActTime(problem="a trip has started_at and ended_at")
    if wish.ended_at - wish.started_at < timedelta(seconds=1):
        raise InvalidActTime(problem="a trip ends after it began")
    if wish.occurred_at not in (None, wish.started_at):
        raise InvalidActTime(problem="a trip happens when it begins: leave occurred_at out")
    return wish.started_at


def _grade(grades: Sequence[str], proven: bool) -> str:
    """The grade once a reviewer has approved it: reviewed proof where that is accepted, else the member's word."""
    if proven and REVIEWED in grades:
        return REVIEWED
    if SELF_DECLARED in grades:
        return SELF_DECLARED
    raise PhotoNeeded
