"""Who stands where: places, ties, who hides, and the places around somebody."""

import random
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import time_machine

from backend import clock
from backend.campaigns import boards
from backend.campaigns.boards import AROUND, TOP, Sources
from backend.campaigns.policy import Board, board_named, bucket_of, most_in_bucket
from tests.backend.campaigns import places
from tests.backend.campaigns.week import Week, during

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)


@pytest.fixture
def week(database_url: str) -> Any:
    with time_machine.travel(during(), tick=False):
        yield Week(database_url)


def page(week: Week, viewer: UUID | None, board: str = "person-grams-campaign", **asked: Any) -> dict[str, Any]:
    named = board_named(board)
    assert isinstance(named, Board)
    campaign, now = week.view(), clock.now()
    period = boards.period_asked(campaign, named, asked.pop("day", None), now=now)
    asked = {"view": TOP, "limit": 10} | asked
    return boards.page(Sources(week.house.sessions), campaign, named, period, viewer, now=now, **asked)


def places_of(answer: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(entry["participant_id"], entry["rank"], entry["score"]) for entry in answer["entries"]]


def test_a_page_shows_places_and_my_own(week: Week) -> None:
    week.employ({"1": "总部/研发", "2": "总部/研发", "3": "总部/财务", "4": "总部/财务"})
    for number, day, km in (("2", MONDAY, "20"), ("1", TUESDAY, "10"), ("3", MONDAY, "10"), ("4", TUESDAY, "1")):
        week.ride(number, day, km)
    week.follow()
    told = page(week, week.staff["4"])
    assert [(entry["rank"], entry["score"], entry["me"]) for entry in told["entries"]] == [
        (1, 934, False),
        (2, 467, False),
        (2, 467, False),
        (4, 46, True),
    ]
    assert told["me"] == {"rank": 4, "score": 46, "listed": True, "missing_to_next": 421}
    assert (told["participants"], told["state"], told["measure"], told["period"]) == (4, "running", "grams", "all")
    numbers = {entry["participant_id"]: entry["name"] for entry in told["entries"]}
    assert len(set(numbers.values())) == 4 and all(name.startswith("伙伴 ") for name in numbers.values())
    monday = page(week, week.staff["1"], "person-grams-day", day=MONDAY)
    assert [entry["score"] for entry in monday["entries"]] == [934, 467]
    assert monday["me"] == {"rank": None, "score": 0, "listed": True, "missing_to_next": 467}
    assert page(week, None)["me"] is None


@pytest.mark.parametrize("seed", [1, 2])
def test_places_are_those_of_the_plainest_reckoning(week: Week, seed: int) -> None:
    chance = random.Random(seed)
    scores = [(chance.choice([0, 1, 5, 63, 64, 500, 507, 9_000]), chance.randrange(4)) for _ in range(60)]
    planted = places.plant(week.house, *scores, hidden=(3, 30, 31))
    for me in [*chance.sample(planted, 20), planted[30]]:
        for limit in (1, 4, 7, 100):
            told = page(week, me.holder_id, view=AROUND, limit=limit)
            assert places_of(told) == places.around(planted, me, limit), (me, limit)
        found = {"rank": places.rank(planted, me), "score": me.score, "listed": me.listed}
        assert told["me"] == found | {"missing_to_next": places.missing(planted, me)}
    best = sorted((each for each in planted if each.listed), key=lambda each: each.key)
    assert [id for id, _, _ in places_of(page(week, None, limit=20))] == [str(each.id) for each in best[:20]]


def test_the_highest_score_of_a_bucket_is_the_last_in_it() -> None:
    for bucket in range(2_000):
        assert bucket_of(most_in_bucket(bucket)) == bucket
        assert bucket_of(most_in_bucket(bucket) + 1) == bucket + 1
