"""A corrected number reaches what was issued: the difference is posted, points stay, and nothing is edited."""

import json
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend import activities, audit, clock, ledger, settlement
from backend.activities import ActivityKey, Library, UnknownVersion
from backend.settlement import Forecast, RunState
from methodologies import MethodologyError
from tests.backend.acting import allow_every_act, settle_act
from tests.backend.corrected import corrected, edited, regraded
from tests.backend.spending import net_points, spend
from tests.backend.world import World, cancel, days_ago, trip

RIDE = 579  # grams of 12.4 km
LESS, MORE = 496, 620  # the same by a corrected 0.04 and 0.05 kg per km


@pytest.fixture
def less() -> Library:
    """0.0467 kg per passenger-kilometre should have been 0.04."""
    return corrected("metro_ride", "reduction_per_km", "0.04")


@pytest.fixture
def more() -> Library:
    """0.0467 kg per passenger-kilometre should have been 0.05."""
    return corrected("metro_ride", "reduction_per_km", "0.05")


def ride(world: World, user: str, order: str, day: int = 3, hour: int = 8, **how: Any) -> ActivityKey:
    """A ride of 12.4 km, settled; returns its act."""
    holder = world.person(user)  # the same person when they are known already
    sent = world.send("transit", trip(order, user, "12.4", at=days_ago(day, hour), **how))
    world.settle()
    return holder, UUID(world.lines("transit", sent)[0]["activity_id"])


def restate(world: World, library: Library, *, limit: int = 500, batches: int | None = None) -> list[RunState]:
    """Run to the end, or so many batches far; the books are sound whenever it stops."""
    states = settlement.restate(world.house.sessions, "metro_ride", "V01", library=library, limit=limit)
    made = list(islice(states, None if batches is None else batches + 1))
    world.check_books()
    return made


def forecast(world: World, library: Library, **how: Any) -> Forecast:
    return list(settlement.forecast(world.house.sessions, "metro_ride", "V01", library=library, **how))[-1]


def take_back(world: World, key: ActivityKey) -> None:
    with world.house.transaction() as tx:
        settlement.reverse(tx, [key], now=clock.now())
    world.check_books_at_the_end()


def chain(world: World, key: ActivityKey) -> list[tuple[str, dict[tuple[str, str], int]]]:
    """Kind and transfers of every entry about the act."""
    with world.house.transaction() as tx:
        found = [entry.transaction for entry in ledger.entries_of_activities(tx, [key])]
    return [(item.kind, {(t.debit, t.credit): t.amount for t in item.transfers}) for item in found]


def receipts(world: World, key: ActivityKey) -> list[dict[str, Any]]:
    with world.house.transaction() as tx:
        found = ledger.entries_of_activities(tx, [key])
        return [audit.receipt(tx, key[0], entry.transaction.id) for entry in found]


# -- the difference ----------------------------------------------------------------------------------------------


