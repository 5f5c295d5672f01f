"""The last piece and the last code, wanted by two at once. On PostgreSQL: SQLite lets one write at a time anyway."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import clock, rewards
from backend.ids import new_id
from backend.rewards import CodeAlreadyShown, SoldOut
from backend.rewards.catalogue import stock, vouchers
from tests.backend.rewards.stocked import fill, stock_up
from tests.backend.world import World

ROUNDS = 100


@pytest.fixture
def world(postgresql_url: str) -> World:
    world = World(postgresql_url)
    stock_up(world)
    return world


def wanted(world: World, take: Callable[..., object], holders: Sequence[object]) -> list[bool]:
    """Each of them takes one at the same moment; who got it."""
    together = threading.Barrier(len(holders))

    def one(holder: object) -> bool:
        together.wait(60)
        try:
            with world.house.transaction() as tx:
                take(tx, holder)
        except (SoldOut, CodeAlreadyShown):
            return False
        return True

    with ThreadPoolExecutor(len(holders)) as pool:
        return list(pool.map(one, holders))


def test_the_last_one_goes_to_one_of_two(world: World) -> None:
    holders = [world.person(name, linked=False, consenting=False) for name in ("alice", "bob")]
    alice, _ = holders

    def a_code(tx: Any, holder: UUID) -> None:
        """Each takes it; every other time alice's has to be reviewed first."""
        named: dict[str, Any] = {"reward": "coffee", "redemption_id": new_id(), "usable_until": clock.today()}
        if holder == alice and number % 2:
            vouchers.reserve_code(tx, **named)
        else:
            vouchers.take_code(tx, world.house.vault, holder_id=holder, **named)

    def a_mug(tx: Any, holder: UUID) -> None:
        stock.take(tx, "mug", "counted")

    for number in range(ROUNDS):
        fill(world, f"CODE-{number:04}")
        with world.house.transaction() as tx:
            rewards.change_stock(tx, "mug", 1, kind="restock", reason="one", operator_id=None, now=clock.now())
        assert sorted(wanted(world, a_code, holders)) == [False, True], number
        assert sorted(wanted(world, a_mug, holders)) == [False, True], number
    with world.house.transaction() as tx:
        assert stock.pieces_left(tx, "mug") == 0
        one_each = "SELECT count(*), count(DISTINCT code_id), count(DISTINCT redemption_id) FROM reward_vouchers"
        states = "SELECT state, count(*), count(DISTINCT redemption_id) FROM reward_codes GROUP BY state"
        counted = {row[0]: (row[1], row[2]) for row in tx.execute(text(states))}
        taken, reserved = counted.pop("taken")[0], counted.pop("reserved", (0, 0))[0]
        assert taken + reserved == ROUNDS and not counted
        assert tx.execute(text(one_each)).one() == (taken, taken, taken)


def test_a_code_is_shown_to_one_of_two_phones(world: World) -> None:
    alice, keys = world.person("alice", linked=False, consenting=False), ("one phone", "another")
    for number in range(20):
        fill(world, f"CODE-{number:04}")
        mine: dict[str, Any] = {"holder_id": alice, "redemption_id": new_id()}
        with world.house.transaction() as tx:
            vouchers.take_code(tx, world.house.vault, reward="coffee", usable_until=clock.today(), **mine)

        def show(tx: Any, key: str, mine: dict[str, Any] = mine) -> None:
            vouchers.reveal(tx, world.house.vault, key=key, now=clock.now(), **mine)

        assert sorted(wanted(world, show, keys)) == [False, True], number


def test_nobody_is_told_it_is_sold_out_while_the_last_one_may_come_free(world: World) -> None:
    """One holds the last code and gives up; the other waited and gets it."""
    alice, bob = (world.person(name, linked=False, consenting=False) for name in ("alice", "bob"))
    fill(world, "LAST-ONE")
    named: dict[str, Any] = {"reward": "coffee", "usable_until": clock.today()}

    def bobs() -> None:
        with world.house.transaction() as tx:
            vouchers.take_code(tx, world.house.vault, holder_id=bob, redemption_id=new_id(), **named)

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError), world.house.transaction() as tx:
            vouchers.take_code(tx, world.house.vault, holder_id=alice, redemption_id=new_id(), **named)
            waiting = pool.submit(bobs)
            while not (waiting.done() or _somebody_waits(world)):
                time.sleep(0.01)
            raise ZeroDivisionError
        waiting.result(60)
    with world.house.transaction() as tx:
        assert tx.execute(text("SELECT holder_id FROM reward_vouchers")).all() == [(bob,)]


def _somebody_waits(world: World) -> bool:
    with world.house.transaction() as tx:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return tx.execute(text(waiting)).first() is not None
