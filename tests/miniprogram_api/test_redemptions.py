"""Redeeming through the API: the key, the answer that is repeated, what is told, and what nobody else sees."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from backend import clock, identity
from tests.backend.rewards.redeeming import give_points
from tests.backend.rewards.stocked import stock_up

Redeem = Callable[..., Any]


@pytest.fixture
def alice(world: Any) -> Any:
    stock_up(world, codes=("AAA-1", "AAA-2", "AAA-3"), mugs=1, per_person=None)
    member = world.login("alice")
    give_points(world, UUID(member.get("/me").json["id"]), 1_000)
    return member


@pytest.fixture
def redeem(alice: Any) -> Redeem:
    def asked(key: str | None = "k1", *, by: Any = alice, **body: Any) -> Any:
        wish = {"reward": "coffee", "programme": "members", "expected_price_points": 100} | body
        headers = {} if key is None else {"Idempotency-Key": key}
        return by.call("POST", "/redemptions", json=wish, headers=headers)

    return asked


def test_from_the_wish_to_the_code(world: Any, alice: Any, redeem: Redeem) -> None:
    first = redeem()
    assert (first.status_code, first.json["state"], first.json["sentence"]["zh"]) == (201, "confirmed", "兑换成功")
    assert "Idempotency-Replayed" not in first.headers
    again = redeem('"k1"')
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = redeem(expected_price_points=101)
    assert (other.status_code, other.json["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    for key in (None, "", "a b", "x" * 256, "a,b"):
        missing = redeem(key)
        assert (missing.status_code, missing.json["code"]) == (400, "IDEMPOTENCY_KEY_NEEDED")
    path = f"/redemptions/{first.json['id']}"
    told = alice.get(path).json
    assert (told["voucher"]["may_be_shown"], told["order"], told["recipient"]) == (True, None, None)
    shown = alice.call("POST", f"{path}/reveal", headers={"Idempotency-Key": "k1"})
    assert shown.json["code"] == "IDEMPOTENCY_KEY_REUSED"
    shown = alice.call("POST", f"{path}/reveal", headers={"Idempotency-Key": "r1"})
    assert shown.json["code"] == "AAA-1"
    again = alice.call("POST", f"{path}/reveal", headers={"Idempotency-Key": "r1"})
    assert (again.data, again.headers["Idempotency-Replayed"]) == (shown.data, "true")
    assert alice.call("POST", f"{path}/reveal", headers={"Idempotency-Key": "r2"}).json["code"] == "CODE_ALREADY_SHOWN"
    assert alice.call("POST", f"{path}/cancel").json["code"] == "TOO_LATE_TO_CANCEL"
    bob = world.login("bob")
    for answer in (
        bob.get(path),
        bob.call("POST", f"{path}/cancel"),
        bob.call("POST", f"{path}/reveal", headers={"Idempotency-Key": "r1"}),
        bob.get(f"/redemptions?account_id={alice.get('/me').json['id']}"),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "NOT_FOUND")


@contextmanager
def deadlock_once(world: Any, table: str) -> Iterator[None]:
    """The first statement about this table is chosen to end a deadlock."""
    engine, ended = world.house.sessions.kw["bind"], []

    def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if table in statement and not ended:
            ended.append(statement)
            raise OperationalError(statement, {}, Exception("deadlock detected"))

    event.listen(engine, "before_cursor_execute", end)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", end)
    assert ended


def test_a_deadlock_is_no_fault_of_the_members(world: Any, alice: Any, redeem: Redeem) -> None:
    coffee, mug = redeem("k1").json["id"], redeem("k2", reward="mug", expected_price_points=300).json
    assert mug["may_cancel"]
    with deadlock_once(world, "INSERT INTO redemption_steps"):
        cancelled = alice.call("POST", f"/redemptions/{mug['id']}/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "refunded")
    with deadlock_once(world, "reward_vouchers"):
        shown = alice.call("POST", f"/redemptions/{coffee}/reveal", headers={"Idempotency-Key": "r1"})
    assert (shown.status_code, shown.json["code"]) == (200, "AAA-1") and "Idempotency-Replayed" not in shown.headers


def test_refusals_are_told_and_repeated(world: Any, alice: Any, redeem: Redeem) -> None:
    changed = redeem("p1", expected_price_points=90)
    assert (changed.status_code, changed.json["code"], changed.json["price_points"]) == (409, "PRICE_CHANGED", 100)
    again = redeem("p1", expected_price_points=90)
    assert (again.data, again.content_type) == (changed.data, "application/problem+json")
    assert again.headers["Idempotency-Replayed"] == "true"
    bob = world.login("bob")
    poor = redeem(by=bob)
    assert (poor.status_code, poor.json["code"], poor.json["needed"]) == (409, "INSUFFICIENT_POINTS", 100)
    assert redeem("m1", reward="mug", expected_price_points=300).status_code == 201
    assert redeem("m2", reward="mug", expected_price_points=300).json["code"] == "SOLD_OUT"
    for wrong in (
        {"expected_price_points": 0},
        {"expected_price_points": -100},
        {"expected_price_points": 100.0},
        {"expected_price_points": "100"},
        {"expected_price_points": True},
        {"reward": "coffee\n"},
        {"recipient": {"name": "甲", "admin": "1"}},
        {"recipient": "home"},
        {"account_id": "me"},
        {"device_id": ""},
        {"price": 1},
    ):
        answer = redeem("w1", **wrong)
        assert (answer.status_code, answer.json["code"]) == (422, "INVALID_REQUEST"), wrong
    assert redeem("w1").status_code == 201, "what was never carried out left no trace under its key"


def test_pages_of_redemptions_export_and_deletion(world: Any, alice: Any, redeem: Redeem) -> None:
    ids = [redeem(f"k{number}").json["id"] for number in range(3)]
    first = alice.get("/redemptions?limit=2").json
    second = alice.get(f"/redemptions?limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None
    exported = alice.get("/me/export").json["statement"]["sections"]
    assert [row["id"] for row in exported["redemptions"]] == ids and len(exported["redemption_steps"]) == 3
    with world.house.transaction() as tx:
        identity.end_session(tx, _session(world, alice), now=clock.now())
    ended = redeem("late")
    assert (ended.status_code, ended.json["code"]) == (401, "SESSION_ENDED")
    alice.log_in_again()
    confirmation = alice.call("POST", "/me/deletion-requests").json["confirmation"]
    assert alice.call("DELETE", f"/me?confirmation={confirmation}").status_code == 200
    assert redeem("later").json["code"] == "SESSION_ENDED"


def _session(world: Any, member: Any) -> UUID:
    keys = world.house.settings.token_keys
    return identity.read_access(keys, member.tokens["access_token"], clock.now()).session_id