def test_a_decrease_is_posted_beside_the_issue_and_points_stay(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    issued = chain(world, key)
    (_, state) = restate(world, less)
    assert (state.examined, state.restated, state.refused, state.total, state.finished) == (1, 1, 0, 1, True)
    assert world.balances(key[0]) == {"reduction": LESS, "points.pending": RIDE}
    assert chain(world, key) == [*issued, ("restatement", {("reduction", "issuer.reduction"): RIDE - LESS})]


def test_an_increase_is_posted_the_other_way_round(world: World, more: Library) -> None:
    key = ride(world, "alice", "T1")
    restate(world, more)
    assert world.balances(key[0]) == {"reduction": MORE, "points.pending": RIDE}
    assert chain(world, key)[1] == ("restatement", {("issuer.reduction", "reduction"): MORE - RIDE})


def test_what_was_issued_is_not_edited(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    with world.house.transaction() as tx:
        before = activities.load(tx, [key])
    restate(world, less)
    with world.house.transaction() as tx:
        assert activities.load(tx, [key]) == before
        (restated,) = activities.restatements_of(tx, [key])[key]
        assert activities.standings(tx, before.values())[key].reduction_g == LESS
    assert (restated.sequence, restated.previous.reduction_g, restated.credits.reduction_g) == (1, RIDE, LESS)
    assert (restated.reduction, restated.previous_basis_hash) == ("496", before[key].basis_hash)


@pytest.mark.parametrize("statement", ["UPDATE restatements SET reduction_g = 0", "DELETE FROM restatements"])
def test_a_restatement_is_never_rewritten(world: World, less: Library, statement: str) -> None:
    ride(world, "alice", "T1")
    restate(world, less)
    with pytest.raises(DBAPIError, match="append-only"), world.house.transaction() as tx:
        tx.execute(text(statement))


def test_the_same_library_again_changes_nothing(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    restate(world, less)
    before = chain(world, key)
    again = restate(world, less)[-1]
    assert (again.examined, again.restated, again.finished, chain(world, key)) == (1, 0, True, before)
    assert restate(world, activities.library())[-1].restated == 1, "and back again is a restatement of its own"
    assert world.balances(key[0])["reduction"] == RIDE


def test_one_restatement_follows_another(world: World, less: Library, more: Library) -> None:
    key = ride(world, "alice", "T1")
    for library in (less, more, less):
        restate(world, library)
    assert [moved for kind, moved in chain(world, key) if kind == "restatement"] == [
        {("reduction", "issuer.reduction"): RIDE - LESS},
        {("issuer.reduction", "reduction"): MORE - LESS},
        {("reduction", "issuer.reduction"): MORE - LESS},
    ]
    assert world.balances(key[0])["reduction"] == LESS


def test_only_the_issued_acts_of_the_version_are_examined(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    gone = ride(world, "alice", "T2", 2)
    take_back(world, gone)
    outdone = ride(world, "alice", "T3", 3, minutes=10)
    world.send("transit", trip("B1", "alice", "5", at=days_ago(2), trip_id="B1") | {})
    world.settle()
    with world.house.transaction() as tx:
        assert activities.load(tx, [outdone])[outdone].status == "outdone"
    states = settlement.restate(world.house.sessions, "walking", "V01", library=less)
    assert list(states)[-1].examined == 0
    assert restate(world, less)[-1].examined == 2
    assert [kind for kind, _ in chain(world, gone)] == ["issue", "issue.reversed"]
    assert world.balances(key[0])["reduction"] == LESS + 200


def test_unknown_names_are_refused(world: World) -> None:
    with pytest.raises(UnknownVersion):
        next(settlement.restate(world.house.sessions, "metro_ride", "V99"))
    with pytest.raises(MethodologyError, match="UNKNOWN_METHODOLOGY"):
        next(settlement.restate(world.house.sessions, "teleport", "V01"))
    with world.house.transaction() as tx:
        assert tx.execute(text("SELECT id FROM restatement_runs")).all() == []


def test_what_the_library_now_refuses_is_told_and_left_alone(world: World, tmp_path: Path) -> None:
    key = ride(world, "alice", "T1")

    def narrow(document: dict[str, Any]) -> None:
        document["monitored"]["distance_km"]["maximum"] = "12"

    narrower = edited(tmp_path, "metro_ride/methodology.yaml", narrow)
    state = restate(world, narrower)[-1]
    assert (state.restated, state.refused) == (0, 1)
    assert [(act.activity_id, act.code) for act in state.batch.refused] == [(key[1], "OUT_OF_BOUNDS")]
    assert world.balances(key[0])["reduction"] == RIDE
    assert [act.code for act in forecast(world, narrower).refused] == ["OUT_OF_BOUNDS"]


def test_acts_that_earn_no_gram_have_nothing_to_restate(world: World) -> None:
    alice = world.person("alice")
    allow_every_act(world.house, alice)
    settle_act(world.house, alice, "learning", {"correct_answers": 3})
    state = list(settlement.restate(world.house.sessions, "learning", "V01"))[-1]
    assert (state.examined, state.restated, state.refused) == (1, 0, 0)
    world.check_books()


def test_every_claim_type_is_restated_for_itself(world: World) -> None:
    """Reviewed proofs were to count half: watt-hours stay watt-hours, retired credits stay apart from reductions."""
    alice = world.person("alice")
    allow_every_act(world.house, alice)
    data = {"consumed_kwh": "1200.5", "cancelled_kwh": "1000"}
    settle_act(world.house, alice, "green_electricity", data, grade="E2")
    before = world.balances(alice)
    half = regraded("E2", "0.5")
    list(settlement.restate(world.house.sessions, "green_electricity", "V01", library=half))
    world.check_books()
    assert (before["eac"], world.balances(alice)) == (1_000_000, before | {"eac": 500_000})
    told = list(settlement.forecast(world.house.sessions, "green_electricity", "V01"))[-1]
    assert (told.amounts["eac_wh"].difference, told.amounts["reduction_g"].after) == (500_000, 0)
    assert (told.points.earned, told.points.would_be) == (50, 50)


# -- the chain back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["less", "more"])
def test_a_reversal_takes_back_the_issue_and_every_restatement(
    world: World, request: pytest.FixtureRequest, which: str
) -> None:
    key = ride(world, "alice", "T1")
    restate(world, request.getfixturevalue(which))
    restate(world, request.getfixturevalue("less" if which == "more" else "more"))
    take_back(world, key)
    assert world.balances(key[0]) == {}
    kinds = [kind for kind, _ in chain(world, key)]
    assert kinds[:3] == ["issue", "restatement", "restatement"]
    assert sorted(kinds[3:]) == ["issue.reversed", "restatement.reversed", "restatement.reversed"]
    assert restate(world, activities.library())[-1].examined == 0


def test_a_cancellation_does_the_same(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    restate(world, less)
    world.send("transit", cancel("T1", "alice"))
    world.settle()
    world.check_books()
    assert world.balances(key[0]) == {}


def test_points_spent_before_are_owed_as_they_were_earned(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        world.ripen()
    spend(world, key[0], RIDE)
    restate(world, less)
    take_back(world, key)
    assert world.balances(key[0]) == {"points.debt": RIDE}


def test_an_act_that_comes_to_its_right_again_is_issued_as_recorded_and_restated_again(
    world: World, less: Library, more: Library
) -> None:
    """Displaced by an earlier ride that is cancelled later: grams as restated, points as they were earned."""
    key = ride(world, "alice", "T1", hour=9)
    restate(world, more)
    restate(world, less)
    world.send("transit", trip("T0", "alice", "10", at=days_ago(3, 8, 50)))
    world.settle()
    world.check_books()
    assert world.balances(key[0]) == {"reduction": 467, "points.pending": 467}
    world.send("transit", cancel("T0", "alice"))
    world.settle()
    world.check_books()
    assert world.balances(key[0]) == {"reduction": LESS, "points.pending": RIDE}
    assert net_points(world, key[0]) == RIDE
    assert [kind for kind, _ in chain(world, key)][-3:] == ["issue", "restatement", "restatement"]
    assert restate(world, less)[-1].restated == 0
    take_back(world, key)
    assert world.balances(key[0]) == {}


def test_news_tells_what_stands_and_what_was_taken_back(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    restate(world, less)
    take_back(world, key)
    with world.house.transaction() as tx:
        rows = tx.execute(text("SELECT topic, payload FROM outbox ORDER BY id")).all()
    told = [(row.topic, json.loads(row.payload)) for row in rows]
    assert [(topic, payload["reduction_g"]) for topic, payload in told] == [
        ("reduction.issued", RIDE),
        ("reduction.restated", LESS),
        ("reduction.reversed", LESS),
    ]
    assert told[1][1]["previous"] == {"reduction_g": RIDE, "offset_g": 0, "eac_wh": 0}


# -- interrupted -------------------------------------------------------------------------------------------------


def test_an_interrupted_run_goes_on_behind_its_last_batch(world: World, less: Library) -> None:
    keys = [ride(world, f"p{n}", f"T{n}") for n in range(7)]
    *_, second = restate(world, less, limit=2, batches=2)
    assert (second.examined, second.restated, second.total, second.finished) == (4, 4, 7, False)
    assert sorted(world.balances(key[0])["reduction"] for key in keys) == [LESS] * 4 + [RIDE] * 3
    first, *_, last = restate(world, less, limit=2)
    assert (first.run_id, first.examined, first.taken_up) == (second.run_id, 4, True)
    assert (last.run_id, last.examined, last.restated, last.finished) == (second.run_id, 7, 7, True)
    assert [world.balances(key[0])["reduction"] for key in keys] == [LESS] * 7
    with world.house.transaction() as tx:
        restated = activities.restatements_of(tx, keys)
    assert [len(restated[key]) for key in keys] == [1] * 7


def test_a_batch_that_fails_leaves_nothing_and_is_done_again(
    world: World, less: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of the second batch: the first one stands, the second never happened."""
    keys = [ride(world, f"p{n}", f"T{n}") for n in range(4)]
    restate(world, less, limit=2, batches=1)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(settlement.restating.outbox, "announce", killed)
        with pytest.raises(KeyboardInterrupt):
            restate(world, less, limit=2)
    world.check_books()
    assert sorted(world.balances(key[0])["reduction"] for key in keys) == [LESS] * 2 + [RIDE] * 2
    assert restate(world, less, limit=2)[-1].restated == 4
    assert [world.balances(key[0])["reduction"] for key in keys] == [LESS] * 4


def test_another_library_begins_a_run_of_its_own(world: World, less: Library, more: Library) -> None:
    keys = [ride(world, f"p{n}", f"T{n}") for n in range(4)]
    *_, stopped = restate(world, less, limit=2, batches=1)
    first, *_, last = restate(world, more, limit=2)
    assert first.run_id != stopped.run_id
    assert (first.examined, last.examined, last.restated) == (0, 4, 4)
    assert [world.balances(key[0])["reduction"] for key in keys] == [MORE] * 4
    first, *_, last = restate(world, less, limit=2)
    assert (first.examined, last.restated) == (0, 4), "what was left of the first run is out of date by now"
    assert [world.balances(key[0])["reduction"] for key in keys] == [LESS] * 4


# -- before it is done -------------------------------------------------------------------------------------------


def test_the_dry_run_tells_who_would_change_and_writes_nothing(world: World, less: Library) -> None:
    keys = [ride(world, "alice", f"T{n}", 2 + n) for n in range(3)] + [ride(world, "bob", "T9")]
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        world.ripen()
    spend(world, keys[3][0], 100)
    told = forecast(world, less, limit=2)
    assert (told.total, told.examined, told.acts, told.holders, told.refused) == (4, 4, 4, 2, [])
    amounts = told.amounts["reduction_g"]
    assert (amounts.before, amounts.after, amounts.difference) == (4 * RIDE, 4 * LESS, 4 * (LESS - RIDE))
    assert told.amounts["offset_g"].before == 0
    effect = told.points
    assert (effect.earned, effect.pending, effect.available) == (4 * RIDE, 0, 4 * RIDE - 100)
    assert (effect.used, effect.expired, effect.would_be) == (100, 0, 4 * LESS)
    assert [(mover.holder_id, mover.acts, mover.differences["reduction_g"]) for mover in told.largest] == [
        (keys[0][0], 3, 3 * (LESS - RIDE)),
        (keys[3][0], 1, LESS - RIDE),
    ]
    with world.house.transaction() as tx:
        assert activities.restatements_of(tx, keys) == {}
        assert tx.execute(text("SELECT id FROM restatement_runs")).all() == []
    restate(world, less)
    assert forecast(world, less).acts == 0


# -- what a member and an auditor see ----------------------------------------------------------------------------


def test_both_receipts_show_both_calculations(world: World, less: Library) -> None:
    key = ride(world, "alice", "T1")
    restate(world, less)
    issue, restated = receipts(world, key)
    day = f"{days_ago(3).month} 月 {days_ago(3).day} 日"
    assert issue["quantification"]["credited"]["reduction_g"] == RIDE
    assert [item["credits"]["reduction_g"] for item in issue["restatements"]] == [LESS]
    assert issue["restatements"][0]["entry_id"] == restated["entry"]["id"]
    assert "重述为 496 克减排量。" in issue["sentence_zh"]
    assert restated["sentence_zh"].endswith(f"{day}“乘坐地铁”由 579 克减排量重述为 496 克减排量，已得积分不变。")
    new, old = restated["quantification"], restated["previous_quantification"]
    assert (new["confirmed"], new["credited"]["reduction_g"], new["factors"][0]["value"]) == (True, LESS, "0.04")
    assert (old["confirmed"], old["credited"]["reduction_g"], old["factors"][0]["value"]) == (True, RIDE, "0.0467")
    assert new["factors"][0]["replaces"] == old["factors"][0]["row_hash"]
    assert (restated["points"], restated["reversed_by"], restated["restatements"]) == (None, None, [])
    take_back(world, key)
    _, restated, *back = receipts(world, key)
    assert restated["reversed_by"] in {item["entry"]["id"] for item in back}
    assert {item["reason"]["code"] for item in back} == {"REVERSED"}
    assert any("的重述：退回 83 克减排量" in item["sentence_zh"] for item in back)


@pytest.mark.parametrize("statement", [
    "UPDATE restatements SET reduction_g = reduction_g + 1, reduction = '497'",
    "UPDATE restatements SET previous_reduction_g = previous_reduction_g + 1",
])
def test_replay_names_a_restatement_that_was_tampered_with(world: World, less: Library, statement: str) -> None:
    key = ride(world, "alice", "T1")
    restate(world, less)
    with world.house.transaction() as tx:
        _without_triggers(tx, statement)
        differences = audit.replay(tx).differences
        assert {str(found["activity_id"]) for found in differences} == {str(key[1])}
        assert any(str(found["field"]).startswith("restatement 1: ") for found in differences)


def _without_triggers(tx: Any, statement: str) -> None:
    """What only somebody who owns the database can do."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text("ALTER TABLE restatements DISABLE TRIGGER restatements_append_only"))
    else:
        tx.execute(text("DROP TRIGGER restatements_no_update"))
    tx.execute(text(statement))
