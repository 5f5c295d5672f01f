"""Who may be told about whom: with consent, until it is withdrawn, never after the person was forgotten."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from time_machine import TimeMachineFixture, travel

from backend import clock, identity, partners, sync
from tests.backend.sync.following import act, add, counts, deliver, deliveries, example_module
from tests.backend.sync.receiver import Received, Receiver
from tests.backend.world import World, cancel

HANDLER = {
    "basis": "consent",
    "title": "乐享会员",
    "contact": "privacy@leisure.example",
    "purpose": "会员等级 / membership levels",
}


def share(world: World, holder: UUID, *, granted: bool = True) -> None:
    with world.house.transaction() as tx:
        scene = {"partner": "leisure", "scene": identity.SHARING}
        identity.set_consent(tx, holder_id=holder, granted=granted, now=clock.now(), **scene)


def told(receiver: Receiver) -> list[tuple[int, str]]:
    return sorted((item.data["sequence"], item.message["type"]) for item in receiver.received)


def kept(receiver: Receiver) -> Any:
    """What the documented receiver holds, whatever came first."""
    accounts = example_module().Accounts()
    for item in sorted(receiver.received * 2, key=lambda item: -item.data["sequence"]):
        accounts.take(item.message)
    assert not any(accounts.missing(account) for account in accounts.told)
    return {account[0]: accounts.balances(account) for account in accounts.told}


def test_another_handler_is_told_only_while_the_member_agrees(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, time_machine: TimeMachineFixture
) -> None:
    alice = world.person("alice")
    name = sync.holder_pseudonym(world.house.vault, "leisure", alice)
    time_machine.move_to(clock.now())
    add(world, "leisure", receiver, **HANDLER)
    act(world, "T1")
    deliver(world, "leisure", receiver)
    assert receiver.received == [] and counts(world, "leisure") == {}
    act(world, "T0", days=9)  # passed on together with what comes after the consent

    share(world, alice)
    act(world, "T2", days=4)
    deliver(world, "leisure", receiver)
    assert told(receiver) == [(1, "balance.stated"), (2, "reduction.issued")]
    assert kept(receiver) == {name: world.balances(alice)}

    receiver.answer = lambda _: 500
    act(world, "T3", days=5)
    deliver(world, "leisure", receiver)
    receiver.answer = lambda _: 200
    receiver.received.clear()
    share(world, alice, granted=False)
    act(world, "T4", days=6)
    time_machine.shift(timedelta(hours=1))
    deliver(world, "leisure", receiver)
    with world.house.transaction() as tx:
        assert sync.redrive(tx, "leisure", now=clock.now()) == 0, "what is withheld stays so"
    deliver(world, "leisure", receiver)
    assert told(receiver) == [(4, "consent.withdrawn")]
    assert set(receiver.received[0].data) == {"holder", "programme", "sequence"}
    assert kept(receiver) == {}
    assert counts(world, "leisure") == {"delivered": 3, "withheld": 1}

    share(world, alice)
    deliver(world, "leisure", receiver)
    assert told(receiver) == [(4, "consent.withdrawn"), (5, "balance.stated")]
    text = identity.current_consent_text(sharing=True)
    newer = replace(text, version="another", purpose=replace(text.purpose, version="another"))
    monkeypatch.setitem(identity.CONSENT_TEXTS, "another", newer)
    act(world, "T5", days=7)
    deliver(world, "leisure", receiver)
    assert len(receiver.received) == 2, "the purpose is another one now"
    share(world, alice)
    act(world, "T6", days=8)
    deliver(world, "leisure", receiver)
    assert told(receiver)[2:] == [(6, "balance.stated"), (7, "reduction.issued")]
    assert kept(receiver) == {name: world.balances(alice)}


def test_a_withdrawal_stops_the_calls_of_a_round_that_is_under_way(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.sync.delivering.CONCURRENCY", 1)
    alice = world.person("alice")
    add(world, "leisure", receiver, **HANDLER)
    share(world, alice)
    act(world, "T1")
    act(world, "T2", days=4)

    def withdraw(_: Received) -> int:
        share(world, alice, granted=False)
        return 200

    receiver.answer = withdraw
    deliver(world, "leisure", receiver)
    assert len(receiver.received) == 1
    deliver(world, "leisure", receiver)
    first, last = receiver.received
    assert (first.data["sequence"], last.message["type"]) == (1, "consent.withdrawn")
    assert counts(world, "leisure") == {"delivered": 2, "withheld": 2}


def test_the_first_notice_about_an_account_that_held_something_is_preceded_by_its_balances(
    world: World, receiver: Receiver
) -> None:
    """Also when more has happened since, and other announcements wait."""
    alice, bob = world.person("alice"), world.person("bob")
    act(world, "T1")
    act(world, "T2", "bob")
    deliver(world, "nobody")
    add(world, "loyalty", receiver)
    act(world, "T3", days=4)
    world.send("transit", cancel("T1", "alice"))
    world.settle()
    world.ripen()
    deliver(world, "loyalty", receiver)
    names = {sync.holder_pseudonym(world.house.vault, "loyalty", holder): holder for holder in (alice, bob)}
    assert kept(receiver) == {name: world.balances(holder) for name, holder in names.items()}
    stated = [item.data for item in receiver.received if item.message["type"] == "balance.stated"]
    assert {names[item["holder"]]: item["sequence"] for item in stated} == {alice: 1, bob: 1}
    assert {tuple(sorted(item["balances"])) for item in stated} == {("points.pending", "reduction")}


def test_every_platform_that_was_told_about_a_person_hears_that_they_are_forgotten_and_nothing_else(
    world: World, new_receiver: Callable[[], Receiver]
) -> None:
    alice = world.person("alice")
    world.person("bob")
    one, behind, never = new_receiver(), new_receiver(), new_receiver()
    secret = add(world, "one", one, topics=["reduction.issued"])
    add(world, "behind", behind)
    act(world, "T1")
    behind.answer = lambda _: 500
    for code, receiver in (("one", one), ("behind", behind)):
        deliver(world, code, receiver)
    assert counts(world, "behind") == {"waiting": 1}
    behind.answer = lambda _: 200
    behind.received.clear()
    add(world, "never", never)
    act(world, "T2", days=4)
    with world.house.transaction() as tx:
        partners.forget_member(tx, alice, source=identity.DELETION, now=clock.now())
    world.send("transit", cancel("T1", "alice"))
    world.settle()
    act(world, "T3", "bob")
    with travel(clock.now() + timedelta(hours=1), tick=False):
        for code, receiver in (("one", one), ("behind", behind), ("never", never)):
            deliver(world, code, receiver)
        last = next(item for item in one.received if item.message["type"] == "account.forgotten")
        last.verify(secret)
    name = one.received[0].data["holder"]
    assert last.data == {"holder": name, "programme": "members", "sequence": 2}, "the name outlives the person's key"
    assert name not in kept(one)
    assert [item for item in told(behind) if item[1] == "account.forgotten"] == [(2, "account.forgotten")]
    assert len(behind.received) == 2, "and bob's"
    assert [item.message["type"] for item in never.received] == ["reduction.issued"]
    states = {row.sequence: row.state for row in deliveries(world, "behind") if row.holder_id == alice}
    assert states == {1: "withheld", 2: "delivered"}
