"""No credit without a link and a consent; what waited for them is settled when they come."""

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import text

from backend import activities, clock, identity, partners
from tests.backend.world import World, cancel, days_ago, trade_in, trip


def test_an_event_waits_for_the_link(world: World) -> None:
    alice = world.person("alice", linked=False)
    sent = world.send("transit", trip("T1", "alice"))
    world.settle()
    assert world.lines("transit", sent)[0]["code"] == "NO_LINK"
    world.link(alice, "transit", "alice")
    world.settle()
    assert world.balances(alice)["reduction"] == 579


def test_an_event_waits_for_the_consent(world: World) -> None:
    alice = world.person("alice", consenting=False)
    sent = world.send("transit", trip("T1", "alice"))
    world.settle()
    assert world.lines("transit", sent)[0]["code"] == "NO_CONSENT"
    world.consent(alice, "zhuanzhuan")
    world.settle()
    assert world.balances(alice) == {}
    world.consent(alice, "transit")
    world.settle()
    assert world.balances(alice)["reduction"] == 579


def test_an_order_cancelled_while_it_waited_is_never_credited(world: World) -> None:
    alice = world.person("alice", linked=False)
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    world.settle()
    world.send("zhuanzhuan", cancel("D1", "alice"))
    world.settle()
    world.link(alice, "zhuanzhuan", "alice")
    world.settle()
    assert world.balances(alice) == {}
    world.check_books()


def test_a_withdrawn_consent_stops_credit(world: World) -> None:
    alice = world.person("alice")
    world.send("transit", trip("T1", "alice"))
    world.settle()
    world.consent(alice, "transit", granted=False)
    sent = world.send("transit", trip("T2", "alice", at=days_ago(2)))
    world.settle()
    assert world.lines("transit", sent)[0]["status"] == "parked"
    assert world.balances(alice)["reduction"] == 579


def test_nobody_keeps_a_credit_by_withdrawing_before_the_correction(world: World) -> None:
    """The correction has to wait for a consent; what it corrects is taken back at once, and settled when it comes."""
    alice = world.person("alice")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1", category="laptop"))
    world.settle()
    world.consent(alice, "zhuanzhuan", granted=False)
    corrected = trade_in("D1", "alice", "SN-1", category="phone", revision=2) | {"type": "order.corrected"}
    sent = world.send("zhuanzhuan", corrected)
    world.settle()
    assert world.lines("zhuanzhuan", sent)[0]["code"] == "NO_CONSENT"
    assert world.balances(alice) == {}
    world.check_books()
    world.consent(alice, "zhuanzhuan")
    world.settle()
    assert world.balances(alice)["reduction"] == 23_750
    world.check_books()


@pytest.mark.parametrize(("days", "code"), [(29, None), (32, "BEFORE_CONSENT")])
def test_an_earlier_act_counts_within_the_look_back(world: World, days: int, code: str | None) -> None:
    world.person("alice")
    sent = world.send("transit", trip("T1", "alice", at=days_ago(days)))
    world.settle()
    assert world.lines("transit", sent)[0]["code"] == code


def test_the_future_is_refused(world: World) -> None:
    world.person("alice")
    sent = world.send("transit", trip("T1", "alice", at=clock.now() + timedelta(hours=2)))
    world.settle()
    assert world.lines("transit", sent)[0]["code"] == "FUTURE_ACT"


def test_a_parked_event_expires_after_thirty_days_and_is_erased(world: World) -> None:
    alice = world.person("alice", linked=False)
    sent = world.send("transit", trip("T1", "alice"))
    world.settle()
    with world.house.transaction() as tx:
        assert partners.expire_parked(tx, now=clock.now() + timedelta(days=29)) == 0
        assert partners.expire_parked(tx, now=clock.now() + timedelta(days=31)) == 1
    assert world.lines("transit", sent)[0]["code"] == "PARKED_TOO_LONG"
    world.link(alice, "transit", "alice")
    world.settle()
    assert world.balances(alice) == {}


