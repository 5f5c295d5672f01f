"""Nothing is counted twice, and arrival never decides."""

from itertools import permutations

import pytest

from tests.backend.world import World, cancel, days_ago, trade_in, trip


def test_a_device_earns_once_whoever_sends_it(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    world.send("zhuanzhuan", trade_in("D1", "alice", "sn 00-1"))
    second = world.send("zhuanzhuan", trade_in("D2", "bob", "SN001"))
    world.settle()
    assert world.lines("zhuanzhuan", second)[0]["code"] == "ALREADY_CLAIMED"
    assert (world.balances(alice)["reduction"], world.balances(bob)) == (23_750, {})
    world.check_books()


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_cancelled_claim_goes_to_who_else_has_it(world: World, order: tuple[int, ...], together: bool) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    events = [
        trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)),
        trade_in("D2", "bob", "SN-1", occurred_at=days_ago(4)),
        cancel("D1", "alice"),
    ]
    for position in order:
        world.send("zhuanzhuan", events[position])
        if not together:
            world.settle()
    world.settle()
    assert (world.balances(alice), world.balances(bob)["reduction"]) == ({}, 23_750)
    world.check_books()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_overlapping_trips_the_earlier_counts(world: World, order: tuple[int, ...]) -> None:
    """The middle trip overlaps both others: it gives way to the first, and the last one counts."""
    alice = world.person("alice")
    trips = [
        trip("T1", "alice", "10", at=days_ago(3, 8, 0)),
        trip("T2", "alice", "20", at=days_ago(3, 8, 20)),
        trip("T3", "alice", "15", at=days_ago(3, 8, 40)),
    ]
    for position in order:
        world.send("transit", trips[position])
        world.settle()
    assert world.balances(alice)["reduction"] == 467 + 700
    world.check_books()


def test_trips_that_touch_do_not_overlap(world: World) -> None:
    alice = world.person("alice")
    world.send("transit", trip("T1", "alice", "10", at=days_ago(3, 8, 0)))
    world.send("transit", trip("T2", "alice", "10", at=days_ago(3, 8, 30)))
    world.settle()
    assert world.balances(alice)["reduction"] == 467 * 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_trip_over_midnight_overlaps_the_next_day(world: World, order: tuple[int, int]) -> None:
    alice = world.person("alice")
    trips = [
        trip("T1", "alice", "10", at=days_ago(3, 23, 50)),
        trip("T2", "alice", "20", at=days_ago(2, 0, 10)),
    ]
    for position in order:
        world.send("transit", trips[position])
        world.settle()
    assert world.balances(alice)["reduction"] == 467
    world.check_books()


@pytest.mark.parametrize("together", [True, False])
def test_the_seventh_trip_of_a_day_does_not_count(world: World, together: bool) -> None:
    alice = world.person("alice")
    trips = [trip(f"T{hour}", "alice", str(hour), at=days_ago(3, hour)) for hour in (20, 9, 8, 7, 10, 11, 12)]
    for each in trips:
        world.send("transit", each)
        if not together:
            world.settle()
    world.settle()
    assert world.balances(alice)["reduction"] == sum(int(hour * 46.7) for hour in (7, 8, 9, 10, 11, 12))
    world.send("transit", cancel("T7", "alice"))
    world.settle()
    assert world.balances(alice)["reduction"] == sum(int(hour * 46.7) for hour in (8, 9, 10, 11, 12, 20))
    world.check_books()
