"""The worker: one bad event is found and set aside, the rest is settled, and nothing ends in limbo."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend import activities, clock, identity, partners, settlement
from backend.partners import inbox, worker
from tests.backend.world import World, cancel, days_ago, trade_in, trip

TRIP_G = 467


def sent_trips(world: World, count: int, user: str = "alice") -> list[str]:
    """Trips on different days, so that each counts."""
    return [
        world.send("transit", trip(f"{user}-T{number}", user, "10", at=days_ago(2 + number % 25, 7 + number // 25)))
        for number in range(count)
    ]


def damage(world: World, event_id: str) -> bytes:
    """Make an event unreadable, as a broken disk would; returns what it was."""
    with world.house.transaction() as tx:
        body: bytes = tx.execute(text("SELECT sealed_body FROM inbox WHERE event_id = :id"), {"id": event_id}).scalar()
        _write_body(tx, event_id, b"\x00" * 40)
    return body


def repair(world: World, event_id: str, body: bytes) -> None:
    with world.house.transaction() as tx:
        _write_body(tx, event_id, body)


def _write_body(tx: Any, event_id: str, body: bytes) -> None:
    tx.execute(text("UPDATE inbox SET sealed_body = :body WHERE event_id = :id"), {"body": body, "id": event_id})


def states(world: World) -> dict[str, tuple[str, int]]:
    with world.house.transaction() as tx:
        rows = tx.execute(text("SELECT event_id, state, attempts FROM inbox")).all()
    return {row.event_id: (row.state, row.attempts) for row in rows}


# -- a poison event ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [{0}, {6}, {3, 4}, {0, 6}, set(range(7))])
def test_bad_events_are_set_aside_and_the_rest_is_settled(world: World, bad: set[int]) -> None:
    alice = world.person("alice")
    sent = sent_trips(world, 7)
    for number in bad:
        damage(world, sent[number])
    world.settle()
    assert states(world) == {
        event_id: ("waiting", 1) if number in bad else ("done", 0) for number, event_id in enumerate(sent)
    }
    assert world.balances(alice).get("reduction", 0) == TRIP_G * (7 - len(bad))
    world.check_books()


def test_a_bad_event_is_tried_again_later_and_later_and_then_given_up(world: World) -> None:
    alice = world.person("alice")
    bad, good = sent_trips(world, 2)
    body = damage(world, bad)
    with time_machine.travel(clock.now(), tick=False) as traveller:
        world.settle()
        for attempt, pause in enumerate(inbox.RETRY_AFTER, 1):
            assert states(world)[bad] == ("waiting", attempt)
            traveller.shift(pause - timedelta(seconds=1))
            world.settle()
            assert states(world)[bad] == ("waiting", attempt), "not before its time"
            traveller.shift(timedelta(seconds=1))
            world.settle()
        assert states(world) == {bad: ("dead", len(inbox.RETRY_AFTER) + 1), good: ("done", 0)}
        traveller.shift(timedelta(days=365))
        world.settle()
    assert world.balances(alice)["reduction"] == TRIP_G
    _redrive(world, bad, body, alice)


def _redrive(world: World, bad: str, body: bytes, holder: Any) -> None:
    """A dead letter gets another life under its own id, and counts once however often it is driven."""
    repair(world, bad, body)
    with world.house.transaction() as tx:
        assert partners.redrive(tx, partner="zhuanzhuan", event_id=None, now=clock.now()) == 0
        assert partners.redrive(tx, partner="transit", event_id="another", now=clock.now()) == 0
        assert partners.redrive(tx, partner="transit", event_id=bad, now=clock.now()) == 1
        assert partners.redrive(tx, partner=None, event_id=None, now=clock.now()) == 0
    world.settle()
    assert states(world)[bad] == ("done", 0)
    assert world.balances(holder)["reduction"] == 2 * TRIP_G
    world.check_books()


def test_an_event_that_recovers_is_settled_at_its_next_attempt(world: World) -> None:
    alice = world.person("alice")
    (bad,) = sent_trips(world, 1)
    body = damage(world, bad)
    world.settle()
    repair(world, bad, body)
    with time_machine.travel(clock.now() + inbox.RETRY_AFTER[0] + timedelta(seconds=1), tick=False):
        world.settle()
    assert (states(world)[bad], world.balances(alice)["reduction"]) == (("done", 1), TRIP_G)
    with world.house.transaction() as tx:
        assert tx.execute(text("SELECT last_error FROM inbox")).scalar() is None


def test_events_of_a_partner_put_to_rest_wait_and_are_not_lost(world: World) -> None:
    alice = world.person("alice")
    sent = sent_trips(world, 3)
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    with world.house.transaction() as tx:
        tx.execute(text("UPDATE partners SET active = false WHERE code = 'transit'"))
    world.settle()
    assert world.balances(alice)["reduction"] == 23_750
    assert {states(world)[event_id][0] for event_id in sent} == {"waiting"}
    with world.house.transaction() as tx:
        tx.execute(text("UPDATE partners SET active = true"))
    with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
        world.settle()
    assert world.balances(alice)["reduction"] == 23_750 + 3 * TRIP_G


# -- trouble that is not the event's -----------------------------------------------------------------------------


class Troubled:
    """`settlement.settle` that fails when a batch holds a certain order, so many times."""

    def __init__(self, error: Exception, order_no: str = "", times: int = 1_000_000) -> None:
        self.error, self.order_no, self.times, self.failed = error, order_no, times, 0
        self._settle = settlement.settle

    def __call__(self, tx: Any, vault: Any, statements: Any) -> Any:
        if self.failed < self.times and any(self.order_no in item.order_no for item in statements):
            self.failed += 1
            raise self.error
        return self._settle(tx, vault, statements)


DEADLOCK = OperationalError("UPDATE", {}, Exception("deadlock detected"))


def test_an_event_that_lost_its_person_can_still_be_read(world: World) -> None:
    """It waited for a consent under the member's own key; then the link ended, and it waits for whoever links next."""
    alice, bob = world.person("alice", consenting=False), world.person("bob", linked=False)
    (sent,) = sent_trips(world, 1)
    world.settle()
    with world.house.transaction() as tx:
        for link in identity.links_of(tx, world.house.vault, alice):
            identity.unlink(tx, alice, link.id, now=clock.now())
    world.consent(alice, "transit")
    world.settle()
    assert (states(world)[sent], world.balances(alice)) == (("parked", 0), {})
    world.link(bob, "transit", "alice")
    world.settle()
    assert (states(world)[sent], world.balances(bob)["reduction"]) == (("done", 0), TRIP_G)


