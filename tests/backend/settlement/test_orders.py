"""Orders, revisions and cancellations, in whatever order they come."""

import pytest

from tests.backend.world import World, cancel, event, trade_in, trip

PHONE_G = 23_750  # 25 kg less the 5 % cut for refurbishing and transport


def test_a_trade_in_becomes_grams_and_pending_points(world: World) -> None:
    alice = world.person("alice")
    sent = world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    world.settle()
    assert world.balances(alice) == {"reduction": PHONE_G, "points.pending": PHONE_G}
    (line,) = world.lines("zhuanzhuan", sent)
    assert (line["status"], line["reduction_g"], line["points"]) == ("issued", PHONE_G, PHONE_G)
    assert (line["offset_g"], line["eac_wh"]) == (0, 0)
    world.check_books()


def test_the_same_event_twice_counts_once(world: World) -> None:
    alice = world.person("alice")
    first = trade_in("D1", "alice", "SN-1")
    world.send("zhuanzhuan", first, "evt")
    world.send("zhuanzhuan", first, "evt")
    again = world.send("zhuanzhuan", first, "evt-again")
    world.settle()
    assert world.balances(alice)["reduction"] == PHONE_G
    assert world.lines("zhuanzhuan", again)[0]["code"] == "DUPLICATE_LINE"
    world.check_books()


def test_the_same_line_with_another_content_is_refused(world: World) -> None:
    alice = world.person("alice")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    other = world.send("zhuanzhuan", trade_in("D1", "alice", "SN-2"))
    world.settle()
    assert world.lines("zhuanzhuan", other)[0]["code"] == "LINE_CONFLICT"
    assert world.balances(alice)["reduction"] == PHONE_G


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_a_cancelled_order_leaves_nothing(world: World, order: tuple[int, int], together: bool) -> None:
    alice = world.person("alice")
    events = [trade_in("D1", "alice", "SN-1"), cancel("D1", "alice")]
    for position in order:
        world.send("zhuanzhuan", events[position])
        if not together:
            world.settle()
    world.settle()
    assert world.balances(alice) == {}
    world.check_books()


def test_one_line_of_an_order_is_cancelled(world: World) -> None:
    alice = world.person("alice")
    items = [{"line": n, "category": "phone", "serial": f"SN-{n}", "quantity": 1} for n in (1, 2, 3)]
    world.send("zhuanzhuan", event("device.traded_in", "D1", "alice", outcome="resold", items=items))
    world.settle()
    world.send("zhuanzhuan", cancel("D1", "alice", 2))
    world.settle()
    assert world.balances(alice)["reduction"] == 2 * PHONE_G
    world.check_books()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (0, 2, 1), (2, 0, 1)])
def test_the_highest_revision_stands(world: World, order: tuple[int, ...]) -> None:
    """A correction before its order waits for it; a later revision outlives an earlier cancellation."""
    alice = world.person("alice")
    corrected = trade_in("D1", "alice", "SN-1", category="tablet", revision=3)
    corrected["type"] = "order.corrected"
    events = [trade_in("D1", "alice", "SN-1"), cancel("D1", "alice", revision=2), corrected]
    for position in order:
        world.send("zhuanzhuan", events[position])
        world.settle()
    assert world.balances(alice)["reduction"] == 23_940  # 25.2 kg less 5 %
    world.check_books()


def test_a_correction_alone_waits_for_its_order(world: World) -> None:
    alice = world.person("alice")
    corrected = trade_in("D1", "alice", "SN-1", revision=2)
    corrected["type"] = "order.corrected"
    sent = world.send("zhuanzhuan", corrected)
    world.settle()
    (line,) = world.lines("zhuanzhuan", sent)
    assert (line["line"], line["status"], line["code"]) == ("1", "parked", "AWAITING_ORDER")
    assert world.balances(alice) == {}


def test_an_order_does_not_change_its_type(world: World) -> None:
    alice = world.person("alice")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    changed = trade_in("D1", "alice", "SN-1", revision=2)
    changed["type"] = "device.recycled"
    sent = world.send("zhuanzhuan", changed)
    world.settle()
    assert world.lines("zhuanzhuan", sent)[0]["code"] == "ORDER_TYPE_CHANGED"
    assert world.balances(alice)["reduction"] == PHONE_G


def test_a_trip_counts_by_its_distance(world: World) -> None:
    alice = world.person("alice")
    world.send("transit", trip("T1", "alice"))
    world.settle()
    assert world.balances(alice) == {"reduction": 579, "points.pending": 579}


def test_one_bad_line_does_not_cost_the_others(world: World) -> None:
    alice = world.person("alice")
    items = [
        {"line": 1, "category": "phone", "serial": "SN-1", "quantity": 1},
        {"line": 2, "category": "spaceship", "serial": "SN-2", "quantity": 1},
        {"line": 3, "category": "phone", "serial": "SN-3", "quantity": -4},
        {"line": 4, "category": "phone", "quantity": 1},
    ]
    sent = world.send("zhuanzhuan", event("device.traded_in", "D1", "alice", outcome="resold", items=items))
    world.settle()
    codes = [line["code"] for line in world.lines("zhuanzhuan", sent)]
    assert codes == [None, "UNKNOWN_CATEGORY", "INVALID_LINE", "MISSING_EVIDENCE"]
    assert world.balances(alice)["reduction"] == PHONE_G
    world.check_books()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_cancellation_without_a_revision_is_final(world: World, order: tuple[int, ...]) -> None:
    alice = world.person("alice")
    corrected = trade_in("D1", "alice", "SN-1", category="tablet", revision=2) | {"type": "order.corrected"}
    events = [trade_in("D1", "alice", "SN-1"), corrected, cancel("D1", "alice")]
    for position in order:
        world.send("zhuanzhuan", events[position])
        world.settle()
    assert world.balances(alice) == {}
    world.check_books()


def test_a_cancellation_says_what_it_leaves_standing(world: World) -> None:
    alice = world.person("alice")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1", revision=2))
    sent = world.send("zhuanzhuan", cancel("D1", "alice", revision=1))
    world.settle()
    (line,) = world.lines("zhuanzhuan", sent)
    assert (line["line"], line["status"], line["code"]) == ("*", "cancelled", "LATER_REVISION_STANDS")
    assert world.balances(alice)["reduction"] == PHONE_G
