"""Orders at a provider that misbehaves: sent once, asked about until known, and no point lost on the way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backend import clock, rewards
from backend.approvals import SecondOperatorNeeded
from backend.identity import FINANCE
from backend.rewards import Doors
from backend.rewards.errors import OutcomeKnown
from backend.rewards.interfaces import Done, Refused
from backend.rewards.orders import finishing
from backend.vault import Vault
from tests.backend.operating import signed_in
from tests.backend.rewards.ordering import (
    DOORS,
    PRICE,
    agree,
    heard,
    left,
    order_of,
    outside_reward,
    reserved,
    work,
    work_until_still,
)
from tests.backend.rewards.platform import platform
from tests.backend.rewards.redeeming import Redeemer
from tests.backend.world import World

#: What the provider does → the state at once, the state in the end, how often the order came to it.
BEHAVIOURS = {
    "": ("confirmed", "confirmed", 1),
    "twice": ("confirmed", "confirmed", 2),
    "post": ("confirmed", "confirmed", 1),
    "cancel": ("confirmed", "refunded", 1),
    "refuse:OUT_OF_STOCK": ("cancelled", "cancelled", 1),
    "timeout_after_success": ("requested", "confirmed", 1),
    "slow:60": ("requested", "confirmed", 1),
    "late": ("requested", "confirmed", 1),
    "fail": ("requested", "cancelled", 0),
    "silent": ("requested", "cancelled", 0),
}
#: When a process dies → the calls that it claimed before that.
DEATHS = {"unclaimed": (), "uncalled": ("place",), "unwritten": ("place",), "unwritten twice": ("place", "query")}


def test_whatever_a_provider_does_points_and_orders_agree(moment: Any, world: World, tmp_path: Path) -> None:
    shop, alice = outside_reward(world, tmp_path), Redeemer(world, "alice", PRICE * len(BEHAVIOURS))
    made = {}
    for behaviour, (at_once, _, _) in BEHAVIOURS.items():
        shop.tell(behaviour)
        status, said = alice.redeem("parcel", PRICE)
        assert (behaviour, status, said["state"]) == (behaviour, 201, at_once)
        made[behaviour] = said["id"]
    shop.tell("")
    work_until_still(world, moment)
    moment.shift(timedelta(hours=3))
    work_until_still(world, moment, rounds=2, step=timedelta(hours=3))
    arrivals = {row.request_no: row.arrivals for row in shop.orders()}
    for behaviour, (_, in_the_end, arrived) in BEHAVIOURS.items():
        found = alice.in_full(made[behaviour])
        assert (behaviour, found["state"]) == (behaviour, in_the_end)
        assert arrivals["rdm_" + UUID(made[behaviour]).hex] == arrived, behaviour
        agree(alice, shop, made[behaviour])
        assert order_of(world, made[behaviour]).next_attempt_at is None, behaviour
    confirmed = sum(in_the_end == "confirmed" for _, in_the_end, _ in BEHAVIOURS.values())
    assert alice.points == {"available": PRICE * (len(BEHAVIOURS) - confirmed)}
    assert left(world) == 10_000 - confirmed, "what nobody got is there again"
    asked = [step for step, _, _ in heard(world, made["fail"])]
    assert asked == ["place", *["query"] * asked.count("query"), "withdraw"] and asked.count("query") >= 3
    assert order_of(world, made["post"]).status == "delivered"
    world.check_books()


def test_a_withdrawn_number_is_refused_however_late_it_arrives(moment: Any, world: World, tmp_path: Path) -> None:
    shop, alice = outside_reward(world, tmp_path), Redeemer(world, "alice", PRICE)
    shop.tell("silent")
    redemption = alice.redeem("parcel", PRICE)[1]["id"]
    work(world)
    assert alice.points == {"reserved": PRICE}, "it may be on its way"
    work_until_still(world, moment)
    assert alice.points == {"available": PRICE}
    shop.tell("")
    number = order_of(world, redemption)
    late = {"request_no": "rdm_" + number.redemption_id.hex, "item": "parcel", "quantity": 1}
    assert shop.answer("order.placed", late).document["status"] == "withdrawn"
    agree(alice, shop, redemption)


def test_whoever_dies_between_two_steps_leaves_an_order_that_is_finished(
    moment: Any, postgresql_url: str, tmp_path: Path
) -> None:
    """Before it is claimed, between claim and call, between call and answer; and so again while it is asked about."""
    world = World(postgresql_url)
    shop, alice = outside_reward(world, tmp_path), Redeemer(world, "alice", PRICE * 8)
    ends = {"timeout_after_success": "confirmed", "silent": "cancelled"}
    made: dict[str, str] = {}
    for behaviour, sent in ends.items():
        shop.tell(behaviour)
        for died, steps in DEATHS.items():
            redemption = reserved(alice)
            made[redemption] = "cancelled" if died == "uncalled" else sent
            for step in steps:
                call = begin(world, alice, redemption)
                assert call is not None and call.asked == step
                if died != "uncalled":
                    call.make()
                moment.shift(timedelta(minutes=1))
        work(world)
    work_until_still(world, moment)
    for redemption, sent in made.items():
        assert alice.in_full(redemption)["state"] == sent
        agree(alice, shop, redemption)
    assert all(row.arrivals <= 1 for row in shop.orders())
    assert alice.points == {"available": PRICE * list(made.values()).count("cancelled")}
    world.check_books()


def test_a_late_or_second_answer_changes_nothing_and_is_kept(moment: Any, world: World, tmp_path: Path) -> None:
    outside_reward(world, tmp_path)
    alice = Redeemer(world, "alice", PRICE * 2)
    late, early = reserved(alice), reserved(alice)
    slow = begin(world, alice, late)
    assert slow is not None
    answer = slow.make()
    moment.shift(timedelta(minutes=1))
    work(world)
    assert alice.in_full(late)["state"] == "confirmed"
    for said in (answer, Refused("TOO_LATE"), Done("ANOTHER-1")):
        hear(world, slow, said)
    assert heard(world, late)[-3:] == [("place", "done", False), ("place", "refused", False), ("place", "done", False)]
    assert order_of(world, late).reference != "ANOTHER-1"
    assert alice.in_full(late)["state"] == alice.in_full(early)["state"] == "confirmed"
    assert alice.points == {}
    world.check_books()


def test_what_a_provider_never_says_two_operators_settle(moment: Any, world: World, tmp_path: Path) -> None:
    shop, alice = outside_reward(world, tmp_path), Redeemer(world, "alice", PRICE * 2)
    asks, decides = signed_in(world, "fay", FINANCE), signed_in(world, "finn", FINANCE)
    shop.tell("timeout_after_success")
    made = [alice.redeem("parcel", PRICE)[1]["id"] for _ in range(2)]
    Path(f"{tmp_path}/post.sqlite").write_bytes(b"a platform that broke down")
    work_until_still(world, moment, rounds=2, step=timedelta(hours=13))
    assert alice.points == {"reserved": PRICE * 2}, "nothing is ever guessed"
    with world.house.transaction() as tx:
        stuck = rewards.stuck_orders(tx, older_than=timedelta(hours=24), now=clock.now())
        assert {str(item.redemption_id) for item in stuck} == set(made)
        counts = rewards.order_counts(tx, now=clock.now())
        assert counts == {("post", "placing"): 2, ("post", "stuck"): 2}
    for redemption, delivered in zip(made, (True, False), strict=True):
        given: dict[str, Any] = {"reason": "telephoned", "now": clock.now()}
        with world.house.transaction() as tx:
            asked = rewards.request_outcome(
                tx, UUID(redemption), delivered=delivered, reference=None, operator=asks, **given
            )
        with world.house.transaction() as tx, pytest.raises(SecondOperatorNeeded):
            rewards.decide_outcome(tx, asked, operator=asks, granted=True, **given)
        with world.house.transaction() as tx:
            assert rewards.decide_outcome(tx, asked, operator=decides, granted=True, **given).status == "executed"
        with world.house.transaction() as tx, pytest.raises(OutcomeKnown):
            rewards.request_outcome(tx, UUID(redemption), delivered=True, reference=None, operator=asks, **given)
    told = [alice.in_full(redemption)["steps"][-1] for redemption in made]
    assert [(step["state"], step["actor"]) for step in told] == [("confirmed", "operator"), ("cancelled", "operator")]
    assert told[1]["why"]["code"] == "NOT_DELIVERED", "the provider refused nothing"
    assert alice.points == {"available": PRICE}
    world.check_books()


def test_keys_that_cannot_be_read_cancel_nothing_and_are_shown(moment: Any, world: World, tmp_path: Path) -> None:
    shop, alice = outside_reward(world, tmp_path), Redeemer(world, "alice", PRICE * 2)
    shop.tell("late")
    made = {alice.redeem("parcel", PRICE)[1]["id"], reserved(alice)}
    moment.shift(timedelta(minutes=1))
    finishing.finish_round(world.house.sessions, Vault(b"another", b"key"), DOORS, "post")
    assert {alice.in_full(redemption)["state"] for redemption in made} == {"requested", "reserved"}
    with world.house.transaction() as tx:
        stuck = rewards.stuck_orders(tx, older_than=timedelta(hours=24), now=clock.now())
        assert {(str(item.redemption_id), item.error) for item in stuck} == {
            (redemption, "PROVIDER_KEYS_UNREADABLE") for redemption in made
        }
        assert rewards.order_counts(tx, now=clock.now())[("post", "stuck")] == 2
    shop.tell("")
    work_until_still(world, moment)
    assert {alice.in_full(redemption)["state"] for redemption in made} == {"confirmed"}
    world.check_books()


def begin(world: World, by: Redeemer, redemption: str, *, doors: Doors = DOORS) -> finishing.Call | None:
    with world.house.transaction() as tx:
        return finishing.begin(tx, world.house.vault, doors, by.holder, UUID(redemption), now=clock.now())


def hear(world: World, call: finishing.Call, answer: Any) -> None:
    with world.house.transaction() as tx:
        finishing.write_down(tx, call, answer, now=clock.now())


def test_thirty_orders_that_time_out_after_success_while_processes_die(
    moment: Any, postgresql_url: str, tmp_path: Path
) -> None:
    """Over real HTTP, several at a time; every other process dies on the way, and two workers clear up."""
    world = World(postgresql_url)
    with platform(tmp_path) as twin:
        doors = Doors((twin.host,), sandbox=True)
        outside_reward(world, tmp_path, doors=doors, provider_kind="http_order", url=twin.url)
        twin.shop.tell("timeout_after_success:0")
        people = [Redeemer(world, f"member-{number}", PRICE * 10) for number in range(3)]
        for by in people:
            by.doors = doors

        def redeem(number: int) -> tuple[Redeemer, str]:
            by = people[number % 3]
            if number % 2:
                return by, by.redeem("parcel", PRICE)[1]["id"]
            redemption = reserved(by)
            call = begin(world, by, redemption, doors=doors)
            assert call is not None
            if number % 4:
                call.make()
            return by, redemption

        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(redeem, range(30)))
            for _ in range(9):
                moment.shift(timedelta(minutes=1))
                list(pool.map(lambda _: work(world, doors=doors), range(2)))
        states = [by.in_full(redemption)["state"] for by, redemption in made]
        assert states == ["cancelled" if number % 4 == 0 else "confirmed" for number in range(30)]
        booked = [row for row in twin.shop.orders() if row.booked]
        assert len(booked) == states.count("confirmed")
        assert all(row.arrivals <= 1 for row in twin.shop.orders())
        kept = sum(by.points.get("available", 0) for by in people)
        assert kept == PRICE * states.count("cancelled") and sum(sum(by.points.values()) for by in people) == kept
    world.check_books()
