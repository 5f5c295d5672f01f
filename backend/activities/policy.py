"""Who wins when acts contend. Pure: the same acts give the same answer in whatever order they arrived.

Two acts contend when they claim the same physical act (a fingerprint), overlap in time, or exceed a daily limit. The
better one is that with the higher evidence grade, then the earlier beginning, then the smaller order number; arrival
never decides.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from backend import clock
from backend.activities.records import Act, ActivityKey

#: No single trip lasts longer; it bounds how far a trip that began before midnight can reach.
LONGEST_TRIP = timedelta(hours=6)

DUPLICATE_CLAIM, OVERLAPPING_TRIP = "DUPLICATE_CLAIM", "OVERLAPPING_TRIP"


@dataclass(frozen=True, slots=True)
class DailyLimit:
    """At most `acts` acts of this methodology count on one day; the rest are outdone with `reason`."""

    acts: int
    reason: str


#: The daily limit of a methodology on a day, if it has one.
LimitOf = Callable[[str, date], DailyLimit | None]


@dataclass(frozen=True, slots=True)
class Loss:
    """Why an act does not count, and which act counts instead."""

    reason: str
    excluded_by: UUID | None


def priority(act: Act) -> tuple[int, datetime, str, str, str, int]:
    """Sort key: the better claim comes first."""
    return -int(act.grade[1:]), act.begins_at, act.partner, act.order_no, act.line, act.revision


def owner_of(contenders: Collection[Act]) -> Act | None:
    """Whose claim stands among those who claim one fingerprint."""
    return min(contenders, key=priority, default=None)


def days_to_lock(act: Act) -> set[tuple[UUID, date]]:
    """The holder's days whose decisions this trip can touch; none for an act without a time window."""
    if act.started_at is None or act.ended_at is None:
        return set()
    # A trip of the evening before can reach into the first hours of this day.
    days = {clock.day_of(instant) for instant in (act.started_at - LONGEST_TRIP, act.started_at, act.ended_at)}
    return {(act.holder_id, day) for day in days}


def decide_windows(acts: Sequence[Act], fixed: Sequence[Act], limit_of: LimitOf) -> dict[ActivityKey, Loss]:
    """Which of one holder's trips lose to another: the losers with the reason. `fixed` acts count whatever happens."""
    losses: dict[ActivityKey, Loss] = {}
    accepted: list[Act] = list(fixed)
    counted: dict[tuple[str, date], list[Act]] = defaultdict(list)
    for act in fixed:
        counted[act.methodology, act.day].append(act)
    for act in sorted(acts, key=priority):
        loss = _loss(act, accepted, counted[act.methodology, act.day], limit_of(act.methodology, act.day))
        if loss is not None:
            losses[act.key] = loss
            continue
        accepted.append(act)
        counted[act.methodology, act.day].append(act)
    return losses


def _loss(act: Act, accepted: Sequence[Act], same_day: Sequence[Act], limit: DailyLimit | None) -> Loss | None:
    for other in accepted:
        if overlap(act, other):
            return Loss(OVERLAPPING_TRIP, other.id)
    if limit is not None and len(same_day) >= limit.acts:
        return Loss(limit.reason, None)
    return None


def overlap(one: Act, other: Act) -> bool:
    """Whether two trips share an instant; one that begins when the other ends does not."""
    if one.started_at is None or one.ended_at is None or other.started_at is None or other.ended_at is None:
        return False
    return one.started_at < other.ended_at and other.started_at < one.ended_at
