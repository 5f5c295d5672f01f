"""How credited acts become points. Pure and exact."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from backend import clock


@dataclass(frozen=True, slots=True)
class Rule:
    """A points rule in force from a day on (see `PointsRule`)."""

    programme: str
    version: int
    in_force_from: date
    points_per_gram: Fraction
    fixed_points: Mapping[str, int]
    expires_after_days: int
    note: str

    @classmethod
    def parse(
        cls,
        programme: str,
        version: int,
        in_force_from: date,
        points_per_gram: str,
        fixed_points: str,
        expires_after_days: int,
        note: str,
    ) -> "Rule":
        """From its stored texts."""
        fixed = json.loads(fixed_points)
        return cls(programme, version, in_force_from, Fraction(points_per_gram), fixed, expires_after_days, note)

    def points_for(
        self, methodology: str, reduction_g: int, offset_g: int, eac_wh: int = 0, *, engagement: bool = False
    ) -> int:
        """Points of one act: whole points per gram reduced, rounded down, plus the fixed ones of its methodology.

        Fixed points are for what grams reduced do not measure: acts with an offset-backed or certificate-backed claim,
        and engagement. The evidence grade is not weighed again: it has halved the grams already.
        """
        fixed = engagement or offset_g > 0 or eac_wh > 0
        return int(self.points_per_gram * reduction_g // 1) + (self.fixed_points.get(methodology, 0) if fixed else 0)


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
