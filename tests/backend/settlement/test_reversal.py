"""Taken back as one chain: grams, points and claims together, once, and whoever lost comes to their right."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from backend import activities, clock, ledger, settlement
from backend.activities import ActivityKey
from tests.backend.spending import net_points, spend
from tests.backend.world import World, cancel, days_ago, event, trade_in, trip

PHONE, TABLET = 23_750, 23_940


def reverse(world: World, *keys: ActivityKey, reason: str = "REVERSED") -> list[ActivityKey]:
    with world.house.transaction() as tx:
        done = settlement.reverse(tx, keys, reason=reason, now=clock.now())
    world.check_books_at_the_end()
    return done


def act_of(world: World, partner: str, event_id: str, holder: UUID, line: int = 0) -> ActivityKey:
    return holder, UUID(world.lines(partner, event_id)[line]["activity_id"])


def status_of(world: World, key: ActivityKey) -> tuple[str, str | None]:
    with world.house.transaction() as tx:
        act = activities.load(tx, [key])[key]
    return act.status, act.reason


def settled(world: World, partner: str, *events: Any) -> list[str]:
    sent = [world.send(partner, each) for each in events]
    world.settle()
    world.check_books_at_the_end()
    return sent


def purchase(order: str, user: str, serial: str, certificate: str, days: int) -> dict[str, Any]:
    item = {
        "line": 1,
        "model": "Legion Y9000K IRX9",
        "serial": serial,
        "certificate_no": certificate,
        "retired_kg": 300,
    }
    return event("product.purchased", order, user, occurred_at=days_ago(days), items=[item])


# -- the chain ---------------------------------------------------------------------------------------------------


def test_an_act_is_taken_back_whole_and_once(world: World) -> None:
    alice = world.person("alice")
    (sent,) = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    key = act_of(world, "zhuanzhuan", sent, alice)
    assert reverse(world, key, reason="FRAUD") == [key]
    assert (world.balances(alice), status_of(world, key)) == ({}, ("taken_back", "FRAUD"))
    assert reverse(world, key) == []
    assert status_of(world, key) == ("taken_back", "FRAUD")


def test_the_reversal_names_what_it_reverses_at_the_amounts_recorded(world: World) -> None:
    alice = world.person("alice")
    (sent,) = settled(world, "shop", purchase("P1", "alice", "PC1", "C1", 3))
    key = act_of(world, "shop", sent, alice)
    assert world.balances(alice) == {"offset": 300_000, "points.pending": 200}
    reverse(world, key)
    with world.house.transaction() as tx:
        issue, back = (entry.transaction for entry in ledger.entries_of_activities(tx, [key]))
    assert (back.reverses_id, back.kind) == (issue.id, "issue.reversed")
    moved = [{(t.debit, t.credit): t.amount for t in item.transfers} for item in (issue, back)]
    assert moved[1] == {(credit, debit): amount for (debit, credit), amount in moved[0].items()}


def test_a_batch_of_acts_is_taken_back_together(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    sent = settled(
        world, "zhuanzhuan", *(trade_in(f"D{n}", user, f"SN-{n}") for n, user in enumerate(("alice", "bob")))
    )
    keys = [act_of(world, "zhuanzhuan", each, holder) for each, holder in zip(sent, (alice, bob), strict=True)]
    assert set(reverse(world, *keys, keys[0])) == set(keys)
    assert (world.balances(alice), world.balances(bob)) == ({}, {})


def test_what_was_never_credited_is_left_alone(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    future = trip("T1", "alice", at=clock.now() + timedelta(hours=1))
    (refused,) = settled(world, "transit", future)
    _, outdone = settled(
        world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)), trade_in("D2", "bob", "SN-1")
    )
    assert reverse(world, act_of(world, "transit", refused, alice), (alice, UUID(int=0))) == []
    loser = act_of(world, "zhuanzhuan", outdone, bob)
    assert reverse(world, loser) == [loser], "an act that might come to count is taken out of the contest"
    settled(world, "zhuanzhuan", cancel("D1", "alice"))
    assert (world.balances(alice), world.balances(bob)) == ({}, {})


def test_news_is_announced_with_what_happened(world: World) -> None:
    alice = world.person("alice")
    (sent,) = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    reverse(world, act_of(world, "zhuanzhuan", sent, alice))
    with world.house.transaction() as tx:
        topics = tx.execute(text("SELECT topic FROM outbox ORDER BY id")).scalars().all()
    assert topics == ["reduction.issued", "reduction.reversed"]


def test_a_reversal_is_undone_when_the_transaction_is(world: World) -> None:
    alice = world.person("alice")
    (sent,) = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    key = act_of(world, "zhuanzhuan", sent, alice)
    with pytest.raises(RuntimeError), world.house.transaction() as tx:
        settlement.reverse(tx, [key], now=clock.now())
        raise RuntimeError
    world.check_books()
    assert world.balances(alice)["reduction"] == PHONE


# -- claims are released -----------------------------------------------------------------------------------------


def test_a_reversed_device_can_be_claimed_again(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    (sent,) = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)))
    reverse(world, act_of(world, "zhuanzhuan", sent, alice))
    settled(world, "zhuanzhuan", trade_in("D2", "bob", "SN-1"))
    assert (world.balances(alice), world.balances(bob)["reduction"]) == ({}, PHONE)


@pytest.mark.parametrize("gone", list(permutations(range(3), 2)))
def test_the_next_best_claim_counts_each_time(world: World, gone: tuple[int, int]) -> None:
    people = [world.person(name) for name in ("alice", "bob", "cy")]
    sent = settled(
        world,
        "zhuanzhuan",
        *(
            trade_in(f"D{n}", name, "SN-1", occurred_at=days_ago(6 - n))
            for n, name in enumerate(("alice", "bob", "cy"))
        ),
    )
    standing = {0, 1, 2}
    for number in gone:
        reverse(world, act_of(world, "zhuanzhuan", sent[number], people[number]))
        standing.discard(number)
        counted = {n for n, holder in enumerate(people) if world.balances(holder).get("reduction")}
        assert counted == {min(standing)}


def test_who_withdrew_consent_does_not_inherit_a_claim(world: World) -> None:
    alice, bob, cy = (world.person(name) for name in ("alice", "bob", "cy"))
    first, *_ = settled(
        world,
        "zhuanzhuan",
        *(
            trade_in(f"D{n}", name, "SN-1", occurred_at=days_ago(6 - n))
            for n, name in enumerate(("alice", "bob", "cy"))
        ),
    )
    world.consent(bob, "zhuanzhuan", granted=False)
    reverse(world, act_of(world, "zhuanzhuan", first, alice))
    assert (world.balances(bob), world.balances(cy)["reduction"]) == ({}, PHONE)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_act_with_two_claims_needs_both(world: World, order: tuple[int, ...]) -> None:
    """Cy's computer has a serial that is alice's and a certificate that is bob's: freeing one is not enough."""
    alice, bob, cy = (world.person(name) for name in ("alice", "bob", "cy"))
    sales = [
        purchase("P1", "alice", "PC1", "CERT-A", 6),
        purchase("P2", "bob", "PC2", "CERT-B", 5),
        purchase("P3", "cy", "PC1", "CERT-B", 4),
    ]
    for position in order:
        settled(world, "shop", sales[position])
    settled(world, "shop", cancel("P2", "bob"))
    assert (world.balances(alice)["offset"], world.balances(bob), world.balances(cy)) == (300_000, {}, {})
    settled(world, "shop", cancel("P1", "alice"))
    assert (world.balances(alice), world.balances(cy)["offset"]) == ({}, 300_000)


