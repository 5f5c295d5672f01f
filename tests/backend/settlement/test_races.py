"""Many workers at once, on PostgreSQL: nothing lost, nothing twice, and the same grams as one worker alone."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend import clock, identity, partners, points, settlement
from backend.partners import inbox, worker
from tests.backend.spending import net_points, spend
from tests.backend.world import PARTNERS, World, cancel, days_ago, event, trade_in, trip

PEOPLE = tuple(f"p{number}" for number in range(8))
WORKERS = 8

Told = tuple[str, Mapping[str, Any]]


def story(name: str, orders: int, seed: int = 11) -> list[Told]:
    """Orders that contend for a few serials, rides and hours, with corrections, cancellations and repetitions."""
    chance = random.Random(seed)
    told: list[Told] = []
    for number in range(orders):
        order, user = f"{name}-O{number}", f"{name}-{chance.choice(PEOPLE)}"
        kind = chance.choice(["device", "trip", "trip", "donation", "pc"])
        first = _first(kind, order, user, name, chance)
        told.append(first)
        if chance.random() < 0.2:
            told.append(first)
        if chance.random() < 0.25:
            partner, corrected = _first(kind, order, f"{name}-{chance.choice(PEOPLE)}", name, chance)
            corrected["data"]["revision"] = 2
            told.append((partner, corrected | {"type": "order.corrected"}))
        if chance.random() < 0.25:
            told.append((first[0], cancel(order, user, revision=chance.randint(1, 3))))
    chance.shuffle(told)
    return told


def _first(kind: str, order: str, user: str, name: str, chance: random.Random) -> tuple[str, dict[str, Any]]:
    at = days_ago(chance.randint(2, 3), chance.randint(6, 22), chance.choice([0, 20, 40]))
    if kind == "trip":
        at = chance.choice([at, days_ago(3, 23, 40)])
        ride = f"{name}-R{chance.randint(1, 30)}" if chance.random() < 0.5 else order
        return "transit", trip(order, user, "9", at=at, minutes=chance.choice([20, 30, 90]), trip_id=ride)
    if kind == "device":
        return "zhuanzhuan", trade_in(order, user, f"{name}SN{chance.randint(1, 12)}", occurred_at=at)
    if kind == "donation":
        items = [{"line": 1, "category": "clothes", "weight_kg": chance.choice([10, 30, 45])}]
        return "dangdang", event("donation.received", order, user, occurred_at=at, items=items)
    item = {
        "line": 1,
        "model": "Legion Y9000K IRX9",
        "serial": f"{name}PC{chance.randint(1, 6)}",
        "certificate_no": f"{name}-C{chance.randint(1, 4)}",
        "retired_kg": 300,
    }
    return "shop", event("product.purchased", order, user, occurred_at=at, items=[item])


def meet(world: World, name: str, *, allowed: bool = True) -> dict[str, UUID]:
    return {person: world.person(f"{name}-{person}", linked=allowed, consenting=allowed) for person in PEOPLE}


def worth(world: World, holders: Mapping[str, UUID]) -> dict[str, tuple[int, int, int]]:
    found = {}
    for person, holder in holders.items():
        held = world.balances(holder)
        found[person] = held.get("reduction", 0), held.get("offset", 0), net_points(world, holder)
    return found


def told_alone(world: World, orders: int) -> dict[str, tuple[int, int, int]]:
    """What one worker makes of the story in one go."""
    holders = meet(world, "ALONE")
    for partner, each in story("ALONE", orders):
        world.send(partner, each)
    world.settle()
    return worth(world, holders)


def work(world: World, done: threading.Event, limit: int) -> None:
    """A worker until told that everybody has spoken, and then until nothing is left."""
    while True:
        last = done.is_set()
        if not partners.settle_waiting(world.house.sessions, world.house.vault, limit=limit) and last:
            return


def ripen(world: World) -> None:
    with world.house.transaction() as tx:
        points.ripen(tx, now=clock.now())


def all_together(jobs: Sequence[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for each in [pool.submit(job) for job in jobs]:
            each.result(timeout=120)


def inbox_states(world: World) -> Counter[str]:
    with world.house.transaction() as tx:
        return Counter(tx.execute(text("SELECT state FROM inbox")).scalars())


def prove(world: World) -> None:
    """The books, and the rows that must not exist."""
    world.check_books()
    with world.house.transaction() as tx:
        assert tx.execute(text(TWICE)).all() == []
        assert tx.execute(text(OVERLAPPING)).all() == []
        assert tx.execute(text("SELECT id FROM inbox WHERE last_error IS NOT NULL OR attempts > 0")).all() == []


TWICE = """
SELECT a.id FROM claim_contenders c JOIN activities a ON a.holder_id = c.holder_id AND a.id = c.activity_id
WHERE a.status = 'issued'"""
OVERLAPPING = """
SELECT a.id FROM activities a JOIN activities b
ON a.holder_id = b.holder_id AND a.id <> b.id AND a.started_at < b.ended_at AND b.started_at < a.ended_at
WHERE a.status = 'issued' AND b.status = 'issued'"""


@pytest.fixture
def world(postgresql_url: str) -> World:
    return World(postgresql_url)


def test_eight_workers_make_of_it_what_one_makes(world: World) -> None:
    """Workers settle while partners still send, members link and consent, and points ripen and are spent."""
    alone = told_alone(world, 120)
    holders = meet(world, "N", allowed=False)
    said = threading.Event()

    def send() -> None:
        for partner, each in story("N", 120):
            world.send(partner, each)
        said.set()

    def allow() -> None:
        for person, holder in holders.items():
            for partner in PARTNERS:
                world.link(holder, partner, f"N-{person}")
                world.consent(holder, partner)
            spend(world, holder, 5_000)

    def pass_time() -> None:
        while not said.is_set():
            ripen(world)

    with structlog.testing.capture_logs() as logs:
        all_together([send, allow, pass_time, *[lambda: work(world, said, 25)] * WORKERS])
    with world.house.transaction() as tx:
        partners.wake_ready(tx, now=clock.now())  # what was parked at the very moment it was allowed
    world.settle()
    assert set(inbox_states(world)) <= {"done", "parked"}
    assert worth(world, holders) == alone
    prove(world)
    assert [each for each in logs if "deadlock" in str(each.get("error")).lower()] == []
    assert [each for each in logs if each["event"] == "event_set_aside"] == []


def test_a_consent_that_comes_and_goes_is_never_overtaken(world: World) -> None:
    """While consent is withdrawn nothing is credited; whatever was credited then was credited under a consent."""
    holder = world.person("N-p0", linked=True)
    said = threading.Event()
    rides = [trip(f"T{n}", "N-p0", "9", at=days_ago(2 + n % 20, 7 + n // 20), minutes=20) for n in range(120)]

    def send() -> None:
        for each in rides:
            world.send("transit", each)
        said.set()

    def hesitate() -> None:
        granted, before = False, world.balances(holder)
        while not said.is_set():
            if granted:  # the consent was withdrawn until this very moment
                assert world.balances(holder) == before, "nothing is credited while consent is withdrawn"
            world.consent(holder, "transit", granted=granted)
            before = world.balances(holder)
            granted = not granted

    all_together([send, hesitate, *[lambda: work(world, said, 10)] * 4])
    world.consent(holder, "transit", granted=False)
    world.consent(holder, "transit", granted=True)
    with world.house.transaction() as tx:
        partners.wake_ready(tx, now=clock.now())
    world.settle()
    assert inbox_states(world) == {"done": 120}
    assert world.balances(holder)["reduction"] == 120 * 420
    prove(world)


def test_nothing_is_credited_behind_a_confirmed_end(world: World) -> None:
    """Members withdraw, unlink, leave or turn out to be children, thirty times over, while workers settle.

    The moment the end is confirmed, what they have is all they will ever have, and every credit was decided before it.
    """
    holders = {f"m{number}": world.person(f"m{number}", linked=False, consenting=False) for number in range(30)}
    for name, holder in holders.items():
        world.link(holder, "transit", name)
        world.consent(holder, "transit")
    for hour in (7, 8, 9):
        for name in holders:
            world.send("transit", trip(f"{name}-{hour}", name, "9", at=days_ago(3, hour), minutes=20))
    confirmed: dict[str, Mapping[str, int]] = {}
    said = threading.Event()
    credited_before_any = threading.Event()

    def leave_one_by_one() -> None:
        credited_before_any.wait(60)
        for number, (name, holder) in enumerate(holders.items()):
            _until_it_works(ENDS[number % len(ENDS)], world, holder)
            confirmed[name] = world.balances(holder)
        said.set()

    def settle() -> None:
        while partners.settle_waiting(world.house.sessions, world.house.vault, limit=5) or not said.is_set():
            credited_before_any.set()

    all_together([leave_one_by_one, *[settle] * 4])
    assert {name: world.balances(holder) for name, holder in holders.items()} == confirmed
    credited = sum(held.get("reduction", 0) for held in confirmed.values())
    assert 0 < credited < len(holders) * 3 * 420, "some of it before an end, some of it behind"
    with world.house.transaction() as tx:
        assert tx.execute(text(CREDITED_BEHIND_THE_END)).all() == []
    world.check_books()


CREDITED_BEHIND_THE_END = """
SELECT t.id FROM ledger_transactions t JOIN
(SELECT holder_id, max(changed_at) AS ended_at FROM consent_changes WHERE NOT granted GROUP BY holder_id UNION ALL
 SELECT holder_id, max(ended_at) FROM partner_links WHERE partner = 'transit' GROUP BY holder_id UNION ALL
 SELECT holder_id, forgotten_at FROM person_keys) e ON e.holder_id = t.holder_id
