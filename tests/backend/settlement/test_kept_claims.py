"""A partner may book the reduction itself: the act is recorded, holds its claim, and is credited to nobody here."""

from typing import Any
from uuid import UUID

from backend import activities, clock, identity, partners
from tests.backend.world import World, cancel, days_ago, event, trade_in, trip

PHONE = 23_750


def recycled(order_no: str, user: str, serial: str, **data: Any) -> dict[str, Any]:
    item = {"line": 1, "category": "washing_machine", "serial": serial} | data.pop("item", {})
    return event("device.recycled", order_no, user, outcome="recycled", items=[item], **data)


def allow_recycling(world: World, holder: UUID) -> None:
    with world.house.transaction() as tx:
        identity.set_consent(tx, holder_id=holder, partner="dangdang", scene="device", granted=True, now=clock.now())


def test_a_kept_claim_stands_before_every_other_and_a_correction_gives_it_back(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    first = world.send("zhuanzhuan", trade_in("D1", "bob", "SN-1", occurred_at=days_ago(9)))
    world.settle()
    assert world.balances(bob)["reduction"] == PHONE
    later = trade_in("D2", "alice", "SN-1", occurred_at=days_ago(5), claim="kept")
    kept = world.send("zhuanzhuan", later)
    world.settle()
    (told,) = world.lines("zhuanzhuan", kept)
    assert (told["status"], told["code"], told["standing"]) == ("kept", "CLAIM_KEPT", "kept")
    assert (told["reduction_g"], told["points"]) == (0, 0)
    assert (world.balances(alice), world.balances(bob)) == ({}, {})
    (lost,) = world.lines("zhuanzhuan", first)
    assert (lost["status"], lost["standing"]) == ("issued", "outdone")  # it was credited, and taken back as one chain
    with world.house.transaction() as tx:
        (act,) = activities.acts_of(tx, bob)
        assert (act.reason, str(act.excluded_by)) == ("ALREADY_CLAIMED", told["activity_id"])
    # A consent that goes changes nothing about it, and who claims the same elsewhere is told no more than that.
    allow_recycling(world, bob)
    world.consent(alice, "zhuanzhuan", granted=False)
    third = world.send("dangdang", recycled("R1", "bob", "sn1"))
    world.settle()
    (lost,) = world.lines("dangdang", third)
    assert lost.keys() == told.keys()
    assert (lost["status"], lost["code"], lost["reduction_g"]) == ("outdone", "ALREADY_CLAIMED", 0)
    world.check_books()
    # Handed over after all: then grade and beginning decide, as between any two.
    world.consent(alice, "zhuanzhuan")
    again = later | {"type": "order.corrected"}
    world.send("zhuanzhuan", again | {"data": again["data"] | {"revision": 2, "claim": "transferred"}})
    world.settle()
    assert (world.balances(alice), world.balances(bob)["reduction"]) == ({}, PHONE)
    world.send("zhuanzhuan", again | {"data": again["data"] | {"revision": 3, "claim": "kept"}})
    world.settle()
    assert (world.balances(alice), world.balances(bob)) == ({}, {})
    world.send("zhuanzhuan", cancel("D2", "alice"))
    world.settle()
    assert world.balances(bob)["reduction"] == PHONE
    world.check_books()


def test_a_kept_trip_has_its_time_and_uses_up_no_limit(world: World) -> None:
    alice = world.person("alice")
    rides = [trip(f"T{hour}", "alice", "10", at=days_ago(3, hour), claim="kept") for hour in range(7, 13)]
    rides.append(trip("T13", "alice", "10", at=days_ago(3, 13)))
    rides.append(trip("T12b", "alice", "10", at=days_ago(3, 12, 10)))
    sent = [world.send("transit", each) for each in rides]
    world.settle()
    told = [world.lines("transit", each)[0] for each in sent]
    assert [(line["status"], line["code"]) for line in told] == [
        *[("kept", "CLAIM_KEPT")] * 6,
        ("issued", None),
        ("outdone", "OVERLAPPING_TRIP"),
    ]
    assert world.balances(alice)["reduction"] == 467
    world.check_books()


def test_who_keeps_the_claim_by_contract_says_so_once_and_a_line_may_say_otherwise(world: World) -> None:
    allow_recycling(world, world.person("alice"))
    with world.house.transaction() as tx:
        since = clock.day_of(days_ago(4))
        partners.save_partner(
            tx, code="dangdang", adapter="dangdang", title="dangdang", return_days=0, keeps_claims_from=since
        )
    sent = {
        "before": recycled("R1", "alice", "WM-1", occurred_at=days_ago(5)),
        "since": recycled("R2", "alice", "WM-2", occurred_at=days_ago(4)),
        "line": recycled("R3", "alice", "WM-3", claim="kept", item={"claim": "transferred"}),
        "wrong": recycled("R4", "alice", "WM-4", claim="ours"),
    }
    ids = {name: world.send("dangdang", each) for name, each in sent.items()}
    world.settle()
    told = {name: world.lines("dangdang", event_id)[0] for name, event_id in ids.items()}
    assert {name: (line["status"], line["code"]) for name, line in told.items()} == {
        "before": ("issued", None),
        "since": ("kept", "CLAIM_KEPT"),
        "line": ("issued", None),
        "wrong": ("refused", "INVALID_LINE"),
    }
    world.check_books()
