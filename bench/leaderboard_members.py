"""A million members in a running campaign, planted as rows, and who stands where by the plainest statement.

Many share a score: there are some thirty thousand different ones, and of equals some reached it in the same second. One
in fifty hides, one in three has a name.
"""

import hashlib
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from backend import House, clock, identity
from backend.campaigns import boards
from backend.campaigns.models import Campaign
from backend.campaigns.policy import Board, bucket_of
from backend.campaigns.reading import campaign as campaign_of
from backend.campaigns.scoring.models import CampaignBucket, CampaignFollower
from backend.campaigns.terms import read_terms
from backend.lists import insert_rows

CODE, BOARD = "bench-week", Board("person", "grams", "campaign")
_HOLDERS = """
    INSERT INTO holders (id, kind, created_at)
    SELECT md5('holder ' || number)::uuid, 'person', now() FROM generate_series(0, %(members)s - 1) number"""
_PARTICIPANTS = """
    INSERT INTO campaign_participants (holder_id, campaign, id, kind, shown, takes_challenges, name, name_passed,
        joined_at)
    SELECT md5('holder ' || number)::uuid, %(campaign)s, md5('participant ' || number)::uuid, 'person',
        number %% 50 <> 7, true, CASE number %% 3 WHEN 0 THEN '绿叶' || number END, number %% 3 = 0, now()
    FROM generate_series(0, %(members)s - 1) number"""
_SCORES = """
    INSERT INTO campaign_scores (holder_id, campaign, period, participant_id, grams, points, acts, grams_at, points_at,
        listed)
    SELECT holder_id, campaign, 'all', id, grams, grams, 3, second, second, shown
    FROM (
        SELECT *, floor(power(random(), 3) * 40000)::int AS grams, floor(random() * 2000)::int AS second
        FROM campaign_participants WHERE campaign = %(campaign)s
    ) made"""
#: Every listed member with their rank and position, by sorting all of them.
_ORACLE = """
    CREATE TABLE bench_oracle AS
    SELECT participant_id, grams, rank() OVER (ORDER BY grams DESC) AS place,
        row_number() OVER (ORDER BY grams DESC, grams_at, participant_id) AS position
    FROM campaign_scores WHERE campaign = %(campaign)s AND period = 'all' AND listed"""


def plant(house: House, conninfo: str, members: int) -> None:
    """The campaign, its members and their scores."""
    now = clock.now()
    with house.transaction() as tx:
        identity.save_programme(
            tx, code="members", kind="consumer", title_zh="会员计划", title_en="Members", profile="CN-DEFAULT"
        )
        terms = read_terms({"boards": [BOARD.name]}).text()
        said = {"kind": "challenge", "title": "挑战 / Challenge", "terms": terms, "joining": "open"}
        begins = {"starts_at": now - timedelta(days=3), "drafted_at": now - timedelta(days=9)}
        ends = {"ends_at": now + timedelta(days=4), "closes_at": now + timedelta(days=6)}
        announced = now - timedelta(days=8)
        tx.add(Campaign(code=CODE, programme="members", announced_at=announced, **said, **begins, **ends))
        tx.add(CampaignFollower(name="scores", position=0))
    facts = {"members": members, "campaign": CODE}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in (_HOLDERS, _PARTICIPANTS, _SCORES):
            connection.execute(statement, {name: facts[name] for name in facts if f"%({name})s" in statement})
        connection.execute("VACUUM ANALYZE")
        listed = "SELECT grams, count(*) FROM campaign_scores WHERE listed GROUP BY grams"
        counted: Counter[int] = Counter()
        for grams, people in connection.execute(listed):
            counted[bucket_of(grams)] += people
    known = {"campaign": CODE, "period": "all", "measure": "grams"}
    with house.transaction() as tx:
        insert_rows(tx, CampaignBucket, [known | {"bucket": each, "people": n} for each, n in sorted(counted.items())])


def asked(house: House, viewer: UUID | None, *, around: bool, limit: int) -> boards.Asked:
    """A question to a board, now."""
    now = clock.now()
    with house.transaction() as tx:
        found = campaign_of(tx, CODE, now=now)
    return boards.Asked(found, BOARD, "all", viewer, around, limit, now)


def holder(number: int) -> UUID:
    """The account of a member."""
    return _md5(f"holder {number}")


def participant(number: int) -> UUID:
    """What others know a member by."""
    return _md5(f"participant {number}")


class Oracle:
    """Who stands where, by sorting everybody once."""

    def __init__(self, conninfo: str, members: int) -> None:
        self._connection = psycopg.connect(conninfo, autocommit=True)
        self._connection.execute(_ORACLE, {"campaign": CODE})
        self._connection.execute("CREATE INDEX ON bench_oracle (position)")
        self._connection.execute("CREATE INDEX ON bench_oracle (participant_id)")
        self.members = members

    def close(self) -> None:
        self._connection.close()

    def wrong(self, house: House, places: boards.Places, chosen: list[int], limit: int = 11) -> list[str]:
        """What these places say otherwise: of the first hundred, and of the rank of these members and who is near."""
        found = []
        top = places.read(asked(house, None, around=False, limit=100))
        if top is None or _told(top) != self._between(1, 100):
            found.append("the first hundred")
        for number in chosen:
            page = places.read(asked(house, holder(number), around=True, limit=limit))
            if page is None or page.me is None:
                found.append(f"member {number}: no answer")
                continue
            rank, position = self._place(number)
            people = self._one("SELECT count(*) FROM bench_oracle")
            first, last = boards.window(position, people, limit)
            if page.me.rank != rank or _told(page) != self._between(first, last):
                found.append(f"member {number}: rank {page.me.rank}, not {rank}, or other places around")
        return found

    def _place(self, number: int) -> tuple[int, int]:
        """Rank and position of a member; of who hides, those they would have, before all that are equal."""
        mine = {"holder": holder(number), "id": participant(number)}
        known = "SELECT place, position FROM bench_oracle WHERE participant_id = %(id)s"
        row = self._connection.execute(known, mine).fetchone()
        if row is not None:
            return int(row[0]), int(row[1])
        score = "FROM campaign_scores other, campaign_scores mine WHERE mine.holder_id = %(holder)s AND other.listed"
        above = self._one(f"SELECT 1 + count(*) {score} AND other.grams > mine.grams", mine)
        sooner = "other.grams = mine.grams AND other.grams_at < mine.grams_at"
        return above, above + self._one(f"SELECT count(*) {score} AND {sooner}", mine)

    def _between(self, first: int, last: int) -> list[tuple[str, int, int]]:
        query = (
            "SELECT participant_id, place, grams FROM bench_oracle WHERE position BETWEEN %s AND %s ORDER BY position"
        )
        rows = self._connection.execute(query, [first, last])
        return [(str(id), int(place), int(grams)) for id, place, grams in rows]

    def _one(self, query: str, facts: Any = None) -> int:
        row = self._connection.execute(query, facts).fetchone()
        assert row is not None
        return int(row[0])


def choose(members: int, count: int, seed: int) -> list[int]:
    """Members at random."""
    return random.Random(seed).sample(range(members), k=min(members, count))


def _told(page: boards.Page) -> list[tuple[str, int, int]]:
    return [(entry.participant_id, entry.rank, entry.score) for entry in page.entries]


def _md5(text: str) -> UUID:
    """As PostgreSQL's `md5(…)::uuid`."""
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
