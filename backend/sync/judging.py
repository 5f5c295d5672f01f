"""Whether what a platform holds of one account agrees with what we have; pure.

Notices are under way all the time, so its balances are compared with ours where it should stand: after the notices it
says it counted. What it did not count excuses a difference only while we know that it may not have come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.sync.interfaces import Mirrored
from backend.sync.models import DEAD, DELIVERED, ENDED, EXPLAINED, INTERRUPTED, OPEN, STOPPED, WAITING

#: How long a platform may work on a notice that it took in before it counts it.
DIGESTION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A notice that the platform says it did not count; `changes` is None for a statement of balances."""

    state: str
    delivered_at: datetime | None
    changes: Mapping[str, int] | None

    def may_not_have_come(self, now: datetime) -> bool:
        """Whether it is no wonder that it was not counted."""
        digesting = self.delivered_at is not None and now - self.delivered_at < DIGESTION
        return self.state in (WAITING, DEAD, STOPPED) or (self.state == DELIVERED and digesting)


@dataclass(frozen=True, slots=True)
class Ours:
    """An account as we know it: its balances with everything announced to the platform, and the last number given."""

    state: str
    last: int
    balances: Mapping[str, int]
    uncounted: Sequence[Uncounted] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is different: `reason` is a word of docs/operations.md, `expected` is where the platform should be."""

    reason: str
    state: str
    expected: Mapping[str, int] | None


def judge(ours: Ours | None, theirs: Mirrored | None, *, now: datetime) -> Verdict | None:
    """The difference between the two, or None where they agree."""
    if ours is None:
        return Verdict("UNKNOWN_ACCOUNT", OPEN, None)
    if ours.state == ENDED:
        return Verdict("ENDED", OPEN, None) if theirs is not None else None
    if ours.state == INTERRUPTED:
        return None  # it may not be told what is missing; the balances are stated when it may again
    excused = [item for item in ours.uncounted if item.may_not_have_come(now)]
    expected = _without(ours.balances, excused)
    if theirs is not None and theirs.sequence > ours.last:
        return Verdict("AHEAD", OPEN, expected)
    if dict(theirs.balances if theirs else {}) == expected:
        behind = any(item.state in (DEAD, STOPPED) for item in excused)
        return Verdict("UNDELIVERED", EXPLAINED, expected) if behind else None
    if any(item.changes is None for item in excused):
        return Verdict("UNDELIVERED", EXPLAINED, expected)
    if theirs is None:
        return Verdict("ABSENT", OPEN, expected)
    lost = any(item.state == DELIVERED and item not in excused for item in ours.uncounted)
    return Verdict("LOST" if lost else "DIFFERENT", OPEN, expected)


def _without(balances: Mapping[str, int], uncounted: Sequence[Uncounted]) -> dict[str, int]:
    sums = dict(balances)
    for item in uncounted:
        for name, change in (item.changes or {}).items():
            sums[name] = sums.get(name, 0) - change
    return {name: amount for name, amount in sums.items() if amount}
