"""How credited acts become points. Pure and exact."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from backend import clock

#: The periods a cap may count in.
DAY, WEEK, MONTH = "day", "week", "month"
PERIODS = (DAY, WEEK, MONTH)
_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}|/[0-9]{1,9})?")


def exact(text: str) -> Fraction:
    """An exact number that is not negative, from decimals or numerator/denominator; ValueError for anything else."""
    if not _RATE.fullmatch(text) or (text.rpartition("/")[2].strip("0") == "" and "/" in text):
        raise ValueError(f"not an exact number: {text}")
    return Fraction(text)


def announced_on(instant: datetime) -> date:
    """The Shanghai day a change counts as announced on. In the last ten minutes of a day it is the next one, so that
    no act of a day is settled by what counted before while the change of that day is still being written."""
    return clock.day_of(instant + timedelta(minutes=10))


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many points for one person in each calendar day, week (Monday to Sunday) or month of the acts.

    Bonuses count as well. `methodologies`: only acts by these are counted and held back; None means all.
    """

    code: str
    period: str
    points: int
    methodologies: Sequence[str] | None = None

    def covers(self, methodology: str) -> bool:
        """Whether acts by this methodology are counted."""
        return self.methodologies is None or methodology in self.methodologies

    def starts_on(self, day: date) -> date:
        """The first day of the period a day lies in."""
        if self.period == WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.period == MONTH else day

    def as_json(self) -> dict[str, object]:
        """As it is stored and told."""
        only = None if self.methodologies is None else list(self.methodologies)
        return {"code": self.code, "period": self.period, "points": self.points, "methodologies": only}


@dataclass(frozen=True, slots=True)
class Rule:
    """A points rule in force from a day on (see `PointsRule`)."""

    programme: str
    version: int
    announced_on: date
    in_force_from: date
    points_per_gram: Fraction
    rates: Mapping[str, Fraction]
    fixed_points: Mapping[str, int]
    caps: Sequence[Cap]
    expires_after_days: int
    note: str

    @classmethod
    def parse(cls, *, points_per_gram: str, rates: str, fixed_points: str, caps: str, **stated: Any) -> "Rule":
        """From its stored texts."""
        return cls(
            points_per_gram=Fraction(points_per_gram),
            rates={methodology: Fraction(rate) for methodology, rate in json.loads(rates).items()},
            fixed_points=json.loads(fixed_points),
            caps=tuple(Cap(**cap) for cap in json.loads(caps)),
            **stated,
        )

    def rate_of(self, methodology: str) -> Fraction:
        """Points per gram reduced by acts of this methodology."""
        return self.rates.get(methodology, self.points_per_gram)

    def points_for(
        self, methodology: str, reduction_g: int, offset_g: int, eac_wh: int = 0, *, engagement: bool = False
    ) -> int:
        """Points of one act: whole points per gram reduced, rounded down, plus the fixed ones of its methodology.

        Fixed points are for what grams reduced do not measure: acts with an offset-backed or certificate-backed claim,
        engagement, and acts whose grams earn nothing because their rate is 0. The evidence grade is not weighed again:
        it has halved the grams already.
        """
        rate = self.rate_of(methodology)
        fixed = engagement or offset_g > 0 or eac_wh > 0 or (rate == 0 and reduction_g > 0)
        return int(rate * reduction_g // 1) + (self.fixed_points.get(methodology, 0) if fixed else 0)

    def caps_on(self, methodology: str) -> list[Cap]:
        """The caps that acts by this methodology are counted under."""
        return [cap for cap in self.caps if cap.covers(methodology)]


@dataclass(frozen=True, slots=True)
class Multiplier:
    """What a campaign multiplies points by (see `PointsMultiplier`)."""

    programme: str
    campaign: str
    version: int
    announced_on: date
    first_day: date
    last_day: date
    factor: Fraction
    methodologies: Collection[str] | None
    title: str

    @classmethod
    def parse(cls, *, factor: str, methodologies: str | None, **stated: Any) -> "Multiplier":
        """From its stored texts."""
        only = None if methodologies is None else tuple(json.loads(methodologies))
        return cls(factor=Fraction(factor), methodologies=only, **stated)

    def applies(self, programme: str, methodology: str, day: date) -> bool:
        """Whether an act of this day earns its bonus."""
        named = self.methodologies is None or methodology in self.methodologies
        return named and programme == self.programme and self.first_day <= day <= self.last_day

    def bonus_of(self, points: int) -> int:
        """What it adds to the points of an act, whole and rounded down."""
        return int((self.factor - 1) * points // 1)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Every version of every rule, and of every multiplier the newest."""

    rules: Sequence[Rule]
    multipliers: Sequence[Multiplier]

    def rule_on(self, programme: str, day: date) -> Rule | None:
        """The programme's rule in force on the activity's day."""
        return rule_on(self.rules, programme, day)

    def bonuses_on(self, programme: str, methodology: str, day: date) -> list[Multiplier]:
        """The multipliers of an act, by campaign. Each adds to the points of the act: none multiplies another."""
        return [item for item in self.multipliers if item.applies(programme, methodology, day)]

    @property
    def capped(self) -> bool:
        """Whether any version of any rule has a cap."""
        return any(rule.caps for rule in self.rules)


def rule_on(rules: Sequence[Rule], programme: str, day: date) -> Rule | None:
    """The programme's rule in force on the activity's day: the newest that had begun."""
    begun = [rule for rule in rules if rule.programme == programme and rule.in_force_from <= day]
    return max(begun, key=lambda rule: (rule.in_force_from, rule.version), default=None)


def available_at(day: date, pending_days: int) -> datetime:
    """When the points of an act of this day ripen: at the start of the `pending_days`-th day after it."""
    return clock.start_of_day_after(day, pending_days)


def expires_at(available: datetime, rule: Rule) -> datetime:
    """When points that ripened then lapse."""
    return available + timedelta(days=rule.expires_after_days)
