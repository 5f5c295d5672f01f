"""Notices reach third-party platforms: in order numbers, signed, again and again, and none waits for another."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy.exc import IntegrityError
from standardwebhooks import WebhookVerificationError

from backend import clock, outbox, points, settlement, sync
from backend.ids import new_id
from backend.safe_http import AddressRefused
from tests.backend.corrected import corrected
from tests.backend.operating import Acting, logged, run
from tests.backend.spending import spend
from tests.backend.sync.following import act, add, counts, deliver, deliveries, example_module, number
from tests.backend.sync.receiver import Received, Receiver
from tests.backend.world import World, cancel
from tests.house_rules import ROOT

DELAYS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


def news(holder: UUID) -> outbox.Announcement:
    """What settlement announces of a credited act; nothing of it is in the books."""
    payload = {"activity_id": str(new_id()), "programme": "members", "methodology": "metro_ride", "day": "2026-01-01"}
    payload |= {"reduction_g": 1, "offset_g": 0, "eac_wh": 0, "points": 1, "reason": None, "internal": "stays here"}
    payload |= {"changes": {"reduction": 1, "points.pending": 1}}
    return outbox.Announcement("reduction.issued", holder, payload)


def test_a_notice_is_signed_numbered_and_names_nobody(world: World, receiver: Receiver) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    secret = add(world, "loyalty", receiver)
    act(world, "order-one")
    act(world, "order-two", "bob")
    act(world, "order-three", days=4)
    world.send("transit", cancel("order-one", "alice"))
    world.settle()
    deliver(world, "loyalty", receiver)

    told: dict[str, list[Any]] = {}
    for item in receiver.received:
        message = item.verify(secret)
        told.setdefault(message["data"]["holder"], []).append(message)
    names = {
        person: sync.holder_pseudonym(world.house.vault, "loyalty", holder)
        for person, holder in (("alice", alice), ("bob", bob))
    }
    assert set(told) == set(names.values())
    mine = sorted(told[names["alice"]], key=lambda message: message["data"]["sequence"])
    assert [(item["type"], item["data"]["sequence"]) for item in mine] == [
        ("reduction.issued", 1),
        ("reduction.issued", 2),
        ("reduction.reversed", 3),
    ]
    first, _, back = (item["data"] for item in mine)
    assert first["activity"] == back["activity"]
    assert back["reduction_g"] == first["reduction_g"] > 0  # how much is taken back
    sign = {"reduction.issued": 1, "reduction.reversed": -1}
    assert sum(sign[item["type"]] * item["data"]["reduction_g"] for item in mine) == world.balances(alice)["reduction"]
    assert set(first) == {
        *("holder", "sequence", "activity", "programme", "methodology", "day"),
        *("reduction_g", "offset_g", "eac_wh", "points", "changes"),
    }
    everything = b"".join(item.body for item in receiver.received)
    for secret_thing in (str(alice), alice.hex, str(bob), bob.hex, "alice", "order-one"):
        assert secret_thing.encode() not in everything
    assert [item["data"]["sequence"] for item in told[names["bob"]]] == [1]
    assert counts(world, "loyalty") == {"delivered": 4}
    deliver(world, "loyalty", receiver)
    assert len(receiver.received) == 4


def test_two_destinations_know_a_person_by_different_names(world: World, new_receiver: Callable[[], Receiver]) -> None:
    world.person("alice")
    one, other = new_receiver(), new_receiver()
    add(world, "one", one)
    add(world, "other", other)
    act(world, "T1")
    deliver(world, "one", one)
    deliver(world, "other", other)
    (here,), (there,) = one.received, other.received
    for name in ("holder", "activity"):
        assert here.data[name] != there.data[name]
    assert here.id != there.id


def test_only_what_was_asked_for_and_only_from_now_on(world: World, receiver: Receiver) -> None:
    world.person("alice")
    act(world, "T1")
    number(world)
    add(world, "loyalty", receiver, topics=["reduction.reversed"])
    act(world, "T2", days=4)
    world.send("transit", cancel("T2", "alice"))
    world.settle()
    deliver(world, "loyalty", receiver)
    assert [(item.message["type"], item.data["sequence"]) for item in receiver.received] == [("reduction.reversed", 1)]


def test_what_commits_late_is_not_passed_over(world: World, receiver: Receiver) -> None:
    """An announcement whose id was made earlier, but that is seen later, is told like every other."""
    holder = world.person("alice")
    add(world, "loyalty", receiver, topics=["reduction.issued"])
    early = datetime.now(UTC) - timedelta(minutes=10)
    with world.house.transaction() as tx:
        outbox.announce(tx, [news(holder)], now=clock.now())
    deliver(world, "loyalty", receiver)
    with time_machine.travel(early, tick=False), world.house.transaction() as tx:
        outbox.announce(tx, [news(holder)], now=early)
    deliver(world, "loyalty", receiver)
    assert receiver.sequences() == [1, 2]


def test_many_workers_at_once_send_each_notice_once_with_numbers_without_gaps(world: World, receiver: Receiver) -> None:
    """They number the announcements, claim the destination and announce more, all at the same time."""
    holders = [world.person(name) for name in ("alice", "bob", "carol")]
    secret = add(world, "loyalty", receiver, topics=["reduction.issued"])
    each = 40

    def announce() -> None:
        for _ in range(each):
            with world.house.transaction() as tx:
                outbox.announce(tx, [news(holder) for holder in holders], now=clock.now())

    def work() -> None:
        for _ in range(30):
            with suppress(IntegrityError):  # another one numbers at this moment
                number(world)
            sync.deliver_round(world.house.sessions, world.house.vault, "loyalty", allowed_hosts=[receiver.host])

    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(job) for job in (announce, announce, work, work, work)]:
            done.result(timeout=120)
    deliver(world, "loyalty", receiver)
    told: dict[str, list[int]] = {}
    for item in receiver.received:
        told.setdefault(item.verify(secret)["data"]["holder"], []).append(item.data["sequence"])
    assert [sorted(numbers) for numbers in told.values()] == [list(range(1, 2 * each + 1))] * len(holders)
    assert len({item.id for item in receiver.received}) == len(receiver.received)


def test_a_failing_notice_is_tried_ten_times_holds_up_nobody_and_keeps_its_id(world: World, receiver: Receiver) -> None:
    world.person("alice")
    secret = add(world, "loyalty", receiver)
    act(world, "T1")
    act(world, "T2", days=4)
    receiver.answer = lambda got: 500 if got.data["sequence"] == 1 else 200
    moment = clock.now()
    waited: list[timedelta] = []
    while True:
        with time_machine.travel(moment, tick=False):
            deliver(world, "loyalty", receiver)
            receiver.received[-1].verify(secret)  # its timestamp is that of this attempt
        row = next(row for row in deliveries(world, "loyalty") if row.sequence == 1)
        if row.state == "dead":
            break
        with time_machine.travel(row.next_attempt_at - timedelta(seconds=1), tick=False):
            deliver(world, "loyalty", receiver)
        waited.append(row.next_attempt_at - moment)
        moment = row.next_attempt_at
    assert len(waited) == len(DELAYS_S)
    for delay_s, wait in zip(DELAYS_S, waited, strict=True):
        assert timedelta(seconds=delay_s) <= wait <= timedelta(seconds=delay_s * 1.1)
    failing = [item for item in receiver.received if item.data["sequence"] == 1]
    assert len(failing) == row.attempts == 10
    assert len({item.id for item in failing}) == len({item.body for item in failing}) == 1
    assert len({item.headers["webhook-timestamp"] for item in failing}) == 10
    assert receiver.sequences().count(2) == 1
    assert (row.last_status, counts(world, "loyalty")) == (500, {"delivered": 1, "dead": 1})

    with time_machine.travel(moment + timedelta(days=1), tick=False):
        deliver(world, "loyalty", receiver)
        assert len(receiver.received) == 11
        with world.house.transaction() as tx:
            assert sync.redrive(tx, "loyalty", notice="ntc_" + "0" * 32, now=clock.now()) == 0
            assert sync.redrive(tx, "loyalty", notice=failing[0].id, now=clock.now()) == 1
        deliver(world, "loyalty", receiver)
        assert counts(world, "loyalty") == {"delivered": 1, "waiting": 1}  # with ten attempts before it
    receiver.answer = lambda _: 200
    with time_machine.travel(moment + timedelta(days=1, seconds=6), tick=False):
        deliver(world, "loyalty", receiver)
    assert receiver.received[-1].id == failing[0].id
    assert counts(world, "loyalty") == {"delivered": 2}


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 503])
def test_whatever_is_not_2xx_is_tried_again(world: World, receiver: Receiver, status: int) -> None:
    world.person("alice")
    add(world, "loyalty", receiver)
    act(world, "T1")
    receiver.answer = lambda _: (status, {"Location": receiver.url})
    deliver(world, "loyalty", receiver)
    assert len(receiver.received) == 1
    (row,) = deliveries(world, "loyalty")
    assert (row.state, row.attempts, row.last_status) == ("waiting", 1, status)


def test_retry_after_is_honoured_in_seconds_and_as_a_date(world: World, receiver: Receiver) -> None:
    world.person("alice")
    add(world, "loyalty", receiver)
    act(world, "T1")
    start = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    later = start + timedelta(seconds=1_000)
    receiver.answer = lambda _: (503, {"Retry-After": "1000"})
    with time_machine.travel(start, tick=False):
        deliver(world, "loyalty", receiver)
    with time_machine.travel(later - timedelta(seconds=1), tick=False):
        deliver(world, "loyalty", receiver)
        assert len(receiver.received) == 1
    receiver.answer = lambda _: (503, {"Retry-After": "Tue, 01 Dec 2026 10:00:00 GMT"})
    with time_machine.travel(later, tick=False):
        deliver(world, "loyalty", receiver)
    assert len(receiver.received) == 2
    (row,) = deliveries(world, "loyalty")
    assert row.next_attempt_at == datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
    receiver.answer = lambda _: (503, {"Retry-After": "999999999999"})
    with time_machine.travel(row.next_attempt_at, tick=False):
        deliver(world, "loyalty", receiver)
    (row,) = deliveries(world, "loyalty")
    assert row.next_attempt_at == datetime(2026, 12, 2, 10, 0, tzinfo=UTC)  # a day at most


@pytest.mark.parametrize("status", [429, 502, 504])
def test_a_receiver_that_asks_for_patience_is_left_alone(world: World, receiver: Receiver, status: int) -> None:
    world.person("alice")
    add(world, "loyalty", receiver)
    act(world, "T1")
    receiver.answer = lambda _: status
    now = clock.now()
    with time_machine.travel(now, tick=False):
        deliver(world, "loyalty", receiver)
        act(world, "T2", days=4)
    with time_machine.travel(now + timedelta(seconds=59), tick=False):
        deliver(world, "loyalty", receiver)
        assert len(receiver.received) == 1
    receiver.answer = lambda _: 200
    with time_machine.travel(now + timedelta(seconds=60), tick=False):
        deliver(world, "loyalty", receiver)
    assert sorted(receiver.sequences()) == [1, 1, 2]


def test_a_receiver_that_asks_for_patience_is_not_sent_the_rest_of_the_batch(world: World, receiver: Receiver) -> None:
    holder = world.person("alice")
    add(world, "loyalty", receiver, topics=["reduction.issued"])
    with world.house.transaction() as tx:
        outbox.announce(tx, [news(holder)] * 50, now=clock.now())
    receiver.answer = lambda _: (429, {"Retry-After": "600"})
    deliver(world, "loyalty", receiver)
    assert 1 <= len(receiver.received) <= 8  # the calls that were under way when the first answer came
    rows = deliveries(world, "loyalty")
    assert sum(row.attempts for row in rows) == len(receiver.received)
    assert {row.state for row in rows} == {"waiting"}


def test_410_stops_the_destination_until_it_is_redriven(world: World, receiver: Receiver) -> None:
    world.person("alice")
    add(world, "loyalty", receiver)
    receiver.answer = lambda _: 500
    act(world, "T1")
    deliver(world, "loyalty", receiver)
    receiver.answer = lambda _: 410
    act(world, "T2", days=4)
    deliver(world, "loyalty", receiver)
    assert counts(world, "loyalty") == {"stopped": 2}
    act(world, "T3", days=5)
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        deliver(world, "loyalty", receiver)
        assert receiver.sequences() == [1, 2]
        receiver.answer = lambda _: 200
        with world.house.transaction() as tx:
            assert sync.redrive(tx, "loyalty", now=clock.now()) == 2
        deliver(world, "loyalty", receiver)
    assert sorted(receiver.sequences()[2:]) == [1, 2, 3]
    assert {item.id for item in receiver.received[:2]} < {item.id for item in receiver.received[2:]}


def test_a_hostile_receiver_delays_no_other(
    world: World, new_receiver: Callable[[], Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One never answers while the courier works; the other gets everything meanwhile."""
    monkeypatch.setattr("backend.sync.calling.DEADLINE_S", 600.0)  # no call ends by itself
    world.person("alice")
    hostile, other = new_receiver(), new_receiver()
    release = threading.Event()
    answered: list[str] = []

    def hold(got: Received) -> int:
        release.wait()
        answered.append(got.id)
        return 200

    hostile.answer = hold
    add(world, "hostile", hostile)
    add(world, "other", other)
    act(world, "T1")
    number(world)
    courier = sync.courier(world.house.sessions, world.house.vault, [hostile.host, other.host])
    courier.start()
    try:
        hostile.wait_for(1)
        other.wait_for(1)
        act(world, "T2", days=4)
        number(world)
        other.wait_for(2)
        assert answered == []
    finally:
        release.set()
        courier.stop()
    assert other.sequences() == [1, 2]


