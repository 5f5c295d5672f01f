"""Who stands where: places, ties, who hides, and the places around somebody, from the database and from Redis alike."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
import time_machine
from sqlalchemy import select, update

from backend import campaigns, clock
from backend.campaigns import boards, scoring
from backend.campaigns.boards import AROUND, DEPARTMENT, TOP, Accelerator, Sources
from backend.campaigns.boards.redis import TooLarge, encode, score_in
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import Board, board_named, bucket_of, most_in_bucket
from backend.campaigns.scoring.models import CampaignScore
from backend.identity.public_names import Checked
from backend.identity.public_names.models import NameToCheck
from tests.backend.campaigns import places
from tests.backend.campaigns.week import CODE, LAST, Week, during

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)


class BoardsOfWeek(Week):
    """A week with its boards; `accelerator` is None where the database answers alone."""

    accelerator: Accelerator | None = None

    def page(self, viewer: UUID | None, board: str = "person-grams-campaign", **asked: Any) -> dict[str, Any]:
        named, campaign, now = board_named(board), self.view(), clock.now()
        assert isinstance(named, Board)
        period = boards.period_asked(campaign, named, asked.pop("day", None), now=now)
        asked = {"view": TOP, "limit": 10} | asked
        sources = Sources(self.house.sessions, self.accelerator)
        return boards.page(sources, campaign, named, period, viewer, now=now, **asked)

    def from_redis(self, viewer: UUID | None) -> bool:
        """Whether Redis answers, not the database."""
        assert self.accelerator is not None
        board = board_named("person-grams-campaign")
        assert board is not None
        asked = boards.Asked(self.view(), board, "all", viewer, True, 5, clock.now())
        return self.accelerator.read(asked) is not None


@pytest.fixture
def moment() -> Iterator[Any]:
    with time_machine.travel(during(), tick=False) as traveller:
        yield traveller


@pytest.fixture(params=["sql", "redis"])
def week(request: pytest.FixtureRequest, database_url: str, moment: Any) -> BoardsOfWeek:
    """The same from the database alone and from Redis."""
    if request.param == "redis":
        return with_redis(database_url, request.getfixturevalue("redis_url"))
    return BoardsOfWeek(database_url)


@pytest.fixture
def redis_week(postgresql_url: str, redis_url: str, moment: Any) -> BoardsOfWeek:
    return with_redis(postgresql_url, redis_url)


def with_redis(database_url: str, redis_url: str) -> BoardsOfWeek:
    week = BoardsOfWeek(database_url)
    week.accelerator = Accelerator(redis_url, week.house.sessions)
    week.tell = lambda batch: boards.apply(week.accelerator, batch)
    return week


def places_of(answer: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(entry["participant_id"], entry["rank"], entry["score"]) for entry in answer["entries"]]


def compete(week: BoardsOfWeek) -> None:
    week.employ({"1": "总部/研发", "2": "总部/研发", "3": "总部/财务", "4": "总部/财务"})
    week.follow()
    boards.keep(week.accelerator)
    for number, day, km in (("2", MONDAY, "20"), ("1", TUESDAY, "10"), ("3", MONDAY, "10"), ("4", TUESDAY, "1")):
        week.ride(number, day, km)
    week.follow()


def test_a_page_shows_places_and_my_own(week: BoardsOfWeek) -> None:
    compete(week)
    told = week.page(week.staff["4"])
    seen = [(entry["rank"], entry["score"], entry["me"]) for entry in told["entries"]]
    assert seen == [(1, 934, False), (2, 467, False), (2, 467, False), (4, 46, True)]
    assert told["me"] == {"rank": 4, "score": 46, "listed": True, "missing_to_next": 421}
    assert (told["participants"], told["state"], told["measure"], told["period"]) == (4, "running", "grams", "all")
    names = {entry["name"] for entry in told["entries"]}
    assert len(names) == 4 and all(name.startswith("伙伴 ") for name in names)
    assert told["entries"][1]["me"] is False, "of equals the one who reached it first"
    assert week.page(week.staff["3"])["entries"][1]["me"] is True
    monday = week.page(week.staff["1"], "person-grams-day", day=MONDAY)
    assert [entry["score"] for entry in monday["entries"]] == [934, 467]
    assert monday["me"] == {"rank": None, "score": 0, "listed": True, "missing_to_next": 467}
    assert week.page(None)["me"] is None
    assert week.accelerator is None or week.from_redis(week.staff["1"])


def test_boards_follow_who_takes_back_hides_leaves_or_has_a_name(week: BoardsOfWeek) -> None:
    compete(week)
    week.take_back("2", MONDAY)
    for number, change in (
        ("1", {"shown": False}),
        ("3", {"name": "绿叶", "name_passed": True}),
        ("4", {"left_at": clock.now()}),
    ):
        with week.house.transaction() as tx:
            who = CampaignParticipant.holder_id == week.staff[number]
            tx.execute(update(CampaignParticipant).where(who).values(**change))
            scoring.participant_changed(tx, CODE, [week.staff[number]], now=clock.now())
    week.follow()
    told = week.page(week.staff["1"], view=AROUND)
    assert [(entry["name"], entry["rank"], entry["score"]) for entry in told["entries"]] == [("绿叶", 1, 467)]
    assert told["me"] == {"rank": 1, "score": 467, "listed": False, "missing_to_next": None}
    assert week.page(week.staff["2"])["me"] == {"rank": None, "score": 0, "listed": True, "missing_to_next": 467}
    assert week.accelerator is None or week.from_redis(week.staff["2"])


def test_a_name_that_is_chosen_decided_or_withdrawn_is_shown_at_once(redis_week: BoardsOfWeek) -> None:
    week = redis_week
    compete(week)
    me = week.staff["2"]

    def first() -> str:
        week.follow()
        assert week.from_redis(me)
        name: str = week.page(None)["entries"][0]["name"]
        return name

    def rename(name: Checked | None) -> None:
        with week.house.transaction() as tx:
            campaigns.naming.rename(tx, me, me, CODE, name, now=clock.now())

    def decide(passed: bool) -> None:
        with week.house.transaction() as tx:
            week.house.names.decide(tx, tx.scalars(select(NameToCheck.id)).one(), passed)

    number = first()
    rename(Checked("绿叶", passed=True))
    assert number.startswith("伙伴 ") and first() == "绿叶"
    rename(Checked("待审", passed=False, needs_operator=True))
    assert first() == number
    decide(True)
    assert first() == "待审"
    rename(Checked("再审", passed=False, needs_operator=True))
    decide(False)
    assert first() == number
    rename(Checked("绿叶", passed=True))
    assert first() == "绿叶"
    rename(None)
    assert first() == number


def test_a_department_has_places_of_its_own(database_url: str, moment: Any) -> None:
    week = BoardsOfWeek(database_url)
    compete(week)
    moved = {"1": "总部/研发/平台", "2": "总部/研发", "3": "总部/财务", "4": "总部/研发2"}
    week.employ(moved, date(2026, 6, 2))
    week.follow()
    told = week.page(week.staff["1"], view=DEPARTMENT)
    assert [(entry["rank"], entry["score"], entry["me"]) for entry in told["entries"]] == [
        (1, 934, False),
        (2, 467, True),
    ]
    assert (told["participants"], told["me"]["rank"]) == (2, 2)
    assert week.page(None, view=DEPARTMENT)["entries"] == []


@pytest.mark.parametrize("seed", [1, 2])
def test_places_are_those_of_the_plainest_reckoning(week: BoardsOfWeek, seed: int) -> None:
    chance = random.Random(seed)
    scores = [(chance.choice([0, 1, 5, 63, 64, 500, 507, 9_000]), chance.randrange(4)) for _ in range(60)]
    planted = places.plant(week.house, *scores, hidden=(3, 30, 31))
    boards.keep(week.accelerator)
    for me in [*chance.sample(planted, 15), planted[30]]:
        for limit in (1, 4, 7, 100):
            told = week.page(me.holder_id, view=AROUND, limit=limit)
            assert places_of(told) == places.around(planted, me, limit), (me, limit)
        found = {"rank": places.rank(planted, me), "score": me.score, "listed": me.listed}
        assert told["me"] == found | {"missing_to_next": places.missing(planted, me)}
    best = sorted((each for each in planted if each.listed), key=lambda each: each.key)
    assert [id for id, _, _ in places_of(week.page(None, limit=20))] == [str(each.id) for each in best[:20]]
    assert week.accelerator is None or week.from_redis(planted[0].holder_id)


def test_a_loss_of_redis_loses_nothing_and_heals(redis_week: BoardsOfWeek, redis_url: str) -> None:
    week, server = redis_week, redis.Redis.from_url(redis_url)
    compete(week)
    before = week.page(week.staff["4"], view=AROUND)
    (lost,) = server.keys("*all:grams")
    for harm in (server.flushall, lambda: server.delete(lost), lambda: server.zpopmin(lost)):
        harm()
        assert not week.from_redis(week.staff["4"])
        assert week.page(week.staff["4"], view=AROUND) == before, "the database answers"
        boards.keep(week.accelerator)
        assert week.from_redis(week.staff["4"]) and week.page(week.staff["4"], view=AROUND) == before
    server.flushall()
    week.ride("4", MONDAY, "30")
    week.follow()
    boards.keep(week.accelerator)
    assert week.from_redis(week.staff["4"]) and week.page(week.staff["4"])["me"]["rank"] == 1


def test_boards_that_missed_something_catch_up(redis_week: BoardsOfWeek, moment: Any) -> None:
    week = redis_week
    compete(week)
    apply, week.tell = week.tell, lambda batch: None
    week.ride("4", MONDAY, "30")
    week.take_back("2", MONDAY)
    week.follow()
    assert week.page(week.staff["4"])["me"]["rank"] == 4, "what Redis has is a moment old"
    moment.shift(timedelta(seconds=16))
    assert week.page(week.staff["4"])["me"]["rank"] == 1, "and not asked when it is older"
    week.tell = apply
    week.follow()
    assert week.from_redis(week.staff["4"]) and week.page(week.staff["4"])["me"]["rank"] == 1
    assert week.page(week.staff["2"])["me"]["rank"] is None


def test_what_is_final_never_comes_from_redis_and_leaves_it(
    redis_week: BoardsOfWeek, redis_url: str, moment: Any
) -> None:
    week, server = redis_week, redis.Redis.from_url(redis_url)
    compete(week)
    week.ride("1", MONDAY, "5")
    week.follow()
    running = {number: week.page(holder, view=AROUND, limit=3) for number, holder in week.staff.items()}
    (board,) = server.keys("*all:grams")
    for member in server.zrange(board, 0, -1):
        server.zadd(board, {member: encode(1, 1)})
    assert week.page(week.staff["2"])["me"]["score"] == 1, "Redis says so"
    moment.move_to(clock.start_of_day_after(LAST, 3))
    assert campaigns.closing.close(week.house.sessions, week.house.vault.statement_key, CODE)
    with week.house.transaction() as tx:
        tx.execute(update(CampaignScore).values(grams=1))
    for number, holder in week.staff.items():
        final = week.page(holder, view=AROUND, limit=3)
        assert final == running[number] | {"state": "final", "as_of": final["as_of"]}, "and not from running scores"
    assert len(week.page(None)["entries"]) == 4
    boards.keep(week.accelerator)
    assert server.keys("*") == []


def test_without_redis_the_database_answers(postgresql_url: str, moment: Any) -> None:
    week = BoardsOfWeek(postgresql_url)
    week.accelerator = Accelerator("redis://127.0.0.1:1/0", week.house.sessions)
    week.tell = lambda batch: boards.apply(week.accelerator, batch)
    compete(week)
    assert week.page(week.staff["4"])["me"]["rank"] == 4


def test_a_number_holds_a_score_and_its_second_exactly_or_is_refused() -> None:
    most, last = (1 << 28) - 1, (1 << 25) - 1
    for score, second in ((0, 0), (0, last), (1, 0), (most, 0), (most, last), (12_345, 604_800)):
        number = encode(score, second)
        assert int(float(number)) == number and score_in(f"{float(number):.17g}") == score
    assert encode(5, 3) < encode(5, 4) < encode(4, 0) < encode(4, last)
    for beyond in ((most + 1, 0), (0, last + 1)):
        with pytest.raises(TooLarge):
            encode(*beyond)


def test_the_highest_score_of_a_bucket_is_the_last_in_it() -> None:
    for bucket in range(2_000):
        assert bucket_of(most_in_bucket(bucket)) == bucket
        assert bucket_of(most_in_bucket(bucket) + 1) == bucket + 1
