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
from backend.rewards.interfaces import Done
from backend.rewards.orders import finishing
from backend.rewards.providers.sandbox import SCHEME, Shop
from backend.rewards.redemptions import desk
from backend.sandbox import reward_platform
from tests.backend.rewards.ordering import heard
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
    assert alice.in_full(late["id"])["may_cancel"], "its provider is asked"
    alice.cancel(late["id"])
    alice.cancel(late["id"])
    told = alice.in_full(late["id"])
    assert (told["state"], told["why"]["code"], told["withdrawal"]) == ("cancelled", "MEMBER_CANCELLED", None)
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
        alice.cancel(said["id"])
        ledger.write_bytes(withdrawn)
    told = alice.in_full(said["id"])
    assert (told["state"], told["withdrawal"], told["may_cancel"]) == ("confirmed", "asked", False)
    assert told["sentence"]["zh"] == "已申请取消，正在等待供应方答复"
    alice.cancel(said["id"])
    moment.shift(timedelta(days=1))
    with world.house.transaction() as tx:
        (stuck,) = rewards.stuck_orders(tx, older_than=timedelta(hours=24), now=clock.now())
        assert str(stuck.redemption_id) == said["id"], "a member waits for its provider's word"
    finishing.finish_round(world.house.sessions, world.house.vault, rewards.Doors(sandbox=True), "post")
    told = alice.in_full(said["id"])
    assert (told["state"], told["why"]["code"], told["order"]["status"]) == (
        "refunded",
        "MEMBER_CANCELLED",
        "cancelled",
    )
    assert told["recipient"]["deleted_at"] and (alice.points, left(world)) == ({"available": 1_000}, 10)
    alice.cancel(said["id"])
    world.check_books()


def test_a_provider_that_does_not_withdraw_is_asked_once(moment: Any, world: World, shop: Shop) -> None:
    alice, wanted = Redeemer(world, "alice", 1_000), rewards.recipient_of(ADDRESS)
    shop.tell("post")
    said = alice.redeem("lamp", 300, recipient=wanted, accepts_sharing=True)[1]
    shop.answer("order.asked", {"request_no": "rdm_" + UUID(said["id"]).hex})  # it is shipped, and nobody told us
    for _ in range(2):
        with pytest.raises(TooLateToCancel):
            alice.cancel(said["id"])
    told = alice.in_full(said["id"])
    assert (told["state"], told["withdrawal"], told["may_cancel"]) == ("confirmed", "denied", False)
    assert told["order"]["status"] == "shipped" and told["sentence"]["zh"] == "兑换成功；供应方未同意取消"
    assert [(asked, counted) for asked, _, counted in heard(world, said["id"])] == [("place", True), ("withdraw", True)]


def test_a_wish_to_cancel_outlives_the_call_that_is_under_way(moment: Any, world: World, shop: Shop) -> None:
    """Somebody asks about the order at this moment: the wish is kept, and the next call withdraws it."""
    alice, wanted = Redeemer(world, "alice", 1_000), rewards.recipient_of(ADDRESS)
    shop.tell("post")
    made = [alice.redeem("lamp", 300, recipient=wanted, accepts_sharing=True)[1]["id"] for _ in range(2)]
    moment.shift(timedelta(hours=3))
    with world.house.transaction() as tx:
        vault, doors = world.house.vault, rewards.Doors(sandbox=True)
        calls = [finishing.begin(tx, vault, doors, alice.holder, UUID(each), now=clock.now()) for each in made]
    for each, call, answer in zip(made, calls, (Done("SBX-1", "accepted"), Done("SBX-2", "shipped")), strict=True):
        alice.cancel(each)
        assert alice.in_full(each)["withdrawal"] == "asked"
        with world.house.transaction() as tx:
            assert call is not None
            finishing.write_down(tx, call, answer, now=clock.now())
    moment.shift(timedelta(minutes=1))
    finishing.finish_round(world.house.sessions, world.house.vault, doors, "post")
    states = [alice.in_full(each) for each in made]
    assert [(told["state"], told["withdrawal"]) for told in states] == [("refunded", None), ("confirmed", "denied")]
    world.check_books()


def test_a_provider_that_hangs_keeps_only_some_of_the_threads(world: World, shop: Shop, tmp_path: Path) -> None:
    """Its ledger is locked, so it answers nobody: whoever comes when enough wait for it is answered at once."""
    alice, ledger = Redeemer(world, "alice", 3_000), sqlite3.connect(f"{tmp_path}/post.sqlite", isolation_level=None)
    home: dict[str, Any] = {"recipient": rewards.recipient_of(ADDRESS), "accepts_sharing": True}
    shop.tell("post")
    unwanted = alice.redeem("lamp", 300, **home)[1]["id"]
    shop.tell("")
    with closing(ledger), ThreadPoolExecutor(desk.WAITING_AT_ONCE + 1) as threads:
        ledger.execute("BEGIN IMMEDIATE")
        asked = [threads.submit(alice.redeem, "lamp", 300, **home) for _ in range(desk.WAITING_AT_ONCE + 1)]
        at_once = next(as_completed(asked)).result()
        alice.cancel(unwanted)
        calls = [asked for asked, _, _ in heard(world, unwanted)]
        ledger.execute("ROLLBACK")
        states = sorted(found.result()[1]["state"] for found in asked)
    assert at_once[1]["state"] == "reserved"
    assert states == ["confirmed"] * desk.WAITING_AT_ONCE + ["reserved"]
    assert calls == ["place"] and alice.in_full(unwanted)["withdrawal"] == "asked", "who cancels waits among the others"
    finishing.finish_round(world.house.sessions, world.house.vault, rewards.Doors(sandbox=True), "post")
    assert [told["state"] for told in _listed(alice)] == ["confirmed"] * 5 + ["refunded"]


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
        return list(rewards.redemptions(tx, by.holder, programme=None, before=None, limit=10))
