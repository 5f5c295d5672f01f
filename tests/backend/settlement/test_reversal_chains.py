"""Reversals upon reversals: cancellations, corrections, reviews and debts, one after another or at the same moment."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from backend import clock, ledger, points, settlement
from backend.ledger import Transaction
from tests.backend.operating import signed_in
from tests.backend.spending import net_points, spend
from tests.backend.world import World, cancel, days_ago, event, trade_in, trip

PHONE, TABLET = 23_750, 23_940
LATER = timedelta(days=30)


def settled(world: World, partner: str, told: dict[str, Any]) -> dict[str, Any]:
    """Settle an event; returns what is said of its first line."""
    sent = world.send(partner, told)
    world.settle()
    world.check_books_at_the_end()
    line: dict[str, Any] = world.lines(partner, sent)[0]
    return line


def corrected(told: dict[str, Any], revision: int) -> dict[str, Any]:
    return {**told, "type": "order.corrected", "data": told["data"] | {"revision": revision}}


def ripen(world: World) -> None:
    with time_machine.travel(clock.now() + LATER, tick=False):
        world.ripen()
    world.check_books_at_the_end()


def clothes(order_no: str, weight_kg: int) -> dict[str, Any]:
    items = [{"line": 1, "category": "clothes", "weight_kg": weight_kg}]
    return event("donation.received", order_no, "alice", items=items)


def reversed_in_the_books(world: World) -> list[str]:
    with world.house.transaction() as tx:
        query = "SELECT reason FROM ledger_transactions WHERE reverses_id IS NOT NULL ORDER BY id"
        return list(tx.execute(text(query)).scalars())


def test_a_correction_of_weight_or_outcome_goes_back_and_forth(world: World) -> None:
    """Each correction is its whole chain; a cancellation of what was corrected comes too late, a final one never."""
    alice = world.person("alice")
    settled(world, "dangdang", clothes("G1", 10))
    settled(world, "dangdang", corrected(clothes("G1", 20), 2))
    late = settled(world, "dangdang", cancel("G1", "alice", revision=1))
    assert (late["status"], late["code"]) == ("cancelled", "LATER_REVISION_STANDS")
    late = settled(world, "dangdang", cancel("G1", "alice", 1, revision=1))
    assert (late["status"], late["code"]) == ("superseded", "SUPERSEDED")
    assert world.balances(alice) == {"reduction": 72_000, "points.pending": 72_000}
    returned = clothes("G1", 20)
    returned["data"]["outcome"] = "returned"
    line = settled(world, "dangdang", corrected(returned, 3))
    assert (line["status"], line["code"], world.balances(alice)) == ("refused", "NOT_COMPLETED", {})
    settled(world, "dangdang", corrected(clothes("G1", 5), 4))
    assert world.balances(alice) == {"reduction": 18_000, "points.pending": 18_000}
    settled(world, "dangdang", cancel("G1", "alice"))
    assert (world.balances(alice), reversed_in_the_books(world)) == ({}, ["CORRECTED", "CORRECTED", "CANCELLED"])


def test_cancelled_before_its_order_in_part_and_whole_and_again(world: World) -> None:
    """The same cancellation said at another time is the same cancellation, not a contradiction."""
    alice = world.person("alice")
    items = [{"line": n, "category": "phone", "serial": f"SN-{n}", "quantity": 1} for n in (1, 2, 3)]
    settled(world, "zhuanzhuan", cancel("D1", "alice", 2))
    settled(world, "zhuanzhuan", event("device.traded_in", "D1", "alice", outcome="resold", items=items))
    assert world.balances(alice)["reduction"] == 2 * PHONE
    repeated = settled(world, "zhuanzhuan", cancel("D1", "alice", 2, occurred_at=days_ago(1)))
    settled(world, "zhuanzhuan", cancel("D1", "alice"))
    whole = settled(world, "zhuanzhuan", cancel("D1", "alice", occurred_at=days_ago(1)))
    assert [(line["status"], line["code"]) for line in (repeated, whole)] == [("duplicate", "DUPLICATE_LINE")] * 2
    line = settled(world, "zhuanzhuan", cancel("D1", "alice", 1))
    assert (line["status"], line["code"]) == ("superseded", "CANCELLED")
    assert (world.balances(alice), reversed_in_the_books(world)) == ({}, ["CANCELLED"] * 2)


def test_a_decision_after_a_review_and_then_the_partner(world: World) -> None:
    """A cancellation finds nothing left, the same statement is a duplicate, and only a new revision counts anew."""
    alice, bob, li = world.person("alice"), world.person("bob"), signed_in(world, "li", "reviewer")

    def decide(line: dict[str, Any]) -> bool:
        activity = UUID(line["activity_id"])
        return settlement.reverse_after_review(world.house.sessions, activity, operator=li, reason="伪造")

    first = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)))
    waiting = settled(world, "zhuanzhuan", trade_in("D2", "bob", "SN-1"))
    assert decide(waiting), "an outdone act is taken out of the contest"
    assert decide(first) and (world.balances(alice), world.balances(bob)) == ({}, {})
    again = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)))
    assert (again["status"], world.balances(alice)) == ("duplicate", {})
    settled(world, "zhuanzhuan", cancel("D2", "bob"))
    settled(world, "zhuanzhuan", corrected(trade_in("D1", "alice", "SN-2", occurred_at=days_ago(5)), 2))
    assert (world.balances(alice)["reduction"], world.balances(bob)) == (PHONE, {})
    assert reversed_in_the_books(world) == ["REVERSED"]
    assert not decide(first) and not decide(waiting)


def test_a_debt_grows_and_is_paid_while_other_points_wait(world: World) -> None:
    """Owing already, another act goes whose points are half spent; what is pending stays pending until it ripens."""
    alice = world.person("alice")
    for number in (1, 2, 3):
        settled(world, "zhuanzhuan", trade_in(f"D{number}", "alice", f"SN-{number}"))
    ripen(world)
    spend(world, alice, 2 * PHONE + 1_000)
    settled(world, "zhuanzhuan", trade_in("D4", "alice", "SN-4", category="tablet"))
    settled(world, "zhuanzhuan", cancel("D1", "alice"))
    owed = 1_000
    assert world.balances(alice) == {"reduction": 2 * PHONE + TABLET, "points.pending": TABLET, "points.debt": owed}
    settled(world, "zhuanzhuan", cancel("D3", "alice"))
    owed += PHONE
    assert world.balances(alice) == {"reduction": PHONE + TABLET, "points.pending": TABLET, "points.debt": owed}
    ripen(world)
    assert world.balances(alice) == {"reduction": PHONE + TABLET, "points.debt": owed - TABLET}
    settled(world, "zhuanzhuan", cancel("D4", "alice"))
    assert world.balances(alice) == {"reduction": PHONE, "points.debt": owed}
    assert net_points(world, alice) == PHONE


def test_nobody_owes_points_and_has_points_when_a_lot_ripens_meanwhile(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a member's lots and the debt, another worker's act is credited, and its points ripen."""
    world = World(postgresql_url)
    alice = world.person("alice")
    settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    ripen(world)
    spend(world, alice, PHONE)
    post = ledger.post

    def meanwhile(tx: Any, transactions: list[Transaction], **how: Any) -> Any:
        if any(item.reverses_id for item in transactions):
            monkeypatch.setattr(ledger, "post", post)
            world.send("transit", trip("T1", "alice", at=days_ago(20)))
            world.settle()
            with world.house.transaction() as other:
                assert points.ripen(other, now=clock.now()) == 1
        return post(tx, transactions, **how)

    monkeypatch.setattr(ledger, "post", meanwhile)
    settled(world, "zhuanzhuan", cancel("D1", "alice"))
    assert world.balances(alice) == {"reduction": 579, "points.debt": PHONE - 579}
    world.check_books()

