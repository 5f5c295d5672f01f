"""What a campaign is and what counts in it: pure rules, the same for the running boards and for the final result.

A score is a function of the acts that stand, never of the order in which they arrived: late, corrected and reversed
acts end where a clean list ends. The only instants in it are those at which acts happened.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from backend import clock

#: What a campaign can be.
ENVIRONMENT_WEEK, CAR_FREE_DAY, CHALLENGE = "environment_week", "car_free_day", "challenge"
KINDS = (ENVIRONMENT_WEEK, CAR_FREE_DAY, CHALLENGE)
#: Who may join: everybody in the programme, employees of some departments, who was invited.
OPEN, DEPARTMENTS, INVITATION = "open", "departments", "invitation"
JOINING = (OPEN, DEPARTMENTS, INVITATION)
#: Where a campaign is on its way.
DRAFT, ANNOUNCED, RUNNING, CLOSING, FINAL, CANCELLED = (
    *("draft", "announced", "running", "closing", "final", "cancelled"),
)
STATES = (DRAFT, ANNOUNCED, RUNNING, CLOSING, FINAL, CANCELLED)

#: Whose places a board shows, what it counts, and over which time. Members of a group are never shown by a group board.
PERSON = "person"
GROUPS = ("department", "class", "city", "team")
GRAMS, POINTS, MEAN_GRAMS, MEAN_POINTS = "grams", "points", "mean_grams", "mean_points"
MEASURES = {PERSON: (GRAMS, POINTS), **dict.fromkeys(GROUPS, (GRAMS, POINTS, MEAN_GRAMS, MEAN_POINTS))}
DAY, WEEK, WHOLE = "day", "week", "campaign"
PERIOD_KINDS = (DAY, WEEK, WHOLE)
#: The period that is the whole campaign.
ALL = "all"

#: Means and sums of fewer people than this tell too much about each of them: such a group has no place.
SMALLEST_GROUP = 5
#: No campaign is longer: a score and the second it was reached fit exactly into one number of a sorted set.
LONGEST = timedelta(days=366)
#: The longest time in which late events still count.
LONGEST_CLOSING = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts. None where nothing is ruled out or limited.

    `daily_acts`: methodology → how many acts of a day count, the earliest first. The caps bound what one participant's
    day adds to a score; they never touch what is credited.
    """

    methodologies: frozenset[str] | None = None
    grades: frozenset[str] | None = None
    daily_acts: Mapping[str, int] = field(default_factory=dict)
    daily_cap_g: int | None = None
    daily_cap_points: int | None = None


class ActScored(NamedTuple):
    """One issued act of a participant, as it stands."""

    id: UUID
    methodology: str
    grade: str
    occurred_at: datetime
    grams: int
    points: int


class Score(NamedTuple):
    """What acts come to. `grams_at` and `points_at`: the second of the campaign in which the sum was reached."""

    grams: int = 0
    points: int = 0
    acts: int = 0
    grams_at: int = 0
    points_at: int = 0

    def plus(self, other: "Score") -> "Score":
        """Both together: what was reached last was reached with the last act that added to it."""
        return Score(
            self.grams + other.grams,
            self.points + other.points,
            self.acts + other.acts,
            max(self.grams_at, other.grams_at),
            max(self.points_at, other.points_at),
        )


NOTHING = Score()


def score_of_day(acts: Iterable[ActScored], counting: Counting, starts_at: datetime, ends_at: datetime) -> Score:
    """What one participant's acts of one Shanghai day add to their score."""
    left = dict(counting.daily_acts)
    grams = points = count = grams_at = points_at = 0
    for act in sorted(acts, key=lambda act: (act.occurred_at, act.id)):
        if not _counts(act, counting, starts_at, ends_at) or left.get(act.methodology, 1) <= 0:
            continue
        if act.methodology in left:
            left[act.methodology] -= 1
        second = int((act.occurred_at - starts_at).total_seconds())
        more_g = _within(counting.daily_cap_g, grams, act.grams)
        more_points = _within(counting.daily_cap_points, points, act.points)
        grams, points, count = grams + more_g, points + more_points, count + 1
        grams_at, points_at = second if more_g else grams_at, second if more_points else points_at
    return Score(grams, points, count, grams_at, points_at)