def test_a_worker_killed_before_it_wrote_down_the_answer_sends_the_same_id_again(
    world: World, receiver: Receiver, database_url: str
) -> None:
    world.person("alice")
    secret = add(world, "loyalty", receiver)
    act(world, "T1")
    number(world)
    never = threading.Event()
    receiver.answer = lambda _: 200 if never.wait() else 500
    program = (
        "import os; from backend import build_house, sync; from backend.settings import Settings; "
        "house = build_house(Settings.for_tests(database_url=os.environ['URL'])); "
        "sync.deliver_round(house.sessions, house.vault, 'loyalty', allowed_hosts=[os.environ['HOST']])"
    )
    environment = {**os.environ, "URL": database_url, "HOST": receiver.host}
    worker = subprocess.Popen([sys.executable, "-c", program], env=environment)
    try:
        receiver.wait_for(1)
    finally:
        worker.kill()
        worker.wait()
        never.set()
    receiver.answer = lambda _: 200
    deliver(world, "loyalty", receiver)
    assert len(receiver.received) == 1  # the dead worker's claim still stands
    with time_machine.travel(clock.now() + timedelta(seconds=120), tick=False):
        deliver(world, "loyalty", receiver)
        first, second = receiver.received
        second.verify(secret)
    assert (first.id, first.body) == (second.id, second.body)
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]
    assert counts(world, "loyalty") == {"delivered": 1}