@pytest.mark.parametrize("error", [DEADLOCK, activities.Contended()], ids=["deadlock", "contended"])
def test_a_race_that_was_lost_is_run_again(world: World, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = world.person("alice")
    sent = sent_trips(world, 5)
    troubled = Troubled(error, times=worker.PATIENCE)
    monkeypatch.setattr(settlement, "settle", troubled)
    world.settle()
    assert {states(world)[event_id] for event_id in sent} == {("done", 0)}
    assert world.balances(alice)["reduction"] == 5 * TRIP_G
    assert troubled.failed == worker.PATIENCE


@pytest.mark.parametrize("error", [DEADLOCK, activities.Contended()], ids=["deadlock", "contended"])
def test_an_event_that_never_gets_through_does_not_hold_up_the_others(
    world: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = world.person("alice")
    sent = sent_trips(world, 6)
    monkeypatch.setattr(settlement, "settle", Troubled(error, "alice-T2"))
    world.settle()
    assert [states(world)[event_id][0] for event_id in sent] == ["done", "done", "waiting", "done", "done", "done"]
    assert world.balances(alice)["reduction"] == 5 * TRIP_G
    monkeypatch.undo()
    with time_machine.travel(clock.now() + inbox.RETRY_AFTER[0] + timedelta(seconds=1), tick=False):
        world.settle()
    assert world.balances(alice)["reduction"] == 6 * TRIP_G
    world.check_books()


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("where", ["settle", "finish", "wake_orders"])
def test_a_crash_in_the_middle_of_a_batch_leaves_nothing_of_it(
    world: World, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = world.person("alice")
    sent_trips(world, 4)

    def crash(*_: Any, **__: Any) -> None:
        raise Crash

    monkeypatch.setattr(settlement if where == "settle" else inbox, where, crash)
    with pytest.raises(Crash):
        world.settle()
    monkeypatch.undo()
    assert world.balances(alice) == {}
    assert {state for state, _ in states(world).values()} == {"waiting"}
    world.settle()
    assert world.balances(alice)["reduction"] == 4 * TRIP_G
    world.check_books()


def test_a_crash_between_batches_is_gone_on_from(world: World, database_url: str) -> None:
    alice = world.person("alice")
    sent_trips(world, 7)
    house = world.house
    assert partners.settle_waiting(house.sessions, house.vault, limit=3) == 3
    assert world.balances(alice)["reduction"] == 3 * TRIP_G
    again = World(database_url)
    taken = []
    while not taken or taken[-1]:
        taken.append(partners.settle_waiting(again.house.sessions, again.house.vault, limit=3))
    assert taken == [3, 1, 0]
    assert again.balances(alice)["reduction"] == 7 * TRIP_G
    again.check_books()


def test_batches_of_any_size_give_the_same(world: World) -> None:
    for limit in (1, 2, 5):
        user = f"user{limit}"
        holder = world.person(user)
        sent_trips(world, 5, user)
        world.send("transit", cancel(f"{user}-T1", user))
        while partners.settle_waiting(world.house.sessions, world.house.vault, limit=limit):
            pass
        assert world.balances(holder)["reduction"] == 4 * TRIP_G


# -- two workers -------------------------------------------------------------------------------------------------


def test_what_one_worker_holds_another_passes_over(postgresql_url: str) -> None:
    world = World(postgresql_url)
    alice = world.person("alice")
    sent = sent_trips(world, 6)
    house = world.house
    with house.transaction() as tx:
        held = inbox.due_ids(tx, now=clock.now(), limit=2)
        assert partners.settle_waiting(house.sessions, house.vault) == 4
        assert partners.settle_waiting(house.sessions, house.vault) == 0
        assert len(inbox.hold(tx, held)) == 2
    assert [states(world)[event_id][0] for event_id in sent] == ["waiting"] * 2 + ["done"] * 4
    world.settle()
    assert world.balances(alice)["reduction"] == 6 * TRIP_G
    world.check_books()


def test_a_batch_taken_from_under_a_worker_is_left_to_the_other(postgresql_url: str) -> None:
    """Between a failed batch and its second attempt another worker settled it: nothing is done twice."""
    world = World(postgresql_url)
    alice = world.person("alice")
    sent_trips(world, 3)
    with world.house.transaction() as tx:
        ids = inbox.due_ids(tx, now=clock.now(), limit=10)
    world.settle()
    worker._settle_apart(world.house.sessions, world.house.vault, ids)
    assert world.balances(alice)["reduction"] == 3 * TRIP_G
    world.check_books()
