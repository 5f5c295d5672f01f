"""What a reported day of steps is worth. Pure: what is known and what is reported in, a verdict for each day out.

Nobody who only sees the counts can prove that somebody walked: bands, band makers' clouds and mocked sensors forge
them. So steps are worth little, are capped, become spendable with a delay, and what hardly anybody walks is withheld
until somebody has looked. The rules, in the order in which they are asked:

* A day counts once for a person: in the programme and from the source that reported it first. Another source measured
  the same walking; it neither adds to the count nor replaces it.
* A higher count later tops the day up by the difference; a lower or equal one changes nothing, and never takes back.
* 30,000 steps of a day count at most; 50,000 and more are withheld.
* Withheld are also a count far above one's own median, the same count on three days, and another member's counts.
* What is withheld counts nothing more until a reviewer releases it; what counted before stays.

Figures: a day between 1,000 and 30,000 steps passes as valid in accelerometry (capl); tools for forging write 17,760 to
98,800; a runner's cadence stays below 200 steps a minute. The others are the house's own choice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median_low
from uuid import UUID

from backend import clock

#: How many steps of one day count at most, and from which count on a day is withheld.
MOST_COUNTED, IMPLAUSIBLE_FROM = 30_000, 50_000
#: More than any counter shows: such a number is a fault of whoever sent it.
MOST_TOLD = 1_000_000
#: Days before today that may be reported; WeChat gives 30, and today.
DAYS_BACK = 30
#: The highest cadence of a whole day so far, in steps a minute.
MOST_A_MINUTE = 200
#: An outlier: above this count and more than so many times the median of at least so many other days.
UNUSUAL_ABOVE, UNUSUAL_TIMES, UNUSUAL_DAYS = 20_000, 4, 7
#: So many days with one and the same count, each of at least so many steps, are a script's.
SAME_DAYS, SAME_FROM = 3, 1_000
#: From this count on, one day alike with another member is enough.
ALIKE_FROM = 20_000
#: Steps can be donated from the second day after they were reported, so that what is forged is seen before.
DELAY = timedelta(days=2)

INVALID, FUTURE_DAY, DAY_TOO_OLD, DAY_TWICE = (
    *("STEPS_INVALID", "STEPS_FUTURE_DAY", "STEPS_DAY_TOO_OLD", "STEPS_DAY_TWICE"),
)
BY_HAND, OTHER_SOURCE, OTHER_PROGRAMME, TOO_FAST = (
    *("STEPS_BY_HAND", "STEPS_OTHER_SOURCE", "STEPS_OTHER_PROGRAMME", "STEPS_TOO_FAST"),
)
NOT_HIGHER, CAPPED, REFUSED = "STEPS_NOT_HIGHER", "STEPS_CAPPED", "STEPS_REFUSED"
IMPLAUSIBLE, UNUSUAL, SAME_EVERY_DAY, SAME_AS_ANOTHER = (
    *("STEPS_IMPLAUSIBLE", "STEPS_UNUSUAL", "STEPS_SAME_EVERY_DAY", "STEPS_SAME_AS_ANOTHER"),
)
#: For these a day waits for a reviewer.
WITHHELD = frozenset({IMPLAUSIBLE, UNUSUAL, SAME_EVERY_DAY, SAME_AS_ANOTHER})
#: With these a day is not even noted: a later report of it is judged as if it were the first.
NOT_NOTED = frozenset(
    {INVALID, FUTURE_DAY, DAY_TOO_OLD, DAY_TWICE, BY_HAND, OTHER_SOURCE, OTHER_PROGRAMME, TOO_FAST, NOT_HIGHER}
)


@dataclass(frozen=True, slots=True)
class Reported:
    """What a source says of a day. `by_hand`: somebody typed it in there."""

    day: date
    steps: int
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """How a day stands: the highest count told, how much of it counts, and from where.

    `flag`: why it is withheld, None where it is not. `refused`: a reviewer decided that no more of it counts.
    """

    steps: int
    counted: int
    source: str
    programme: str
    flag: str | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What one source reports of one person, and what is known about it.

    `measured_at`: the instant up to which it was counted. `alike`: for each day, which other members were reported with
    the very same count.
    """

    source: str
    programme: str
    measured_at: datetime
    days: Sequence[Reported]
    known: Mapping[date, Known] = field(default_factory=dict)
    alike: Mapping[date, Collection[UUID]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a reported day. `counted`: how many of its steps count from now on; never fewer than before.

    `code` says why not all of them count, or why the report changes nothing; None where they do.
    """

    day: date
    steps: int
    counted: int
    code: str | None = None

    @property
    def noted(self) -> bool:
        """Whether the count is written down as the day's."""
        return self.code not in NOT_NOTED

    @property
    def withheld(self) -> bool:
        return self.code in WITHHELD


def judge(report: Report, *, now: datetime) -> list[Verdict]:
    """A verdict for each day that is reported, in the order of days; a day that comes twice gets one."""
    twice = _twice(report.days)
    first = {item.day: item for item in reversed(report.days)}
    counts = {day: known.steps for day, known in report.known.items()}
    counts |= {day: max(item.steps, counts.get(day, 0)) for day, item in first.items() if is_count(item.steps)}
    verdicts = []
    for day in sorted(first):
        item, known = first[day], report.known.get(day)
        before = known.counted if known else 0
        code = DAY_TWICE if day in twice else _unusable(item, report, now)
        code = code or _not_more(item, known, report)
        if known is None or item.steps > known.steps:  # the same count was judged when it came first
            code = code or _suspicious(item, report, counts)
        if code is not None:
            verdicts.append(Verdict(day, item.steps, before, code))
        elif item.steps > MOST_COUNTED:
            verdicts.append(Verdict(day, item.steps, MOST_COUNTED, CAPPED))
        else:
            verdicts.append(Verdict(day, item.steps, item.steps))
    return verdicts


def is_count(steps: object) -> bool:
    """Whether this can be a number of steps: a whole number that a counter shows."""
    return type(steps) is int and 0 <= steps <= MOST_TOLD


def spendable_from(today: date) -> date:
    """The day from which what is counted today can be donated."""
    return today + DELAY


def _twice(days: Sequence[Reported]) -> set[date]:
    """Days that are told more than once, with counts that differ: neither of them is believed."""
    told: dict[date, set[tuple[int, bool]]] = {}
    for item in days:
        told.setdefault(item.day, set()).add((item.steps, item.by_hand))
    return {day for day, said in told.items() if len(said) > 1}


def _unusable(item: Reported, report: Report, now: datetime) -> str | None:
    """What is wrong with the report itself."""
    today = clock.day_of(now)
    if not is_count(item.steps):
        return INVALID
    if item.day > today or item.day > clock.day_of(report.measured_at):
        return FUTURE_DAY
    if item.day < today - timedelta(days=DAYS_BACK):
        return DAY_TOO_OLD
    if item.by_hand:
        return BY_HAND
    elapsed_s = (report.measured_at - clock.start_of(item.day)).total_seconds()
    if item.day == clock.day_of(report.measured_at) and item.steps * 60 > MOST_A_MINUTE * elapsed_s:
        return TOO_FAST
    return None


def _not_more(item: Reported, known: Known | None, report: Report) -> str | None:
    """Why the report adds nothing to what is known of the day."""
    if known is None:
        return None
    if known.programme != report.programme:
        return OTHER_PROGRAMME
    if known.source != report.source:
        return OTHER_SOURCE
    if known.refused:
        return REFUSED
    return known.flag or (NOT_HIGHER if item.steps < known.steps else None)


def _suspicious(item: Reported, report: Report, counts: Mapping[date, int]) -> str | None:
    """Why somebody has to look at the day before more of it counts."""
    if item.steps >= IMPLAUSIBLE_FROM:
        return IMPLAUSIBLE
    others = [steps for day, steps in counts.items() if day != item.day and steps > 0]
    usual = median_low(others) if len(others) >= UNUSUAL_DAYS else item.steps
    if item.steps > UNUSUAL_ABOVE and item.steps > UNUSUAL_TIMES * usual:
        return UNUSUAL
    if item.steps >= SAME_FROM and others.count(item.steps) >= SAME_DAYS - 1:
        return SAME_EVERY_DAY
    return SAME_AS_ANOTHER if _alike(item, report) else None


def _alike(item: Reported, report: Report) -> bool:
    """Whether the count is another member's: a high one on one day, or any on several days of the same member."""
    others = report.alike.get(item.day, ())
    if item.steps < SAME_FROM or not others:
        return False
    if item.steps >= ALIKE_FROM:
        return True
    days_with = {other: sum(other in found for found in report.alike.values()) for other in others}
    return max(days_with.values()) >= SAME_DAYS