def test_both_keys_sign_while_one_takes_over(world: World, receiver: Receiver) -> None:
    world.person("alice")
    old = add(world, "loyalty", receiver)
    with world.house.transaction() as tx:
        new = sync.rotate_key(tx, world.house.vault, "loyalty", overlap=timedelta(hours=24), now=clock.now())
    act(world, "T1")
    deliver(world, "loyalty", receiver)
    for secret in (old, new):
        receiver.received[0].verify(secret)
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        act(world, "T2", days=6)
        deliver(world, "loyalty", receiver)
        receiver.received[1].verify(new)
        with pytest.raises(WebhookVerificationError):
            receiver.received[1].verify(old)


def test_the_metrics_tell_what_became_of_the_notices(world: World, receiver: Receiver, client: Any) -> None:
    world.person("alice")
    add(world, "loyalty", receiver)
    act(world, "T1")
    deliver(world, "loyalty", receiver)
    receiver.answer = lambda _: 410
    act(world, "T2", days=4)
    deliver(world, "loyalty", receiver)
    told = client.get("/metrics").text
    for state in ("delivered", "stopped"):
        assert f'sync_notices{{destination="loyalty",state="{state}"}} 1.0' in told
    assert 'sync_destination_active{destination="loyalty"} 0.0' in told


