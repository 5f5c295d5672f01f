"""Points on their way out: reserved, spent, released, refunded, each step once, and back to where they came from."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from backend import clock, points
from backend.ids import new_id
from backend.points import ContradictingUse, InsufficientPoints
from tests.backend.spending import use
from tests.backend.world import World, cancel, days_ago, trade_in

PHONE, TABLET = 23_750, 23_940


@pytest.fixture
def alice(world: World) -> UUID:
    """She has a phone's points, and a tablet's that lapse three days later."""
    holder = world.person("alice")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(16)))
    world.send("zhuanzhuan", trade_in("D2", "alice", "SN-2", category="tablet", occurred_at=days_ago(13)))
    world.settle()
    world.ripen()
    return holder


def do(world: World, verb: str, **asked: Any) -> None:
    """One step, in a transaction of its own."""
    if verb in ("release", "refund"):
        asked.setdefault("reason", "CANCELLED")
    with world.house.transaction() as tx:
        getattr(points, verb)(tx, **({"now": clock.now()} | asked))
    world.check_books_at_the_end()


def held(world: World, holder: UUID) -> dict[str, int]:
    balances = world.balances(holder).items()
    return {name.removeprefix("points."): amount for name, amount in balances if name.startswith("points.")}


def lots(world: World) -> dict[str, tuple[int, int, int, str]]:
    """Order → remaining, reserved, expired, stage."""
    query = """SELECT a.order_no, l.remaining, l.reserved, l.expired, l.stage FROM points_lots l
               JOIN activities a ON a.holder_id = l.holder_id AND a.id = l.activity_id"""
    with world.house.transaction() as tx:
        return {row[0]: tuple(row[1:]) for row in tx.execute(text(query))}  # type: ignore[misc]


def test_a_use_goes_its_way_and_each_step_is_taken_once(world: World, alice: UUID) -> None:
    first = use(alice, PHONE + 1_000)
    named = {"holder_id": alice, "use_id": first["use_id"]}
    for _ in range(2):
        do(world, "reserve", **first)
        assert lots(world) == {"D1": (0, PHONE, 0, "closed"), "D2": (TABLET - 1_000, 1_000, 0, "available")}
        assert held(world, alice) == {"available": TABLET - 1_000, "reserved": PHONE + 1_000}
    for verb, asked in (("refund", named), ("spend", first), ("reserve", first | {"points": 1})):
        with pytest.raises(ContradictingUse):
            do(world, verb, **asked)
    for _ in range(2):
        do(world, "confirm", **named)
        assert held(world, alice) == {"available": TABLET - 1_000}
    with pytest.raises(ContradictingUse):
        do(world, "release", **named)
    for _ in range(2):
        do(world, "refund", **named)
        assert lots(world) == {"D1": (PHONE, 0, 0, "available"), "D2": (TABLET, 0, 0, "available")}
    for verb, asked in (("confirm", named), ("reserve", first), ("release", named | {"use_id": new_id()})):
        with pytest.raises(ContradictingUse):
            do(world, verb, **asked)
    second = use(alice, PHONE)
    for verb in ("spend", "spend", "reserve"):
        do(world, verb, **second)
        assert held(world, alice) == {"available": TABLET}
    third = use(alice, TABLET)
    do(world, "reserve", **third)
    do(world, "release", holder_id=alice, use_id=third["use_id"])
    do(world, "release", holder_id=alice, use_id=third["use_id"])
    assert held(world, alice) == {"available": TABLET}


def test_what_is_not_there_is_refused_with_the_numbers(world: World, alice: UUID) -> None:
    asked = use(alice, PHONE + TABLET + 1)
    with world.house.transaction() as tx, pytest.raises(InsufficientPoints) as refusal:
        points.reserve(tx, **asked)
    assert refusal.value.facts == {"available": PHONE + TABLET, "needed": PHONE + TABLET + 1}
    do(world, "reserve", **(asked | {"points": PHONE + TABLET}))
    world.send("zhuanzhuan", cancel("D1", "alice"))
    world.settle()
    with pytest.raises(InsufficientPoints) as refusal:
        do(world, "spend", **use(alice, 1))
    assert refusal.value.facts["debt"] == PHONE
    assert str(PHONE) in refusal.value.facts["debt_sentence"]["zh"]  # type: ignore[index]


def test_what_comes_back_pays_first_what_its_own_reversal_left(world: World, alice: UUID) -> None:
    asked = use(alice, PHONE + 400)
    do(world, "reserve", **asked)
    world.send("zhuanzhuan", cancel("D1", "alice"))
    world.settle()
    world.check_books()
    left = PHONE - (TABLET - 400)
    assert held(world, alice) == {"reserved": PHONE + 400, "debt": left}, "the tablet's points paid what they could"
    do(world, "release", holder_id=alice, use_id=asked["use_id"])
    assert held(world, alice) == {"available": TABLET}
    assert lots(world) == {"D1": (PHONE - left, 0, 0, "available"), "D2": (400, 0, 0, "available")}


def test_what_comes_back_to_a_lot_that_lapsed_lives_thirty_days_more(world: World, alice: UUID) -> None:
    """And what was left of that lot has lapsed, whether the job came by or not."""
    kept, spent = use(alice, 1_000), use(alice, 500)
    do(world, "reserve", **kept)
    do(world, "spend", **spent)
    with time_machine.travel(clock.now() + timedelta(days=800), tick=False):
        do(world, "release", holder_id=alice, use_id=kept["use_id"])
        assert lots(world)["D1"] == (1_000, 0, PHONE - 1_500, "available")
        with world.house.transaction() as tx:
            assert points.lapse(tx, now=clock.now()) == 1, "the tablet's"
        do(world, "refund", holder_id=alice, use_id=spent["use_id"])
        ends = clock.start_of_day_after(clock.today(), 31)
    assert held(world, alice) == {"available": 1_500}
    for moment, lapses in ((ends - timedelta(seconds=1), 0), (ends, 1), (ends, 0)):
        with world.house.transaction() as tx:
            assert points.lapse(tx, now=moment) == lapses
        world.check_books()
    assert lots(world)["D1"] == (0, 0, PHONE, "closed")


def test_a_clock_that_is_behind_gives_back_what_lapses_once_more(world: World, alice: UUID) -> None:
    """Around midnight one process may lapse a lot while another one, a second behind, still gives points back to it."""
    kept = use(alice, 1_000)
    do(world, "reserve", **kept)
    with world.house.transaction() as tx:
        ends = min(lot.expires_at for lot in points.lots_page(tx, alice, now=clock.now()))
        assert points.lapse(tx, now=ends) == 1
    do(world, "release", holder_id=alice, use_id=kept["use_id"], now=ends - timedelta(seconds=1))
    assert lots(world)["D1"] == (1_000, 0, PHONE - 1_000, "available")
    with world.house.transaction() as tx:
        assert points.lapse(tx, now=ends) == 1
    world.check_books()
    assert lots(world)["D1"] == (0, 0, PHONE, "closed")