WHERE t.posted_at > e.ended_at"""


def _withdraw(world: World, tx: Session, holder: UUID, now: datetime) -> None:
    identity.set_consent(tx, holder_id=holder, partner="transit", scene="commute", granted=False, now=now)


def _unlink(world: World, tx: Session, holder: UUID, now: datetime) -> None:
    (link,) = identity.links_of(tx, world.house.vault, holder)
    identity.unlink(tx, holder, link.id, now=now)


def _leave(world: World, tx: Session, holder: UUID, now: datetime) -> None:
    partners.forget_member(tx, holder, now=now)


def _turn_out_to_be_a_child(world: World, tx: Session, holder: UUID, now: datetime) -> None:
    identity.state_birth_date(tx, holder, clock.day_of(now), now=now)


End = Callable[[World, Session, UUID, datetime], None]
ENDS: tuple[End, ...] = (_withdraw, _unlink, _leave, _turn_out_to_be_a_child)


def _until_it_works(end: End, world: World, holder: UUID, now: datetime | None = None) -> None:
    """As a client would: a deadlock is answered with 503 and asked for again."""
    while True:
        with suppress(OperationalError), world.house.transaction() as tx:
            end(world, tx, holder, now or clock.now())
            return


def test_an_end_waits_for_the_credit_in_hand_and_is_dated_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for before the credit was decided, it comes while the batch is not committed yet."""
    finish = inbox.finish
    for end in ENDS:
        name = end.__name__
        holder = world.person(name, linked=False)
        world.link(holder, "transit", name)
        world.send("transit", trip(name, name, "9", minutes=20))
        asked_at, in_hand, go_on = clock.now(), threading.Event(), threading.Event()

        def pause(tx: Session, rows: Any, in_hand: threading.Event = in_hand, go_on: threading.Event = go_on) -> None:
            finish(tx, rows)
            in_hand.set()
            assert go_on.wait(60)

        monkeypatch.setattr(inbox, "finish", pause)
        with ThreadPoolExecutor(2) as pool:
            settling = pool.submit(world.settle)
            assert in_hand.wait(60)
            ending = pool.submit(_until_it_works, end, world, holder, asked_at)
            while not (ending.done() or _somebody_waits(world)):
                pass
            ended_early = ending.done()
            go_on.set()
            settling.result(timeout=60), ending.result(timeout=60)
        assert (name, ended_early, world.balances(holder)["reduction"]) == (name, False, 420)
    with world.house.transaction() as tx:
        assert tx.execute(text(CREDITED_BEHIND_THE_END)).all() == []