def test_production_tells_no_private_address(world: World, receiver: Receiver) -> None:
    """Without the sandbox's list, plain http is refused when it is set up and loopback when it is called."""
    world.person("alice")
    with pytest.raises(AddressRefused):
        add(world, "inside", receiver, allowed_hosts=())
    add(world, "inside", receiver, url=f"https://{receiver.host}/", allowed_hosts=())
    act(world, "T1")
    deliver(world, "inside")
    assert receiver.received == []
    (row,) = deliveries(world, "inside")
    assert (row.state, row.attempts, row.last_status, row.last_error) == ("waiting", 1, None, "ADDRESS_REFUSED")


def test_the_commands(world: World, app: Any, receiver: Receiver) -> None:
    """Whoever works for us is told about members without asking them: two administrators have to want it."""
    wang, zhao = Acting(app, world, "wang"), Acting(app, world, "zhao")

    def add(code: str, url: str, *how: str) -> Any:
        return wang("sync", "add", code, url, "--basis", "entrusted", *how)

    refused = add("loyalty", receiver.url)
    assert refused.exit_code == 1 and refused.output.startswith("ADDRESS_REFUSED")
    asked = add("loyalty", "https://loyalty.example/notices?key=k1", "--topic", "reduction.issued").stdout.strip()
    assert run(app, "sync", "list").output == ""
    assert wang("approval", "decide", asked, "--grant").stderr.startswith("SECOND_OPERATOR_NEEDED")
    other = add("loyalty", "https://other.example/").stdout.strip()
    assert "refused" in zhao("approval", "decide", other, "--refuse").stdout
    assert "destination.entrust 已批准并执行" in zhao("approval", "decide", asked, "--grant").stdout
    assert add("loyalty", "https://loyalty.example/").output.startswith("DESTINATION_EXISTS")
    assert add("x", "https://x.example/", "--topic", "x").output.startswith("UNKNOWN_TOPIC")
    assert add("x", "https://x.example/", "--kind", "fax").output.startswith("UNKNOWN_KIND")
    assert add("Ring one", "https://x.example/").output.startswith("INVALID_DESTINATION")
    assert wang("sync", "add", "x", "https://x.example/").exit_code == 2, "what it is has to be said"
    consent = (
        "sync",
        "add",
        "x",
        "https://x.example/",
        "--basis",
        "consent",
        "--title",
        "乐享",
        "--contact",
        "x@x.example",
    )
    assert wang(*consent).output.startswith("INVALID_DESTINATION"), "members have to read what for"
    secret = wang(*consent, "--purpose", "等级 / levels").stdout.strip()
    assert secret.startswith("whsec_"), "here each member is asked, so one administrator may"
    shown = "loyalty webhook https://loyalty.example/notices?key=k1 entrusted active reduction.issued\n"
    assert run(app, "sync", "list").output.startswith(shown)
    rotated = wang("sync", "rotate", "loyalty").stdout.strip()
    assert rotated.startswith("whsec_") and wang("sync", "rotate", "nobody").stderr.startswith("UNKNOWN_DESTINATION")
    assert wang("sync", "redrive", "loyalty").output == "0 notices wait again\n"
    assert wang("sync", "redrive", "nobody").exit_code == 1
    assert run(app, "sync", "redrive", "loyalty").exit_code == 2, "whoever acts says who they are"
    assert wang("sync", "retire", "x", "--yes").exit_code == 0
    rows = logged(app, "destination.")
    assert [(row["operator"], row["action"].partition(".")[2], row["subject"].split()[0]) for row in rows] == [
        ("wang", "entrust_requested", "loyalty"),
        ("wang", "entrust_requested", "loyalty"),
        ("zhao", "entrust_refused", "loyalty"),
        ("zhao", "entrust_granted", "loyalty"),
        ("wang", "added", "x"),
        ("wang", "secret_rotated", "loyalty"),
        ("wang", "redriven", "loyalty"),
        ("wang", "retired", "x"),
    ]
    assert rows[3]["after"]["url"] == "https://loyalty.example/notices?…", "a token may stand in a query"
    assert [len(rows[5][side]["secrets_end"]) for side in ("before", "after")] == [1, 2]
    assert (rows[7]["before"]["active"], rows[7]["after"]) == (True, {"active": False, "retired": True, "withheld": 0})
    assert not any(word in json.dumps(rows) for word in ("whsec_", "op_", "k1"))