def test_two_claims_freed_at_once(world: World) -> None:
    cy = [world.person(name) for name in ("alice", "bob", "cy")][2]
    settled(
        world,
        "shop",
        purchase("P1", "alice", "PC1", "CERT-A", 6),
        purchase("P2", "bob", "PC2", "CERT-B", 5),
        purchase("P3", "cy", "PC1", "CERT-B", 4),
    )
    settled(world, "shop", cancel("P2", "bob"), cancel("P1", "alice"))
    assert world.balances(cy)["offset"] == 300_000


def test_an_overlap_that_ends_does_not_free_a_ride_that_is_anothers(world: World) -> None:
    """Alice's second trip lost to her first; meanwhile bob turned out to own that very ride."""
    alice, bob = world.person("alice"), world.person("bob")
    settled(world, "transit", trip("T1", "alice", "10", at=days_ago(3, 8, 0)))
    settled(world, "transit", trip("T2", "alice", "10", at=days_ago(3, 8, 20), trip_id="RIDE"))
    settled(world, "transit", trip("T3", "bob", "10", at=days_ago(3, 8, 10), trip_id="RIDE"))
    settled(world, "transit", cancel("T1", "alice"))
    assert (world.balances(alice), world.balances(bob)["reduction"]) == ({}, 467)
    settled(world, "transit", cancel("T3", "bob"))
    assert (world.balances(alice)["reduction"], world.balances(bob)) == (467, {})


def test_a_ride_that_is_ones_own_again_still_waits_for_the_overlap_to_end(world: World) -> None:
    alice, _ = world.person("alice"), world.person("bob")
    settled(world, "transit", trip("T1", "alice", "10", at=days_ago(3, 8, 0)))
    settled(world, "transit", trip("T3", "bob", "10", at=days_ago(3, 8, 10), trip_id="RIDE"))
    (sent,) = settled(world, "transit", trip("T2", "alice", "20", at=days_ago(3, 8, 20), trip_id="RIDE"))
    key = act_of(world, "transit", sent, alice)
    assert status_of(world, key) == ("outdone", "ALREADY_CLAIMED")
    settled(world, "transit", cancel("T3", "bob"))
    assert status_of(world, key) == ("outdone", "OVERLAPPING_TRIP"), "the member is told the reason of today"
    settled(world, "transit", cancel("T1", "alice"))
    assert world.balances(alice)["reduction"] == 934