def _somebody_waits(world: World) -> bool:
    """Whether a transaction waits for a lock of another one."""
    with world.house.transaction() as tx:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return tx.execute(text(waiting)).first() is not None


def test_one_serial_that_everybody_wants(world: World) -> None:
    """Every event claims the same device: whoever is first to arrive, the earliest act counts, and only that."""
    holders = {number: world.person(f"n{number}") for number in range(40)}
    for number in random.Random(3).sample(sorted(holders), len(holders)):
        told = trade_in(f"D{number}", f"n{number}", "SN-1", occurred_at=days_ago(3, 8, number))
        world.send("zhuanzhuan", told)
    said = threading.Event()
    said.set()
    all_together([lambda: work(world, said, 3)] * WORKERS)
    counted = [number for number, holder in holders.items() if world.balances(holder)]
    assert (counted, inbox_states(world)) == ([0], {"done": 40})
    prove(world)


def test_an_act_is_taken_back_once_by_however_many(world: World) -> None:
    """Reviewers reverse what a cancellation takes back at the same moment, twice over, while it is claimed anew."""
    holder, other = world.person("n0"), world.person("n1")
    sent = [world.send("zhuanzhuan", trade_in(f"D{n}", "n0", f"SN-{n}", occurred_at=days_ago(4))) for n in range(20)]
    world.settle()
    keys = [(holder, UUID(world.lines("zhuanzhuan", each)[0]["activity_id"])) for each in sent]
    for number in range(20):
        world.send("zhuanzhuan", cancel(f"D{number}", "n0"))
        world.send("zhuanzhuan", trade_in(f"E{number}", "n1", f"SN-{number}", occurred_at=days_ago(3)))

    def review() -> None:
        for key in keys:
            _until_uncontended(world, key)

    said = threading.Event()
    said.set()
    all_together([review, review, *[lambda: work(world, said, 4)] * 4])
    assert (world.balances(holder), world.balances(other)["reduction"]) == ({}, 20 * 23_750)
    prove(world)