def test_the_documented_receiver_keeps_every_balance_in_any_order(world: World, receiver: Receiver) -> None:
    """Acts are issued, restated by a corrected number and taken back; their points ripen, are spent, owed, paid, and
    lapse; what the receiver adds up is what the books say, whatever comes first and however often."""
    alice = world.person("alice")
    old = add(world, "loyalty", receiver)
    act(world, "T1")
    act(world, "T2", days=4)
    act(world, "T3", days=5)
    world.ripen()
    assert spend(world, alice, 10_000) > 0
    world.send("transit", cancel("T1", "alice"))
    world.settle()
    less = corrected("metro_ride", "reduction_per_km", "0.04")
    assert list(settlement.restate(world.house.sessions, "metro_ride", "V01", library=less))[-1].restated == 2
    act(world, "T4", days=6)
    world.ripen()
    world.send("transit", cancel("T3", "alice"))
    world.settle()
    example = example_module()
    account = (sync.holder_pseudonym(world.house.vault, "loyalty", alice), "members")

    def kept() -> Any:
        deliver(world, "loyalty", receiver)
        accounts, now = example.Accounts(), clock.now().timestamp()
        for item in sorted(receiver.received * 2, key=lambda item: -item.data["sequence"]):
            accounts.take(example.verify(["whsec_" + "A" * 44, old], item.headers, item.body, now))
        assert accounts.missing(account) == []
        return accounts.balances(account)

    assert kept() == world.balances(alice)
    act(world, "T5", days=7)
    act(world, "T6", days=8)
    world.ripen()
    assert kept() == world.balances(alice)
    with world.house.transaction() as tx:
        points.lapse(tx, now=clock.now() + timedelta(days=1_000))
    assert kept() == world.balances(alice)
    kinds = [item.message["type"] for item in sorted(receiver.received, key=lambda item: item.data["sequence"])]
    assert set(kinds) == {
        *("reduction.issued", "reduction.reversed", "reduction.restated"),
        *("points.ripened", "points.spent", "points.lapsed"),
    }
    first, now = receiver.received[0], clock.now().timestamp()
    for body, moment in ((first.body + b" ", now), (first.body, now + 301)):
        with pytest.raises(ValueError):
            example.verify([old], first.headers, body, moment)


def test_the_document_shows_the_receiver_that_runs_and_every_field(world: World, receiver: Receiver) -> None:
    page = (ROOT / "docs" / "notices.md").read_text(encoding="utf-8")
    source = (ROOT / "docs" / "examples" / "receiver.py").read_text(encoding="utf-8")
    assert re.findall(r"```python\n(def .*?)```", page, re.DOTALL)[0] in source
    shown, *_ = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL))
    world.person("alice")
    add(world, "loyalty", receiver)
    act(world, "T1")
    deliver(world, "loyalty", receiver)
    sent = receiver.received[0].message
    assert (shown.keys(), shown["data"].keys()) == (sent.keys(), sent["data"].keys())
    assert all(f"`{topic}`" in page for topic in (*sync.TOPICS, "consent.withdrawn", "account.forgotten"))
    assert all(f"`{field}`" in page for fields in sync.TOPICS.values() for field in fields)
