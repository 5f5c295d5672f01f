"""Scores follow the acts: whatever order they come in, whatever is taken back."""

from datetime import date

import pytest
import time_machine

from backend.campaigns.policy import bucket_of, ranks
from tests.backend.campaigns.week import Week, during

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)


@pytest.fixture
def week(database_url: str):
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ({"1": "总部/研发", "2": "总部/财务"})
        yield week


def test_a_score_is_what_the_acts_come_to_and_goes_back_with_them(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    week.ride("1", TUESDAY, "20")
    week.ride("2", TUESDAY, "12.4")
    week.follow()
    assert week.scores() == {"1": (1401, 1401, 2), "2": (579, 579, 1)}
    assert week.scores("2026-06-02") == {"1": (934, 934, 1), "2": (579, 579, 1)}
    assert week.scores("2026-W23") == week.scores()
    week.take_back("1", TUESDAY)
    week.take_back("2", TUESDAY)
    week.follow()
    assert week.scores() == {"1": (467, 467, 1)}
    assert week.scores("2026-06-02") == {}


def test_what_happened_before_or_after_does_not_count(week: Week) -> None:
    week.ride("1", date(2026, 5, 31), "10")
    week.follow()
    assert week.scores() == {}


def test_a_tie_shares_its_place_and_leaves_the_next_one_out() -> None:
    assert ranks([9, 7, 7, 5]) == [1, 2, 2, 4]


def test_buckets_grow_with_the_score_and_leave_none_out() -> None:
    scores = [*range(5_000), *(2**n + more for n in range(13, 40) for more in (-1, 0, 1))]
    found = [bucket_of(score) for score in scores]
    assert found == sorted(found)
    assert all(bucket_of(score + 1) - bucket_of(score) in (0, 1) for score in range(100_000))