def test_a_link_that_came_unseen_is_found_again(world: World) -> None:
    """The link is made at the moment the event is parked, and its wake-up call finds nothing to wake."""
    alice = world.person("alice", linked=False)
    world.link(alice, "transit", "alice")
    with world.house.transaction() as tx:
        (link,) = identity.links_of(tx, world.house.vault, alice)
        identity.unlink(tx, alice, link.id, now=clock.now())
    world.send("transit", trip("T1", "alice"))
    world.settle()
    with world.house.transaction() as tx:
        identity.link_partner_user(
            tx,
            world.house.vault,
            holder_id=alice,
            partner="transit",
            user_ref="alice",
            programme="members",
            now=clock.now(),
        )
    with world.house.transaction() as tx:
        assert partners.wake_ready(tx, now=clock.now()) == 1
    world.settle()
    assert world.balances(alice)["reduction"] == 579


def test_points_wait_for_the_return_window(world: World) -> None:
    alice = world.person("alice")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(3)))
    world.send("transit", trip("T1", "alice", at=days_ago(3)))
    world.settle()
    world.ripen()
    assert world.balances(alice)["points.available"] == 579
    with time_machine.travel(clock.start_of_day_after(clock.today(), 5) - timedelta(seconds=1), tick=False):
        world.ripen()
        assert world.balances(alice)["points.available"] == 579
    with time_machine.travel(clock.start_of_day_after(clock.today(), 5), tick=False):
        world.ripen()
    assert world.balances(alice)["points.available"] == 579 + 23_750
    world.check_books()


def test_a_consent_that_does_not_help_is_not_tried_for_ever(world: World) -> None:
    alice = world.person("alice", consenting=False)
    world.send("transit", trip("T1", "alice"))
    world.settle()
    with world.house.transaction() as tx:
        identity.set_consent(tx, holder_id=alice, partner="transit", scene="device", granted=True, now=clock.now())
    with time_machine.travel(clock.now() + timedelta(minutes=3), tick=False):
        with world.house.transaction() as tx:
            assert partners.wake_ready(tx, now=clock.now()) == 1
        world.settle()
        with world.house.transaction() as tx:
            assert partners.wake_ready(tx, now=clock.now()) == 0


def test_a_member_can_consent_to_every_scene_but_school() -> None:
    """School classes take part under a dated agreement; every other scene needs words a member can agree to."""
    assert {methodology.scene for methodology in activities.library()} == {*identity.SCENES, "school"}


# -- what the record tells of a credit and a withdrawal at the same moment -------------------------------------------


def told(world: World) -> tuple[list[datetime], list[datetime]]:
    """When somebody was credited, and when they decided about that partner, as recorded."""
    queries = (
        "SELECT posted_at FROM ledger_transactions",
        "SELECT changed_at FROM consent_changes WHERE partner = 'transit'",
    )
    with world.house.transaction() as tx:
        credited, decided = (list(tx.execute(text(query)).scalars()) for query in queries)
    return credited, sorted(decided)


def somebody_waits(world: World) -> bool:
    """Whether a session in this database waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with world.house.transaction() as tx:
        return bool(tx.execute(text(query)).scalar())


def test_a_withdrawal_that_waited_for_a_credit_is_dated_after_it(postgresql_url: str) -> None:
    """While it waits for one batch, another one credits; the record tells it in that order."""
    world = World(postgresql_url)
    alice = world.person("alice")
    world.send("transit", trip("T1", "alice"))
    withdrawal = threading.Thread(target=world.consent, args=(alice, "transit"), kwargs={"granted": False})
    with world.house.transaction() as batch:
        identity.hold_consents(batch, [(alice, "transit", "commute")], now=clock.now())
        withdrawal.start()
        while not somebody_waits(world):
            time.sleep(0.01)
        world.settle()
    withdrawal.join()
    (credited,), decided = told(world)
    assert credited < decided[-1]


def test_a_credit_that_waited_for_a_consent_is_dated_after_it(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch began while the consent was withdrawn, and found it given again."""
    world = World(postgresql_url)
    alice = world.person("alice")
    world.consent(alice, "transit", granted=False)
    world.send("transit", trip("T1", "alice"))
    hold = identity.receivers

    def given_meanwhile(tx: Any, users: Any) -> Any:
        monkeypatch.setattr(identity, "receivers", hold)
        world.consent(alice, "transit")
        return hold(tx, users)

    monkeypatch.setattr(identity, "receivers", given_meanwhile)
    world.settle()
    (credited,), decided = told(world)
    assert credited > decided[-1]
