"""When a badge is earned: a pure function of the acts that stand.

So no badge is stored: an act that is taken back takes along what it was needed for, a late one gives it with the day
on which it was earned, and nothing has to be rebuilt.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

ACTS, DAYS, STREAK, GRAMS = "acts", "days", "streak", "grams"
KINDS = (ACTS, DAYS, STREAK, GRAMS)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is needed from a day on: `least` acts, days, days in a row or grams. `methodologies` None: of all acts."""

    in_force_from: date
    kind: str
    least: int
    methodologies: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Badge:
    """徽章. `title` and `says`: `中文 / English`. `rules`: the oldest first; the day of the act chooses."""

    code: str
    title: str
    says: str
    rules: tuple[Rule, ...]

    def rule_on(self, day: date) -> Rule | None:
        """The rule in force on a day."""
        return next((rule for rule in reversed(self.rules) if rule.in_force_from <= day), None)


class ActDone(NamedTuple):
    """An issued act, as it stands."""

    day: date
    methodology: str
    grams: int


class Standing(NamedTuple):
    """How far a member is. `earned_on`: the day of the act with which the badge was earned, None so far; `so_far` of
    `needed` by the rule of today."""

    earned_on: date | None
    so_far: int
    needed: int


def standing(badge: Badge, acts: Sequence[ActDone], today: date) -> Standing | None:
    """How far these acts bring a member; None for a badge that has no rule yet.

    It is earned on the first day on which the acts up to that day fulfil the rule of that day.
    """
    rule = badge.rule_on(today)
    if rule is None:
        return None
    ordered = sorted(acts)
    earned = [day for number in range(len(badge.rules)) if (day := _earned_by(badge, number, ordered, today))]
    so_far = max((amount for _, amount in _growing(rule, ordered)), default=0)
    return Standing(min(earned, default=None), min(so_far, rule.least), rule.least)


def _earned_by(badge: Badge, number: int, ordered: Sequence[ActDone], today: date) -> date | None:
    """The day on which the badge is earned by its rule of this number, while that is in force."""
    rule = badge.rules[number]
    until = badge.rules[number + 1].in_force_from if number + 1 < len(badge.rules) else date.max
    reached = next((day for day, amount in _growing(rule, ordered) if amount >= rule.least), None)
    if reached is None:
        return None
    day = max(reached, rule.in_force_from)
    return day if day < until and day <= today else None


def _growing(rule: Rule, ordered: Iterable[ActDone]) -> Iterator[tuple[date, int]]:
    """What the acts of the rule come to, act by act."""
    mine = (act for act in ordered if rule.methodologies is None or act.methodology in rule.methodologies)
    acts = days = streak = grams = 0
    before = None
    for act in mine:
        acts, grams = acts + 1, grams + act.grams
        if act.day != before:
            days += 1
            streak = streak + 1 if before is not None and act.day - before == timedelta(days=1) else 1
            before = act.day
        yield act.day, {ACTS: acts, DAYS: days, STREAK: streak, GRAMS: grams}[rule.kind]
