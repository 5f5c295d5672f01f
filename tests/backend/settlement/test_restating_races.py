"""Restating while the same acts are settled, displaced, cancelled and reversed, on PostgreSQL: the books stay sound."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend import activities, clock, partners, settlement
from backend.activities import ActivityKey, Library
from tests.backend.corrected import corrected
from tests.backend.world import World, cancel, days_ago, trade_in, trip

PEOPLE = tuple(f"p{number}" for number in range(6))


@pytest.fixture
def world(postgresql_url: str) -> World:
    return World(postgresql_url)


def all_together(jobs: Sequence[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for each in [pool.submit(job) for job in jobs]:
            each.result(timeout=240)


def restate(world: World, code: str, library: Library, limit: int = 500) -> settlement.RunState:
    return list(settlement.restate(world.house.sessions, code, "V01", library=library, limit=limit))[-1]


def reverse(world: World, key: ActivityKey) -> None:
    """As a reviewer does it: again when something was in the way."""
    while True:
        try:
            with world.house.transaction() as tx:
                settlement.reverse(tx, [key], now=clock.now())
            return
        except (activities.Contended, OperationalError):
            continue


def issued(world: World) -> list[ActivityKey]:
    with world.house.transaction() as tx:
        rows = tx.execute(text("SELECT holder_id, id FROM activities WHERE status = 'issued' ORDER BY id")).all()
    return [(UUID(str(row.holder_id)), UUID(str(row.id))) for row in rows]


def standing_grams(world: World) -> list[int]:
    with world.house.transaction() as tx:
        acts = activities.load(tx, issued(world))
        return [credits.reduction_g for credits in activities.standings(tx, acts.values()).values()]


def nothing_left(world: World) -> bool:
    with world.house.transaction() as tx:
        return tx.execute(text("SELECT holder_id FROM balances WHERE amount > 0")).all() == []


def settle_until(world: World, said: threading.Event) -> None:
    while True:
        last = said.is_set()
        if not partners.settle_waiting(world.house.sessions, world.house.vault, limit=7) and last:
            return


def test_rides_are_restated_while_they_come_go_and_displace_each_other(world: World) -> None:
    """Rides of one day contend for hours: acts are displaced and promoted while their numbers change under them."""
    less = corrected("metro_ride", "reduction_per_km", "0.04")
    more = corrected("metro_ride", "reduction_per_km", "0.05")
    for name in PEOPLE:
        world.person(name)
    for number in range(60):
        at = days_ago(3 + number % 2, 7 + number // 12, 10 * (number % 5))
        world.send("transit", trip(f"A{number}", PEOPLE[number % 6], "9", at=at, minutes=25))
    world.settle()
    reviewed, said = issued(world)[::4], threading.Event()

    def send() -> None:
        for number in range(60):
            at = days_ago(3 + number % 2, 7 + number // 12, 10 * ((number + 2) % 5))
            world.send("transit", trip(f"B{number}", PEOPLE[number % 6], "9", at=at, minutes=25))
            if number % 3 == 0:
                world.send("transit", cancel(f"A{number}", PEOPLE[number % 6]))
            if number % 5 == 0:
                world.send("transit", cancel(f"B{number}", PEOPLE[number % 6]))
        said.set()

    def correct(first: Library, second: Library) -> None:
        while not said.is_set():
            restate(world, "metro_ride", first, limit=5)
            restate(world, "metro_ride", second, limit=9)

    def review() -> None:
        for key in reviewed:
            reverse(world, key)

    work = [lambda: settle_until(world, said)] * 3
    all_together([send, review, lambda: correct(less, more), lambda: correct(more, less), *work])
    world.settle()
    world.check_books()
    restate(world, "metro_ride", less)
    world.check_books()
    assert set(standing_grams(world)) == {360}, "9 km by the library that had the last word"
    while keys := issued(world):  # an act that goes lets another one come to its right
        for key in keys:
            reverse(world, key)
    world.check_books()
    assert nothing_left(world)


def test_devices_are_restated_while_they_are_reversed(world: World) -> None:
    """No daily rule holds these acts together: only their claims and their rows are there to be locked."""
    less = corrected("device_reuse", "avoided_production", "20", category="phone")
    for name in PEOPLE:
        world.person(name)
    for number in range(60):
        world.send("zhuanzhuan", trade_in(f"D{number}", PEOPLE[number % 6], f"SN{number}"))
    world.settle()
    keys = issued(world)
    half = settlement.restate(world.house.sessions, "device_reuse", "V01", library=less, limit=30)
    assert [next(half).restated for _ in range(2)] == [0, 30]

    def correct() -> None:
        for library in (less, activities.library(), less):
            restate(world, "device_reuse", library, limit=4)

    def review(mine: Sequence[ActivityKey]) -> None:
        for key in mine:
            reverse(world, key)

    all_together([correct, correct, lambda: review(keys[::2]), lambda: review(keys[::-2])])
    world.check_books()
    assert issued(world) == []
    assert nothing_left(world)