def _counts(act: ActScored, counting: Counting, starts_at: datetime, ends_at: datetime) -> bool:
    # What is worth nothing is not announced either: nobody would hear of it when it is taken back.
    return (
        (act.grams > 0 or act.points > 0)
        and starts_at <= act.occurred_at < ends_at
        and (counting.methodologies is None or act.methodology in counting.methodologies)
        and (counting.grades is None or act.grade in counting.grades)
    )


def _within(cap: int | None, so_far: int, more: int) -> int:
    return more if cap is None else min(more, cap - so_far)


def total(scores: Iterable[Score]) -> Score:
    """The sum of scores; `NOTHING` of none."""
    so_far = NOTHING
    for score in scores:
        so_far = so_far.plus(score)
    return so_far


def week_of(day: date) -> str:
    """The ISO week a day lies in, as a period: `2026-W23`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def periods_of(day: date) -> tuple[str, str, str]:
    """The periods a day belongs to: the day, its week, the whole campaign."""
    return day.isoformat(), week_of(day), ALL


def days_between(starts_at: datetime, ends_at: datetime) -> list[date]:
    """The Shanghai days that have a part in a campaign."""
    first, last = clock.day_of(starts_at), clock.day_of(ends_at - timedelta(microseconds=1))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def state_of(
    *,
    announced: bool,
    cancelled: bool,
    final: bool,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> str:
    """Where a campaign is. It is final once its result is frozen, and closing from its end until then."""
    if cancelled:
        return CANCELLED
    if not announced:
        return DRAFT
    if final:
        return FINAL
    if now < starts_at:
        return ANNOUNCED
    return RUNNING if now < ends_at else CLOSING


@dataclass(frozen=True, slots=True)
class Board:
    """A board of a campaign: `person-grams-day`. Its name is what the API and the operators call it."""

    subject: str
    measure: str
    period_kind: str

    @property
    def name(self) -> str:
        return f"{self.subject}-{self.measure}-{self.period_kind}"

    def period_on(self, day: date) -> str:
        """The period of this board that a day lies in."""
        return dict(zip(PERIOD_KINDS, periods_of(day), strict=True))[self.period_kind]


def board_named(name: str) -> Board | None:
    """The board of this name; None where there can be none."""
    subject, _, rest = name.partition("-")
    measure, _, period_kind = rest.partition("-")
    if measure not in MEASURES.get(subject, ()) or period_kind not in PERIOD_KINDS:
        return None
    return Board(subject, measure, period_kind)


def ranks(scores: Sequence[int]) -> list[int]:
    """Standard competition ranking (1, 2, 2, 4) of scores that come in their order, the best first."""
    found: list[int] = []
    for place, score in enumerate(scores, start=1):
        found.append(found[-1] if place > 1 and scores[place - 2] == score else place)
    return found


def bucket_of(score: int) -> int:
    """The bucket a score is counted in: growing with the score, some 1.5 % wide, one number up to 64."""
    if score < 64:
        return score
    exponent = score.bit_length() - 7
    return 64 + (exponent << 6) + ((score >> exponent) - 64)


def most_in_bucket(bucket: int) -> int:
    """The highest score that is counted in this bucket."""
    if bucket < 64:
        return bucket
    exponent, place = divmod(bucket - 64, 64)
    return ((64 + place + 1) << exponent) - 1


def display_name(participant_id: UUID | str, name: str | None, passed: bool) -> str:
    """What others call a participant: their name once it was checked, until then a number of theirs."""
    return name if name is not None and passed else f"伙伴 {str(participant_id)[-6:].upper()}"


def names_methodologies(codes: Collection[str], known: Collection[str]) -> list[str]:
    """Those of these codes that no methodology has."""
    return sorted(set(codes) - set(known))