def _until_uncontended(world: World, key: tuple[UUID, UUID]) -> None:
    from backend.activities import Contended

    while True:
        try:
            with world.house.transaction() as tx:
                settlement.reverse(tx, [key], now=clock.now())
            return
        except Contended:
            continue


def test_a_link_and_its_end_race_with_events(world: World) -> None:
    """An act goes to whoever is linked at that moment, whole, or waits; it never goes to two."""
    holders = [world.person(f"n{number}", linked=False) for number in range(2)]
    said = threading.Event()

    def send() -> None:
        for number in range(60):
            world.send("zhuanzhuan", trade_in(f"D{number}", "shared", f"SN-{number}"))
        said.set()

    def relink() -> None:
        turn = 0
        while not said.is_set():
            world.link(holders[turn % 2], "zhuanzhuan", "shared")
            with world.house.transaction() as tx:
                (link,) = identity.links_of(tx, world.house.vault, holders[turn % 2])
                identity.unlink(tx, holders[turn % 2], link.id, now=clock.now())
            turn += 1
        world.link(holders[0], "zhuanzhuan", "shared")

    all_together([send, relink, *[lambda: work(world, said, 7)] * 4])
    with world.house.transaction() as tx:
        partners.wake_ready(tx, now=clock.now())
    world.settle()
    assert inbox_states(world) == {"done": 60}
    assert sum(world.balances(holder).get("reduction", 0) for holder in holders) == 60 * 23_750
    prove(world)


# -- processes that die ------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[3]
#: A worker that says when it is about to finish its second batch, and then waits to be killed.
DOOMED = """
import sys, time
from backend import build_house, partners, outbox
from backend.partners import inbox
from backend.settings import Settings

house = build_house(Settings.for_tests(database_url=sys.argv[1]))
finish, batches = inbox.finish, [0]

def die_before_commit(tx, rows):
    finish(tx, rows)
    tx.flush()
    batches[0] += 1
    if batches[0] == 2:
        print("in the middle of it", flush=True)
        time.sleep(600)

inbox.finish = die_before_commit
while partners.settle_waiting(house.sessions, house.vault, limit=15):
    pass
"""


def test_workers_killed_in_the_middle_lose_nothing_and_double_nothing(world: World, postgresql_url: str) -> None:
    alone = told_alone(world, 60)
    holders = meet(world, "N")
    for partner, each in story("N", 60):
        world.send(partner, each)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", DOOMED, postgresql_url], cwd=ROOT, env=environment, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    # One may wait for rows the other holds: whoever speaks first dies first, and lets the other go on.
    assert _kill_when_spoken(workers) >= 1
    assert inbox_states(world)["waiting"] > 0, "the batch in hand was not committed"
    while inbox_states(world)["waiting"]:
        world.settle()
    assert worth(world, holders) == alone
    prove(world)


def _kill_when_spoken(workers: Sequence["subprocess.Popen[bytes]"]) -> int:
    """Kill each worker, without warning, as soon as it is in the middle of its second batch."""
    spoken = []

    def watch(process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout:
            spoken.append(process.stdout.readline().strip() == b"in the middle of it")
        process.send_signal(signal.SIGKILL)
        process.wait()

    all_together([lambda process=process: watch(process) for process in workers])  # type: ignore[misc]
    return sum(spoken)


def test_the_worker_gives_a_batch_back_when_it_is_told_to_stop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """SystemExit in the middle of a batch, as SIGTERM can raise it, undoes the batch."""
    holder = world.person("n0")
    world.send("transit", trip("T1", "n0", "9", minutes=20))

    def stop(*_: Any, **__: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(worker.inbox, "finish", stop)
    with pytest.raises(SystemExit):
        world.settle()
    monkeypatch.undo()
    assert (world.balances(holder), inbox_states(world)) == ({}, {"waiting": 1})
    world.settle()
    assert world.balances(holder)["reduction"] == 420
