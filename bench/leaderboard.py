"""Leaderboards of a million members: right, and how fast, beside a PostgreSQL and a Redis of this run.

First 1,000 random members are compared with a statement that sorts everybody: the first hundred, their rank and the
places around them, from the database alone and from Redis. Then three ratios, each in alternating rounds:

* rank and the places around me over HTTP, against a bare Flask view with the same reads of Redis and the same token
  check (`bench.bare_leaderboard`), both under gunicorn;
* applying changed scores, against pipelined `ZADD`s from Python, a batch of 500 at a time;
* my rank from the database alone, against an indexed count of those who are better.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import House, build_house, clock, database, identity
from backend.campaigns import boards, scoring
from backend.campaigns.boards.redis import Keys, encode
from backend.campaigns.boards.sql import SqlPlaces, better
from backend.campaigns.policy import Score
from backend.campaigns.scoring.models import CampaignScore
from backend.settings import Settings
from bench.leaderboard_members import CODE, Oracle, choose, holder, participant, plant
from bench.load import drive, request_bytes
from bench.report import Progress, Rounds, seconds, tell
from bench.server import Databases, redis_server
from bench.webhook import under_gunicorn

MEMBERS, ORACLE_MEMBERS = 1_000_000, 1_000
ROUNDS, PER_ROUND, CHANGES, RANKS = 7, 2_000, 10_000, 60
BATCH = 500
TARGETS = {"leaderboard": 0.7, "leaderboard changes": 0.5, "leaderboard rank in sql": 3}
PATH = f"/api/v1/campaigns/{CODE}/leaderboards/person-grams-campaign?view=around&limit=11"


def run(databases: Databases, members: int = MEMBERS) -> None:
    """Measure and report. `members`: how many take part."""
    progress = Progress("leaderboard", 3 * ROUNDS + 6)
    with redis_server() as redis_url:
        progress.step(f"{members:,} members")
        databases.make("leaderboard")
        database.migrate(databases.url("leaderboard"))
        settings = Settings.for_tests(database_url=databases.url("leaderboard"), redis_url=redis_url)
        house = build_house(settings)
        plant(house, databases.conninfo("leaderboard"), members)
        accelerator = house.boards.accelerator
        assert accelerator is not None
        progress.step("filling Redis")
        filled_s = seconds(lambda: boards.keep(accelerator))
        with _told_of_nothing(accelerator):
            progress.step("comparing with an oracle")
            _compare(house, accelerator, databases.conninfo("leaderboard"), members, filled_s)
            _changes(accelerator, redis_url, members, progress)
            _ranks(house, members, progress)
            _over_http(settings, members, progress)


@contextmanager
def _told_of_nothing(accelerator: boards.Accelerator) -> Iterator[None]:
    """Say every few seconds that nothing was announced, as whoever follows does."""
    done = threading.Event()

    def say() -> None:
        while not done.wait(3):
            boards.apply(accelerator, scoring.Followed(0, 0, 0, ()))

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _compare(house: House, accelerator: boards.Accelerator, conninfo: str, members: int, filled_s: float) -> None:
    oracle = Oracle(conninfo, members)
    chosen = choose(members, ORACLE_MEMBERS, 20260605)
    sources: dict[str, boards.Places] = {"database": SqlPlaces(house.sessions), "Redis": accelerator}
    wrong = {name: oracle.wrong(house, places, chosen) for name, places in sources.items()}
    oracle.close()
    right = [len(chosen) + 1 - len(found) for found in wrong.values()]
    facts = {"unit": f"right, of {len(chosen)} members and the first hundred", "members": members}
    facts |= {"filling_redis_s": round(filled_s, 1), "wrong": [each for found in wrong.values() for each in found][:5]}
    whole = 2 * (len(chosen) + 1)
    tell("leaderboard oracle", sum(right), whole, sum(right) / whole, 1, better="higher", rounds=[], **facts)


def _changes(accelerator: boards.Accelerator, redis_url: str, members: int, progress: Progress) -> None:
    chance, rounds = random.Random(1), Rounds(CHANGES)
    key = Keys(CODE).places("all", "grams")
    client = redis.Redis.from_url(redis_url)
    for number in range(ROUNDS + 1):
        progress.step(f"changes, round {number} of {ROUNDS}")
        chosen = [(participant(each), chance.randrange(40_000)) for each in chance.sample(range(members), CHANGES)]
        batches = [chosen[begin : begin + BATCH] for begin in range(0, CHANGES, BATCH)]
        followed = [scoring.Followed(0, 0, len(some), [_changed(*each) for each in some]) for some in batches]
        plain = [[(str(id), float(encode(grams, 5))) for id, grams in some] for some in batches]
        took = seconds(partial(_each, partial(boards.apply, accelerator), followed))
        reference = seconds(partial(_each, partial(_zadd, client, key), plain))
        if number:
            rounds.add(took, reference)
    rounds.report("leaderboard changes", TARGETS["leaderboard changes"], unit="changes/s")


def _each(do: Callable[[Any], None], batches: list[Any]) -> None:
    for batch in batches:
        do(batch)


def _zadd(client: "redis.Redis", key: str, some: list[tuple[str, float]]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for id, number in some:
            pipeline.zadd(key, {id: number})
        pipeline.execute()


def _changed(participant_id: UUID, grams: int) -> scoring.Changed:
    return scoring.Changed(CODE, "all", participant_id, True, Score(grams, grams, 1, 5, 5))


def _ranks(house: House, members: int, progress: Progress) -> None:
    rounds = Rounds(RANKS)
    for number in range(ROUNDS + 1):
        progress.step(f"ranks, round {number} of {ROUNDS}")
        with house.reading(one_moment=True) as tx:
            took, reference = _ranks_once(tx, [holder(each) for each in choose(members, RANKS, number)])
        if number:
            rounds.add(took, reference)
    rounds.report("leaderboard rank in sql", TARGETS["leaderboard rank in sql"], unit="ranks/s")


def _ranks_once(tx: Session, holders: list[UUID]) -> tuple[float, float]:
    """How long it takes to count who is better than each of these, by buckets and by the index alone."""
    scores = list(tx.scalars(select(CampaignScore.grams).where(CampaignScore.holder_id.in_(holders))))
    listed = (CampaignScore.campaign == CODE, CampaignScore.period == "all", CampaignScore.listed)
    plain = [select(func.count()).where(*listed, CampaignScore.grams > score) for score in scores]
    ours: list[int] = []
    theirs: list[int] = []
    took = seconds(lambda: ours.extend(better(tx, CODE, "all", "grams", score) for score in scores))
    reference = seconds(lambda: theirs.extend(tx.scalar(query) or 0 for query in plain))
    assert ours == theirs
    return took, reference


def _over_http(settings: Settings, members: int, progress: Progress) -> None:
    rounds, (secret,) = Rounds(PER_ROUND), settings.token_keys
    environment = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url or ""}
    with ExitStack() as servers:
        ours = servers.enter_context(under_gunicorn("wsgi:app", environment))
        bare = servers.enter_context(under_gunicorn("bench.bare_leaderboard:app", environment))
        for number in range(ROUNDS + 1):
            progress.step(f"over HTTP, round {number} of {ROUNDS}" if number else "over HTTP, warming up")
            now = clock.now()
            chosen = [holder(each) for each in choose(members, PER_ROUND, number)]
            tokens = [identity.issue_access(secret, each, uuid4(), now) for each in chosen]
            asked = [{"Authorization": f"Bearer {token}"} for token in tokens]
            took = drive(ours, [request_bytes(PATH, each, b"", method="GET") for each in asked], status=200)
            theirs = drive(bare, [request_bytes("/around", each, b"", method="GET") for each in asked], status=200)
            if number:
                rounds.add(took, theirs)
    rounds.report("leaderboard", TARGETS["leaderboard"], unit="requests/s")