# -- days --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1), (1, 2, 3, 0)])
def test_what_is_decided_before_midnight_moves_the_days_after(world: World, order: tuple[int, ...]) -> None:
    """Each trip overlaps the one before, over two midnights: the first and the third count, whatever came first."""
    alice = world.person("alice")
    trips = [
        trip("T1", "alice", "10", at=days_ago(4, 23, 25), minutes=30),
        trip("T2", "alice", "50", at=days_ago(4, 23, 50), minutes=340),
        trip("T3", "alice", "60", at=days_ago(3, 5, 20), minutes=60),
        trip("T4", "alice", "20", at=days_ago(3, 6, 10), minutes=30),
    ]
    for position in order:
        settled(world, "transit", trips[position])
    assert world.balances(alice)["reduction"] == 467 + 2_802
    settled(world, "transit", cancel("T1", "alice"))
    assert world.balances(alice)["reduction"] == 2_335 + 934


@pytest.mark.parametrize(("order", "together"), [((0, 1, 2), True), ((2, 1, 0), False), ((1, 2, 0), False)])
def test_a_day_of_donations_has_its_limit(world: World, order: tuple[int, ...], together: bool) -> None:
    """Fifty kilograms of clothes a day: the earlier ones count, and what is freed goes to who was left out."""
    alice = world.person("alice")
    gifts = [
        event(
            "donation.received",
            f"G{hour}",
            "alice",
            occurred_at=days_ago(3, hour),
            items=[{"line": 1, "category": "clothes", "weight_kg": weight}],
        )
        for hour, weight in ((8, 30), (9, 21), (10, "19.999"))
    ]
    for position in order:
        world.send("dangdang", gifts[position])
        if not together:
            world.settle()
    world.settle()
    assert world.balances(alice)["reduction"] == 108_000 + 71_996
    settled(world, "dangdang", cancel("G8", "alice"))
    assert world.balances(alice)["reduction"] == 75_600 + 71_996


def test_the_limit_is_per_member_methodology_and_day(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    for number, (user, day) in enumerate((("alice", 3), ("alice", 3), ("bob", 3), ("alice", 2))):
        items = [{"line": 1, "category": "books", "quantity": 150}, {"line": 2, "category": "clothes", "weight_kg": 30}]
        world.send(
            "dangdang",
            event("donation.received", f"G{number}", user, occurred_at=days_ago(day, 8 + number), items=items),
        )
    world.settle()
    world.check_books()
    assert world.balances(alice)["reduction"] == 2 * world.balances(bob)["reduction"]


# -- points that were spent meanwhile ----------------------------------------------------------------------------


def test_a_correction_after_spending_owes_the_difference_only(world: World) -> None:
    alice = world.person("alice")
    settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        world.ripen()
    spend(world, alice, PHONE)
    corrected = trade_in("D1", "alice", "SN-1", category="tablet", revision=2) | {"type": "order.corrected"}
    settled(world, "zhuanzhuan", corrected)
    assert world.balances(alice) == {"reduction": TABLET, "points.pending": TABLET, "points.debt": PHONE}
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        world.ripen()
    world.check_books()
    assert world.balances(alice) == {"reduction": TABLET, "points.available": TABLET - PHONE}
    assert net_points(world, alice) == TABLET


def test_an_order_moved_to_another_member_moves_everything(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    corrected = trade_in("D1", "bob", "SN-1", revision=2) | {"type": "order.corrected"}
    settled(world, "zhuanzhuan", corrected)
    assert (world.balances(alice), world.balances(bob)) == ({}, {"reduction": PHONE, "points.pending": PHONE})


def test_back_and_forth_many_times_leaves_exactly_one_credit(world: World) -> None:
    """Issued, displaced and promoted over and over: every issue has its own key, lot and reversal."""
    alice, bob = world.person("alice"), world.person("bob")
    settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(3)))
    for round_ in range(4):
        settled(world, "zhuanzhuan", trade_in(f"D2-{round_}", "bob", "SN-1", occurred_at=days_ago(5)))
        assert (world.balances(alice), world.balances(bob)["reduction"]) == ({}, PHONE)
        settled(world, "zhuanzhuan", cancel(f"D2-{round_}", "bob"))
        assert (world.balances(alice)["reduction"], world.balances(bob)) == (PHONE, {})
    assert net_points(world, alice) == PHONE
