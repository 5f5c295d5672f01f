"""Rewards from outside: agreed to, withdrawn while they can be, and answered although a process died."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import event

from backend import clock, rewards
from backend.idempotency import RequestUnderWay
from backend.rewards import Terms, TooLateToCancel
from backend.rewards.catalogue.stock import pieces_left
from backend.rewards.orders import finishing
from backend.rewards.providers.sandbox import SCHEME, Shop
from backend.rewards.redemptions import redeeming
from backend.sandbox import reward_platform
from tests.backend.rewards.redeeming import Redeemer
from tests.backend.world import World

ADDRESS = {"name": "王小明", "phone": "13800138000", "region": "上海市 黄浦区", "street": "人民大道 200 号"}


@pytest.fixture
def moment() -> Iterator[Any]:
    with time_machine.travel(clock.start_of(clock.today()) + timedelta(hours=9), tick=False) as traveller:
        yield traveller


@pytest.fixture
def shop(moment: Any, world: World, tmp_path: Path) -> Shop:
    """The ledger of a provider of `lamp`, goods for 300 points."""
    path, now, today = f"{tmp_path}/post.sqlite", clock.now(), clock.today()
    told = {"recipient": "灯具店 / Lamps", "contact": "400-100", "hands_over": "收件信息 / the address"}
    with world.house.transaction() as tx:
        given: dict[str, Any] = {"code": "post", "kind": "sandbox", "url": SCHEME + path, **told, "now": now}
        doors = rewards.Doors(sandbox=True)
        rewards.add_provider(tx, world.house.vault, doors, **given, secret=reward_platform.SECRET)
        offered: dict[str, Any] = {"kind": "goods", "provider_kind": "sandbox", "provider": "post", "item": "lamp"}
        titles = {"zh": "灯", "en": "Lamp"}
        rewards.save_reward(tx, code="lamp", titles=titles, stock_kind="counted", **offered, now=now)
        rewards.save_terms(tx, "lamp", Terms(today, 300, (("members", "personal"),)), announced_on=today)
        rewards.change_stock(tx, "lamp", 10, kind="restock", reason="first", operator_id=None, now=now)
    return Shop(path)


@contextmanager
def dying_after_its_first_commit(world: World) -> Iterator[None]:
    """What is done in here ends at the first statement after something was committed."""
    engine: Any = world.house.sessions.kw["bind"]
    committed: list[bool] = []

    def note(*_: Any) -> None:
        committed.append(True)

    def die(*_: Any) -> None:
        if committed:
            raise KeyboardInterrupt  # nothing of ours catches it

    event.listen(engine, "commit", note)
    event.listen(engine, "before_cursor_execute", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        event.remove(engine, "commit", note)
        event.remove(engine, "before_cursor_execute", die)


def left(world: World) -> int | None:
    with world.house.transaction() as tx:
        return pieces_left(tx, "lamp")


def test_goods_are_agreed_to_and_withdrawn_until_they_are_shipped(moment: Any, world: World, shop: Shop) -> None:
    alice = Redeemer(world, "alice", 1_000)
    home: dict[str, Any] = {"recipient": rewards.recipient_of(ADDRESS), "accepts_sharing": True}
    assert alice.redeem("lamp", 300)[1]["code"] == "RECIPIENT_NEEDED"
    assert alice.redeem("lamp", 300, recipient=home["recipient"])[1]["code"] == "SHARING_NOT_ACCEPTED"
    shop.tell("post")
    said = alice.redeem("lamp", 300, **home)[1]
    assert (said["state"], left(world)) == ("confirmed", 9) and alice.in_full(said["id"])["may_cancel"]
    alice.cancel(said["id"])
    alice.cancel(said["id"])
    told = alice.in_full(said["id"])
    assert (told["state"], told["why"]["code"], told["order"]["status"]) == (
        "refunded",
        "MEMBER_CANCELLED",
        "cancelled",
    )
    assert told["recipient"]["deleted_at"] and "street" not in told["recipient"]
    assert (alice.points, left(world)) == ({"available": 1_000}, 10)
    shop.tell("")
    done = alice.redeem("lamp", 300, **home)[1]
    shop.tell("late")
    late = alice.redeem("lamp", 300, **home)[1]
    assert (done["state"], late["state"]) == ("confirmed", "requested")
    with pytest.raises(TooLateToCancel):
        alice.cancel(done["id"])
    alice.cancel(late["id"])
    alice.cancel(late["id"])
    assert alice.in_full(late["id"])["why"]["code"] == "PROVIDER_WITHDRAWN"
    assert (alice.points, left(world)) == ({"available": 700}, 9)
    world.check_books()


@pytest.mark.parametrize("lost", ["answer", "process"])
def test_what_was_withdrawn_comes_back_although_nobody_heard_it(
    moment: Any, world: World, shop: Shop, tmp_path: Path, lost: str
) -> None:
    alice, ledger = Redeemer(world, "alice", 1_000), Path(f"{tmp_path}/post.sqlite")
    shop.tell("post")
    said = alice.redeem("lamp", 300, recipient=rewards.recipient_of(ADDRESS), accepts_sharing=True)[1]
    if lost == "process":
        with dying_after_its_first_commit(world):
            alice.cancel(said["id"])
    else:
        shop.answer("order.withdrawn", {"request_no": "rdm_" + UUID(said["id"]).hex})
        withdrawn = ledger.read_bytes()
        ledger.write_bytes(b"nothing that could be answered")
        with pytest.raises(TooLateToCancel):
            alice.cancel(said["id"])
        ledger.write_bytes(withdrawn)
    moment.shift(timedelta(minutes=1))
    assert alice.in_full(said["id"])["state"] == "confirmed"
    finishing.finish_round(world.house.sessions, world.house.vault, rewards.Doors(sandbox=True), "post")
    told = alice.in_full(said["id"])
    assert (told["state"], told["why"]["code"], told["order"]["status"]) == (
        "refunded",
        "PROVIDER_WITHDRAWN",
        "cancelled",
    )
    assert told["recipient"]["deleted_at"] and (alice.points, left(world)) == ({"available": 1_000}, 10)
    alice.cancel(said["id"])
    world.check_books()


def test_a_provider_that_hangs_keeps_only_some_of_the_threads(world: World, shop: Shop, tmp_path: Path) -> None:
    """Its ledger is locked, so it answers nobody: whoever comes when enough wait for it is answered at once."""
    alice, ledger = Redeemer(world, "alice", 3_000), sqlite3.connect(f"{tmp_path}/post.sqlite", isolation_level=None)
    home: dict[str, Any] = {"recipient": rewards.recipient_of(ADDRESS), "accepts_sharing": True}
    with closing(ledger), ThreadPoolExecutor(redeeming.WAITING_AT_ONCE + 1) as threads:
        ledger.execute("BEGIN IMMEDIATE")
        asked = [threads.submit(alice.redeem, "lamp", 300, **home) for _ in range(redeeming.WAITING_AT_ONCE + 1)]
        at_once = next(as_completed(asked)).result()
        ledger.execute("ROLLBACK")
        states = sorted(found.result()[1]["state"] for found in asked)
    assert at_once[1]["state"] == "reserved"
    assert states == ["confirmed"] * redeeming.WAITING_AT_ONCE + ["reserved"]
    finishing.finish_round(world.house.sessions, world.house.vault, rewards.Doors(sandbox=True), "post")
    assert {told["state"] for told in _listed(alice)} == {"confirmed"}


def test_a_process_that_dies_before_it_asks_the_provider(moment: Any, world: World, shop: Shop) -> None:
    """The redemption is there, its answer is not: the repeat waits until the outcome is known, and then tells it."""
    alice = Redeemer(world, "alice", 1_000)
    home: dict[str, Any] = {"recipient": rewards.recipient_of(ADDRESS), "accepts_sharing": True}
    with dying_after_its_first_commit(world):
        alice.redeem("lamp", 300, "k1", **home)
    assert alice.points == {"available": 700, "reserved": 300}
    with pytest.raises(RequestUnderWay):
        alice.redeem("lamp", 300, "k1", **home)
    moment.shift(timedelta(minutes=2))
    assert alice.redeem("lamp", 300, "k1", **home)[1]["state"] == "reserved", "it broke off: told as it stands"
    finishing.finish_round(world.house.sessions, world.house.vault, rewards.Doors(sandbox=True), "post")
    (told,) = _listed(alice)
    assert (told["state"], len(shop.orders())) == ("confirmed", 1)
    assert alice.points == {"available": 700}
    world.check_books()


def _listed(by: Redeemer) -> list[dict[str, Any]]:
    with by.house.transaction() as tx:
        return list(rewards.redemptions(tx, by.holder, programme=None, before=None, limit=5))
