"""Groups stand where their people brought them, by the department of each day, and means count those who do nothing."""

from datetime import date
from fractions import Fraction

import pytest
import time_machine

from backend import clock
from backend.campaigns import scoring
from tests.backend.campaigns.week import Week, during

MONDAY, WEDNESDAY = date(2026, 6, 1), date(2026, 6, 3)


@pytest.fixture
def week(database_url: str):
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ({str(n): f"总部/{'研发/一组' if n <= 6 else '财务' if n <= 11 else '法务'}" for n in range(1, 15)})
        yield week


def standings(week: Week, board: str, period: str = "all") -> list[tuple[str, Fraction, int, int]]:
    campaign = week.view()
    with week.house.transaction() as tx:
        named = campaign.board(board)
        assert named is not None
        found = scoring.group_standings(tx, campaign, named, period, heads=None, now=clock.now())
    return [(item.title, item.people, item.value, item.rank) for item in found]


def test_a_mean_is_by_everybody_on_the_roster_and_small_groups_have_no_place(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    week.ride("7", MONDAY, "20")
    week.ride("12", MONDAY, "30")
    week.follow()
    assert standings(week, "department-mean_grams-campaign") == [("总部/财务", 5, 186, 1), ("总部/研发", 6, 77, 2)]


def test_who_moves_counts_for_the_department_of_each_day_and_so_do_heads(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    week.follow()
    week.employ({"1": "总部/财务"} | {str(n): f"总部/{'研发' if n <= 6 else '财务'}" for n in range(2, 12)}, WEDNESDAY)
    week.ride("1", WEDNESDAY, "20")
    week.follow()
    found = standings(week, "department-mean_grams-campaign")
    assert found == [("总部/财务", Fraction(16, 3), 175, 1), ("总部/研发", Fraction(17, 3), 82, 2)]
    assert standings(week, "department-mean_grams-day", "2026-06-03") == [("总部/财务", 6, 155, 1)]
    with time_machine.travel(during(date(2026, 6, 7), 23), tick=False):
        week.follow()
        found = standings(week, "department-mean_grams-campaign")
        assert found[0][1] == Fraction(5 + 5 + 5 * 6, 7)


def test_a_late_list_moves_days_that_were_counted(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    week.follow()
    week.employ({"1": "总部/财务"} | {str(n): f"总部/{'研发' if n <= 6 else '财务'}" for n in range(2, 12)}, MONDAY)
    week.follow()
    assert standings(week, "department-mean_grams-campaign") == [("总部/财务", 6, 77, 1)]
    assert week.scores() == {"1": (467, 467, 1)}
