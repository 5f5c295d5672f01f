"""For whom an order is: sealed, sent to its provider alone, shown with the middle left out, gone when it arrived."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from backend import clock, rewards
from backend.rewards.interfaces import Address, Reference
from backend.rewards.orders import recipients
from tests.backend.rewards.ordering import ADDRESS, PRICE, order_of, outside_reward, work, work_until_still
from tests.backend.rewards.redeeming import Redeemer
from tests.backend.sync.receiver import Received, Receiver
from tests.backend.world import World


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"phone": "+8613800138000"}, []),
        ({"phone": "021-62345678"}, []),
        ({"name": "Anna-Lena O'Neill"}, []),
        ({"phone": "12345"}, ["phone"]),
        ({"phone": "1380013800０"}, ["phone"]),
        ({"name": " 王小明"}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "王" * 41}, ["name"]),
        ({"name": "13800138000"}, ["name"]),
        ({"name": "王\u202e小明"}, ["name"]),
        ({"street": "人民大道\n200 号"}, ["street"]),
        ({"street": "——————"}, ["street"]),
        ({"street": ["人民大道 200 号"]}, ["street"]),
        ({"region": None}, ["region"]),
        ({"id_card": "310101"}, ["id_card"]),
        ({"member": "m-1"}, ["name", "phone", "region", "street"]),
    ],
)
def test_what_a_member_writes_is_checked_strictly(changed: dict[str, Any], wrong: list[str]) -> None:
    given = ADDRESS | changed
    if not wrong:
        assert rewards.recipient_of(given) == Address(**given)
        return
    with pytest.raises(rewards.InvalidRecipient) as refused:
        rewards.recipient_of(given)
    assert refused.value.facts == {"fields": wrong}


def test_a_member_number_is_one_word() -> None:
    assert rewards.recipient_of({"member": "MU-100@example.com"}) == Reference("MU-100@example.com")
    for wrong in ("", "a b", "会员", "x" * 65, 7):
        with pytest.raises(rewards.InvalidRecipient):
            rewards.recipient_of({"member": wrong})


def test_an_address_is_sealed_sent_once_shown_masked_and_deleted_when_it_arrived(
    moment: Any,
    world: World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop, alice = outside_reward(world, tmp_path, kind="goods"), Redeemer(world, "alice", PRICE * 2)
    shop.tell("post")
    wanted: dict[str, Any] = {"recipient": rewards.recipient_of(ADDRESS), "accepts_sharing": True}
    kept, arriving = (alice.redeem("parcel", PRICE, **wanted)[1]["id"] for _ in range(2))
    shown = alice.in_full(arriving)["recipient"]
    assert (shown["name"], shown["phone"], shown["street"]) == ("王**", "138****8000", "人民****")
    assert shown["provider"] == "post" and shown["agreed_at"] == clock.iso(clock.now())
    assert not secrets_in(world) and exported(alice)[0]["street"] == ADDRESS["street"]

    work_until_still(world, moment, rounds=1, step=timedelta(hours=3))  # shipped
    assert exported(alice)[0]["street"] == ADDRESS["street"]
    work_until_still(world, moment, rounds=1, step=timedelta(hours=3))  # delivered
    assert order_of(world, arriving).status == "delivered"
    told = alice.in_full(arriving)["recipient"]
    assert (
        told["deleted_because"] == "delivered" and told["deleted_at"] == clock.iso(clock.now()) and "name" not in told
    )
    assert all("street" not in row for row in exported(alice)) and not sealed(world)
    said = caplog.text + capsys.readouterr().out
    assert not any(value in said for value in ADDRESS.values())
    assert alice.in_full(kept)["state"] == alice.in_full(arriving)["state"] == "confirmed"


def test_an_address_is_not_kept_for_ever_nor_longer_than_its_member(
    moment: Any,
    postgresql_url: str,
    tmp_path: Path,
) -> None:
    world = World(postgresql_url)
    shop, alice = outside_reward(world, tmp_path, kind="goods"), Redeemer(world, "alice", PRICE * 6)
    wanted: dict[str, Any] = {"recipient": rewards.recipient_of(ADDRESS), "accepts_sharing": True}

    def redeem(behaviour: str) -> str:
        shop.tell(behaviour)
        redemption: str = alice.redeem("parcel", PRICE, **wanted)[1]["id"]
        return redemption

    manners = ("refuse:NO", "post", "cancel", "timeout_after_success", "fail")
    refused, shipped, _, unknown, on_its_way = (redeem(how) for how in manners)
    assert alice.in_full(refused)["recipient"]["deleted_because"] == "order_ended"
    moment.shift(timedelta(hours=3))
    work(world)  # one is shipped, one is cancelled, of the third it is known that it was carried out
    assert alice.in_full(unknown)["recipient"]["deleted_because"] == "order_ended"
    assert sealed(world) == 2 and delete_run_out(world) == 0
    moment.shift(timedelta(days=1))
    sent_last = redeem("fail")
    moment.shift(recipients.KEPT_AFTER_SHIPPING - timedelta(days=1))
    assert delete_run_out(world) == 2
    told = [alice.in_full(one)["recipient"]["deleted_because"] for one in (shipped, on_its_way)]
    assert told == ["time_over", "time_over"]
    still_open = order_of(world, on_its_way)
    assert still_open.state == "placing" and still_open.next_attempt_at is not None, "it is asked about all the same"
    with world.house.transaction() as tx:
        recipients.forget(tx, alice.holder, now=clock.now())
    assert alice.in_full(sent_last)["recipient"]["deleted_because"] == "member_forgotten" and not sealed(world)


def test_a_member_number_goes_to_its_platform_and_its_list_is_compared(
    moment: Any,
    postgresql_url: str,
    tmp_path: Path,
) -> None:
    world, listed = World(postgresql_url), {"requests": [], "complete": True}

    def answer(got: Received) -> bytes:
        data = got.data
        if got.message["type"] == "exchange.listed":
            return json.dumps(listed).encode()
        return json.dumps(
            {"request_no": data["request_no"], "status": "done", "reference": "T-1", "units": 500}
        ).encode()

    with Receiver().open() as receiver:
        receiver.answer = answer
        doors = rewards.Doors((receiver.host,))
        url, units = f"http://{receiver.host}/", {"delivered_amount": 500, "delivered_unit": "platform_points"}
        how: dict[str, Any] = {"provider_kind": "points_platform", "kind": "platform_points", "url": url} | units
        outside_reward(world, tmp_path, doors=doors, **how)
        alice = Redeemer(world, "alice", PRICE * 3)
        alice.doors = doors
        wanted: dict[str, Any] = {"recipient": rewards.recipient_of({"member": "MU-1"}), "accepts_sharing": True}
        made = [alice.redeem("parcel", PRICE, **wanted)[1] for _ in range(3)]
        assert {said["state"] for said in made} == {"confirmed"}
        sent = [(got.data["member"], got.data["units"]) for got in receiver.received]
        assert sent == [("MU-1", 500)] * 3 and not sealed(world)
        ours = sorted("rdm_" + said["id"].replace("-", "") for said in made)
        listed["requests"] = [
            {"request_no": "rdm_" + "0" * 32, "quantity": 1, "status": "done"},
            {"request_no": ours[0], "quantity": 500, "status": "done"},
            {"request_no": ours[1], "quantity": 499, "status": "done"},
        ]
        compared = rewards.reconcile_orders(world.house.reading, world.house.vault, doors, "post", clock.today())
    kinds = {item.request_no: (item.kind, item.ours, item.theirs) for item in compared.differences}
    assert kinds == {
        "rdm_" + "0" * 32: ("missing_here", None, 1),
        ours[1]: ("amount", 500, 499),
        ours[2]: ("missing_there", 500, None),
    }


def exported(by: Redeemer) -> list[dict[str, Any]]:
    with by.house.transaction() as tx:
        return list(rewards.holdings(tx, by.house.vault, by.holder)["reward_recipients"])


def sealed(world: World) -> int:
    with world.house.transaction() as tx:
        return int(tx.scalar(text("SELECT COUNT(*) FROM reward_recipients WHERE sealed IS NOT NULL")) or 0)


def secrets_in(world: World) -> list[str]:
    """What of the address stands anywhere in the tables of rewards or requests in a form that can be read."""
    found = []
    with world.house.transaction() as tx:
        for table in ("reward_recipients", "reward_orders", "reward_answers", "idempotency_keys", "redemptions"):
            for row in tx.execute(text(f"SELECT * FROM {table}")):
                plain = " ".join(
                    bytes(v).decode("utf-8", "replace") if isinstance(v, bytes | memoryview) else str(v) for v in row
                )
                found += [value for value in ADDRESS.values() if value in plain]
    return found


def delete_run_out(world: World) -> int:
    with world.house.transaction() as tx:
        return rewards.delete_recipients(tx, now=clock.now())
