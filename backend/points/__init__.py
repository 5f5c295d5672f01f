"""Points: versioned rules, and the lots in which every point of a member lives."""

from backend.points.policy import Rule, rule_on
from backend.points.reading import differences, lots_of, newest_lots
from backend.points.service import (
    Award,
    Earning,
    award,
    lapse,
    ripen,
    rules,
    save_rule,
    take_back,
)

__all__ = [
    "Award",
    "Earning",
    "Rule",
    "award",
    "differences",
    "lapse",
    "lots_of",
    "newest_lots",
    "ripen",
    "rule_on",
    "rules",
    "save_rule",
    "take_back",
]
