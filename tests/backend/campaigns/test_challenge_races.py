"""PK when two things happen at the same moment: on PostgreSQL, each in a transaction of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from backend import clock
from backend.campaigns import challenges
from backend.campaigns.challenges import Wish
from backend.errors import Refusal
from tests.backend.campaigns.test_challenges import FRIDAY, THURSDAY, WEDNESDAY, Pk
from tests.backend.campaigns.week import during


@pytest.fixture
def pk(postgresql_url: str):
    with time_machine.travel(during(WEDNESDAY), tick=False):
        yield Pk(postgresql_url)


def together(*acts: Callable[[], Any]) -> list[str]:
    """What became of acts at the same moment: "done", or the code of the refusal."""

    def tried(act: Callable[[], Any]) -> str:
        try:
            act()
        except Refusal as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(tried, acts))


def doing(pk: Pk, verb: str, number: str, challenge: UUID) -> Callable[[], Any]:
    who, now = pk.staff[number], clock.now()
    return lambda: pk.house.retried(lambda tx: getattr(challenges, verb)(tx, challenge, who, now=now))


def days_taken(pk: Pk) -> dict[UUID, int]:
    with pk.house.transaction() as tx:
        query = "SELECT challenge_id, count(*) FROM campaign_challenge_days GROUP BY challenge_id"
        return {row[0]: row[1] for row in tx.execute(text(query))}


def test_whatever_is_accepted_at_once_a_side_has_one_pk_a_day(pk: Pk) -> None:
    for number in range(3):
        invited = [pk.invite(f"a{other}", pk.participant(f"b{number}").id) for other in (2 * number, 2 * number + 1)]
        found = together(*(doing(pk, "accept", f"b{number}", challenge) for challenge in invited))
        assert sorted(found) == ["CHALLENGE_DAYS_TAKEN", "done"]
    one = pk.invite("b3", pk.participant("b4").id)
    assert sorted(together(*[doing(pk, "accept", "b4", one)] * 2)) == ["CHALLENGE_CHANGED", "done"]
    assert sorted(days_taken(pk).values()) == [4, 4, 4, 4]


def test_accepting_declining_and_withdrawing_at_once_end_in_one_state(pk: Pk) -> None:
    for number in range(5):
        challenge = pk.invite(f"a{number}", pk.participant(f"b{number}").id)
        found = together(
            doing(pk, "accept", f"b{number}", challenge),
            doing(pk, "withdraw", f"a{number}", challenge),
            doing(pk, "decline", f"b{number}", challenge),
        )
        state = pk.told(f"a{number}", challenge)["state"]
        assert state == ("declined" if found[2] == "done" else "withdrawn"), (found, state)
        assert found.count("done") == (1 if state == "declined" else 2 if found[0] == "done" else 1)
    assert days_taken(pk) == {}


def test_invitations_to_each_other_and_to_one_at_once_stay_within_the_limits(pk: Pk) -> None:
    first, second = pk.participant("a0").id, pk.participant("b0").id
    mutual = together(lambda: _invite(pk, "a0", second), lambda: _invite(pk, "b0", first))
    assert sorted(mutual) == ["CHALLENGE_LIMIT", "done"]
    target = pk.participant("b1").id
    found = together(*(lambda number=f"a{number}": _invite(pk, number, target) for number in range(6)))
    assert sorted(found) == ["CHALLENGE_LIMIT"] + ["done"] * 5


def _invite(pk: Pk, number: str, opponent: UUID) -> None:
    campaign, who = pk.week.view(), pk.staff[number]
    wish = Wish("person", opponent, "grams", THURSDAY, FRIDAY)
    pk.house.retried(lambda tx: challenges.invite(tx, campaign, who, wish, now=clock.now()))
