"""Badges are what the acts that stand have come to: earned on the day of an act, gone when that act goes back."""

from datetime import date, timedelta

import pytest
import time_machine
import yaml

from backend import activities, campaigns, clock
from backend.campaigns.badges.policy import ActDone, Badge, Rule, Standing, standing
from backend.campaigns.badges.rules import FILE, read_badges
from backend.errors import Misconfigured
from tests.backend.campaigns.week import FIRST, Week, during

TODAY = date(2026, 6, 30)


def acts(*days: int, grams: int = 100, methodology: str = "metro_ride") -> list[ActDone]:
    return [ActDone(date(2026, 6, day), methodology, grams) for day in days]


def badge(*rules: Rule) -> Badge:
    return Badge("one", "一 / One", "一 / One", rules)


def test_each_kind_is_earned_on_the_day_that_fulfils_it() -> None:
    since = date(2026, 1, 1)
    assert standing(badge(Rule(since, "acts", 3)), acts(5, 1, 1), TODAY) == Standing(date(2026, 6, 5), 3, 3)
    assert standing(badge(Rule(since, "days", 3)), acts(1, 1, 5), TODAY) == Standing(None, 2, 3)
    assert standing(badge(Rule(since, "streak", 3)), acts(1, 3, 4, 5, 9), TODAY) == Standing(date(2026, 6, 5), 3, 3)
    assert standing(badge(Rule(since, "grams", 250)), acts(1, 2, 3), TODAY) == Standing(date(2026, 6, 3), 250, 250)
    walks = badge(Rule(since, "acts", 1, frozenset({"walking"})))
    assert standing(walks, acts(1), TODAY) == Standing(None, 0, 1)


def test_who_had_a_badge_by_the_rule_before_keeps_it() -> None:
    stricter = badge(Rule(date(2026, 1, 1), "acts", 2), Rule(date(2026, 6, 10), "acts", 4))
    assert standing(stricter, acts(1, 9), TODAY) == Standing(date(2026, 6, 9), 2, 4)
    assert standing(stricter, acts(1, 10, 11), TODAY) == Standing(None, 3, 4)
    assert standing(badge(Rule(date(2026, 7, 1), "acts", 1)), acts(1), TODAY) is None


def test_the_badges_that_ship_name_methodologies_of_the_library() -> None:
    rules = [rule for badge in campaigns.badges.all_badges() for rule in badge.rules]
    assert {code for rule in rules for code in rule.methodologies or ()} <= set(activities.library().codes)


@pytest.mark.parametrize(
    ("wrong", "value"), [("least", 0), ("kind", "luck"), ("in_force_from", "2025-01-01"), ("most", 3)]
)
def test_a_rule_that_is_not_understood_is_refused(wrong: str, value: object) -> None:
    stated = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    stated[0]["rules"][0][wrong] = value
    with pytest.raises(Misconfigured):
        read_badges(stated)


def test_a_badge_goes_back_with_the_act_it_rests_on(database_url: str) -> None:
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ({"1": "总部/研发"})

        def earned() -> dict[str, date | None]:
            with week.house.transaction() as tx:
                told = campaigns.badges.badges_of(tx, week.staff["1"], "acme", now=clock.now())
            return {item["code"]: item["earned_on"] for item in told}

        assert earned()["first_step"] is None
        week.ride("1", FIRST + timedelta(days=1), "10")
        week.ride("1", FIRST, "10")
        assert earned()["first_step"] == FIRST
        week.take_back("1", FIRST)
        assert earned()["first_step"] == FIRST + timedelta(days=1)
        week.take_back("1", FIRST + timedelta(days=1))
        assert earned()["first_step"] is None
