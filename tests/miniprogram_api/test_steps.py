"""Steps through the API: WeChat's data in, days and balances out; what is withheld, refused, taken back, forgotten."""

from datetime import timedelta
from typing import Any

import pytest

from backend import clock, ledger, steps
from backend.identity.wechat_sessions import WeChatSessionKey
from backend.sandbox.wechat import sealed_push
from backend.steps.models import StepDay
from backend.wechat_pushes import PushKeys
from tests.miniprogram_api.world import Member, World

API = "/wechat/sandbox/steps"


@pytest.fixture
def lin(world: World) -> Member:
    return world.login("lin")


def werun(world: World, name: str, *counts: int) -> dict[str, str]:
    """What WeChat gives the mini-program: today's steps, yesterday's …"""
    answer = world.client.post(API, json={"name": name, "steps": list(counts)})
    assert answer.status_code == 201, answer.text
    sealed: dict[str, str] = answer.json
    return sealed


def send(member: Member, *counts: int, **changed: Any) -> Any:
    body = {"programme": "members", **werun(member.world, member.name, *counts)} | changed
    return member.call("POST", "/steps", json=body)


def mine(member: Member) -> dict[str, Any]:
    found: dict[str, Any] = member.get("/me/steps?programme=members").json
    return found


def let_donate(world: World) -> None:
    with world.house.transaction() as tx:
        steps.let_donate(tx, now=clock.now())


def sound(world: World) -> bool:
    with world.house.transaction() as tx:
        return not list(ledger.differences(tx))


def test_a_month_of_steps_is_counted_once_topped_up_and_can_be_donated_later(
    world: World, lin: Member, moment: Any
) -> None:
    month = [5_000 + number for number in range(31)]
    first = send(lin, *month)
    assert first.status_code == 200, first.text
    assert [day["counted"] for day in reversed(first.json["days"])] == month
    assert send(lin, *month).json == first.json  # the same again
    assert mine(lin)["pending"] == sum(month) and mine(lin)["available"] == 0

    topped = send(lin, 9_000, 4_000, 34_000).json["days"]
    assert [(day["counted"], day["why"] and day["why"]["code"]) for day in reversed(topped)] == [
        (9_000, None),
        (5_001, "STEPS_NOT_HIGHER"),
        (5_002, "STEPS_UNUSUAL"),
    ]
    assert mine(lin)["pending"] == sum(month) + 4_000

    let_donate(world)
    assert mine(lin)["available"] == 0
    moment.shift(timedelta(days=2))
    let_donate(world)
    lin.log_in_again()
    found = mine(lin)
    assert (found["pending"], found["available"]) == (0, sum(month) + 4_000)
    assert [day["why"]["code"] for day in found["days"] if day["why"]] == ["STEPS_UNUSUAL"]
    (entry, *_) = lin.entries()
    assert entry["kind"] == "steps.spendable"
    assert lin.get(f"/me/entries/{entry['id']}/receipt").status_code == 200
    assert sound(world)


def test_a_withheld_day_waits_for_a_reviewer(world: World, lin: Member) -> None:
    assert send(lin, 0, 61_000).json["days"][0]["why"]["code"] == "STEPS_IMPLAUSIBLE"
    with world.house.transaction() as tx:
        (waiting,) = steps.waiting_for_review(tx)
        steps.review(tx, waiting.holder_id, waiting.day, released=True, now=clock.now())
        with pytest.raises(steps.StepDayNotWaiting):
            steps.review(tx, waiting.holder_id, waiting.day, released=False, now=clock.now())
    assert mine(lin)["pending"] == 30_000
    assert send(lin, 0, 61_000).json["days"][0]["why"]["code"] == "STEPS_CAPPED"


def test_the_counts_of_another_member_are_withheld(world: World, lin: Member) -> None:
    counts = 8_001, 9_002, 7_003, 6_004
    assert send(lin, *counts).status_code == 200
    found = send(world.login("wang"), *counts).json["days"]
    assert {day["why"]["code"] for day in found} == {"STEPS_SAME_AS_ANOTHER"}


def test_data_of_others_and_of_yesterday_are_refused_alike(world: World, lin: Member, moment: Any) -> None:
    old = werun(world, "lin", 5_000)
    refusals = [
        lin.call("POST", "/steps", json={"programme": "members", **werun(world, "wang", 5_000)}),
        send(lin, 5_000, iv="AAAAAAAAAAAAAAAAAAAAAA=="),
    ]
    moment.shift(timedelta(minutes=11))
    refusals.append(lin.call("POST", "/steps", json={"programme": "members", **old}))
    assert {answer.status_code for answer in refusals} == {422}
    assert len({answer.text for answer in refusals}) == 1
    assert refusals[0].json["code"] == "WERUN_DATA_INVALID"
    assert mine(lin)["days"] == []


def test_the_session_key_is_sealed_and_goes_with_the_login(world: World, lin: Member) -> None:
    with world.house.transaction() as tx:
        (row,) = tx.query(WeChatSessionKey)
        key = world.house.wechat.exchange("sandbox:lin").session_key
        assert key.encode() not in row.sealed_session
    sealed = werun(world, "lin", 5_000)
    assert lin.call("POST", "/auth/logout").status_code == 204
    assert lin.call("POST", "/steps", json={"programme": "members", **sealed}).json["code"] == "SESSION_ENDED"
    with world.house.transaction() as tx:
        assert tx.query(WeChatSessionKey).count() == 0


def test_a_permission_taken_back_stops_what_is_older(world: World, lin: Member, moment: Any) -> None:
    assert send(lin, 5_000).status_code == 200
    before = werun(world, "lin", 6_000)
    openid = world.house.wechat.exchange("sandbox:lin").openid
    told = {"Event": "user_authorization_revoke", "RevokeInfo": "12", "OpenID": openid}
    path, body = sealed_push(PushKeys.of(world.house.settings), told, now=clock.now())
    moment.shift(timedelta(seconds=2))
    assert world.client.post(path, json=body).status_code == 200
    refused = lin.call("POST", "/steps", json={"programme": "members", **before})
    assert (refused.status_code, refused.json["code"]) == (403, "STEPS_PERMISSION_ENDED")
    assert mine(lin)["pending"] == 5_000
    assert send(lin, 6_000).status_code == 200  # WeChat encrypts none without the permission: it was given again


def test_a_programme_one_does_not_take_part_in(lin: Member) -> None:
    assert send(lin, 5_000, programme="staff").json["code"] == "NOT_ENROLLED"


def test_who_leaves_takes_the_daily_counts_along(world: World, lin: Member) -> None:
    assert send(lin, 5_000, 6_000).status_code == 200
    exported = lin.get("/me/export").json["statement"]["sections"]
    assert [row["steps"] for row in exported["step_days"]] == [6_000, 5_000]
    asked = lin.call("POST", "/me/deletion-requests").json["confirmation"]
    assert lin.call("DELETE", f"/me?confirmation={asked}").status_code == 200
    with world.house.transaction() as tx:
        assert tx.query(StepDay).count() == tx.query(WeChatSessionKey).count() == 0
    assert sound(world)
