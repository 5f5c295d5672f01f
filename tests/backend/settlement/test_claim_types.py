"""Every claim type is credited for itself: certified electricity in watt-hours, taking part in points alone."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from backend import activities, audit, clock, ledger, points, settlement
from backend.settlement import Outcome
from tests.backend.acting import allow_every_act, settle_act
from tests.backend.spending import spend
from tests.backend.world import World, days_ago


@pytest.fixture
def alice(world: World) -> UUID:
    """A member who lets the shop report every kind of act."""
    holder = world.person("alice")
    allow_every_act(world.house, holder)
    return holder


def settle(world: World, holder: UUID, methodology: str, data: dict[str, Any], *order: str, **how: Any) -> Outcome:
    outcome = settle_act(world.house, holder, methodology, data, *order, **how)
    world.check_books_at_the_end()
    return outcome


def take_back(world: World, outcome: Outcome) -> None:
    assert outcome.activity is not None
    with world.house.transaction() as tx:
        settlement.reverse(tx, [outcome.activity], now=clock.now())
    world.check_books_at_the_end()


def entries(world: World, outcome: Outcome) -> list[dict[tuple[str, str], int]]:
    """The transfers of each entry about the act."""
    assert outcome.activity is not None
    with world.house.transaction() as tx:
        found = ledger.entries_of_activities(tx, [outcome.activity])
    return [{(t.debit, t.credit): t.amount for t in entry.transaction.transfers} for entry in found]


def news(world: World) -> list[tuple[str, dict[str, Any]]]:
    with world.house.transaction() as tx:
        rows = tx.execute(text("SELECT topic, payload FROM outbox ORDER BY id")).all()
    return [(row.topic, json.loads(row.payload)) for row in rows]


def sentence_of_newest(world: World, holder: UUID) -> str:
    with world.house.transaction() as tx:
        newest = ledger.entries(tx, holder, limit=1)[0]
        told: str = audit.receipt(tx, holder, newest.transaction.id)["sentence_zh"]
        return told


ELECTRICITY = {"consumed_kwh": "1200.5", "cancelled_kwh": "1000"}


def test_certified_electricity_is_credited_in_watt_hours_and_never_in_grams(world: World, alice: UUID) -> None:
    done = settle(world, alice, "green_electricity", ELECTRICITY)
    assert (done.status, done.reduction_g, done.offset_g, done.eac_wh, done.points) == ("issued", 0, 0, 1_000_000, 50)
    assert world.balances(alice) == {"eac": 1_000_000, "points.pending": 50}
    assert entries(world, done) == [{("issuer.eac", "eac"): 1_000_000, ("issuer.points", "points.pending"): 50}]
    ((topic, told),) = news(world)
    assert (topic, told["reduction_g"], told["eac_wh"], told["points"]) == ("reduction.issued", 0, 1_000_000, 50)
    assert "绿证支撑的电量另记 1000000 瓦时" in sentence_of_newest(world, alice)


def test_certified_electricity_is_taken_back_whole_and_may_be_claimed_again(world: World, alice: UUID) -> None:
    first = settle(world, alice, "green_electricity", ELECTRICITY)
    again = settle(world, alice, "green_electricity", ELECTRICITY, "O2", named={"certificate_no": "O1"})
    assert (again.status, again.code, again.eac_wh) == ("outdone", "ALREADY_CLAIMED", 0)
    take_back(world, first)
    assert world.balances(alice) == {"eac": 1_000_000, "points.pending": 50}
    take_back(world, again)
    assert world.balances(alice) == {}
    assert "收回 1000000 瓦时绿证电量、50 积分" in sentence_of_newest(world, alice)


def test_taking_part_earns_points_and_no_grams(world: World, alice: UUID) -> None:
    done = settle(world, alice, "learning", {"correct_answers": 10})
    assert (done.status, done.reduction_g, done.offset_g, done.eac_wh, done.points) == ("issued", 0, 0, 0, 20)
    assert entries(world, done) == [{("issuer.points", "points.pending"): 20}]
    assert sentence_of_newest(world, alice).startswith("完成一次低碳知识学习，参与类行为，不产生减排量，获得 20 积分")
    take_back(world, done)
    assert world.balances(alice) == {}
    assert [topic for topic, _ in news(world)] == ["reduction.issued", "reduction.reversed"]


def test_taking_part_without_points_is_recorded_and_posts_nothing(world: World, alice: UUID) -> None:
    done = settle(world, alice, "step_donation", {"steps": 8_000})
    assert (done.status, done.points) == ("issued", 0)
    assert (entries(world, done), news(world), world.balances(alice)) == ([], [], {})
    take_back(world, done)
    assert (entries(world, done), news(world)) == ([], [])
    with world.house.transaction() as tx:
        assert activities.load(tx, [done.activity])[done.activity].status == "taken_back"


def test_points_of_taking_part_that_were_spent_are_owed(world: World, alice: UUID) -> None:
    done = settle(world, alice, "learning", {"reading_min": 15})
    world.ripen()
    assert spend(world, alice, 15) == 15
    take_back(world, done)
    assert world.balances(alice) == {"points.debt": 15}


def test_points_of_taking_part_that_lapsed_leave_nothing_to_take_back(world: World, alice: UUID) -> None:
    done = settle(world, alice, "learning", {"reading_min": 15})
    world.ripen()
    with time_machine.travel(clock.now() + timedelta(days=800), tick=False):
        with world.house.transaction() as tx:
            points.lapse(tx, now=clock.now())
        take_back(world, done)
    assert world.balances(alice) == {}


def test_a_methodology_of_reductions_earns_by_the_gram_alone(world: World, alice: UUID) -> None:
    began = days_ago(3)
    trip = {"started_at": began, "ended_at": began + timedelta(minutes=30)}
    done = settle(world, alice, "metro_ride", {"distance_km": "12.4", "duration_s": 1800}, **trip)
    assert (done.reduction_g, done.points) == (579, 579)


def test_the_better_half_of_a_daily_limit_counts_for_engagement_too(world: World, alice: UUID) -> None:
    told = [settle(world, alice, "learning", {}, f"O{n}", at=days_ago(3, 8 + n)) for n in range(6)]
    assert [(done.status, done.points) for done in told] == [("issued", 20)] * 5 + [("outdone", 0)]
    take_back(world, told[0])
    assert world.balances(alice) == {"points.pending": 100}
