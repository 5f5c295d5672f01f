"""Warnings that points lapse: thirty and seven days ahead, once each, by day, and true when they are sent."""

from datetime import timedelta

import pytest

from backend import clock, member_messages, points
from backend.ids import new_id
from tests.backend.member_messages.conftest import TEMPLATE
from tests.backend.member_messages.warning import (
    at,
    collect,
    earn,
    holder,
    lots,
    make_class_with_points,
    openid,
    remaining,
    saver,
    send,
    tap,
    warnings,
)
from tests.miniprogram_api.world import cancellation


def test_thirty_and_seven_days_ahead_once_each_and_only_by_day(world, moment, acted_at, twin):
    alice = saver(world, "alice", acted_at)
    saver(world, "bob", acted_at, 2)  # never lets a message be sent
    channel = twin.channel(world.house)
    assert set(lots(world).values()) == {579}
    at(moment, 31, 23, 59)  # 15:59 UTC
    alice.log_in_again()
    tap(alice, twin)
    assert tap(alice, twin)["remaining"] == 2
    collect(world)
    assert warnings(world) == []
    at(moment, 30, 0, 1)  # 16:01 UTC
    collect(world)
    collect(world)
    assert warnings(world) == [(30, 579, "waiting")] * 2
    for hour, minute in ((0, 1), (8, 59), (21, 0)):
        at(moment, 30, hour, minute)
        assert send(world, channel) == 0
    at(moment, 30, 9)
    assert (send(world, channel), send(world, channel)) == (1, 0)
    (sent,) = twin.sent
    assert sent == {
        "touser": openid(alice),
        "template_id": TEMPLATE,
        "page": "pages/points",
        "miniprogram_state": "formal",
        "lang": "zh_CN",
        "data": {
            "thing1": {"value": "联萌乐碳圈"},
            "number2": {"value": "579"},
            "date3": {"value": "2028年6月5日"},
            "thing4": {"value": "过期后无法恢复，请及时使用"},
        },
    }
    assert sorted(warnings(world)) == [(30, 579, "in_app"), (30, 579, "sent")]
    for days in (29, 15, 8):
        at(moment, days, 12)
        collect(world)
        assert send(world, channel) == 0
    at(moment, 7, 0)
    collect(world)
    at(moment, 7, 20, 59)
    assert send(world, channel) == 1
    for days in (6, 1, 0):
        at(moment, days, 12)
        collect(world)
        assert send(world, channel) == 0
    assert sorted(warnings(world)) == [
        *((7, 579, "in_app"), (7, 579, "sent"), (30, 579, "in_app"), (30, 579, "sent"))
    ]
    assert (len(twin.sent), remaining(world, alice)) == (2, 0)


def test_a_member_reads_the_warning_in_words_whether_or_not_it_was_sent(world, moment, acted_at):
    alice, bob = saver(world, "alice", acted_at), world.active_member("bob")
    at(moment, 30, 9)
    collect(world)
    send(world, member_messages.SandboxMessages())
    alice.log_in_again()
    page = alice.get("/me/messages").json
    assert page["next_cursor"] is None
    (told,) = page["items"]
    assert told | {"id": "", "made_at": ""} == {
        "id": "",
        "kind": "points_expiry",
        "programme": "members",
        "text": {
            "zh": "联萌乐碳圈：579 积分有效期至2028年6月5日（含当日），请及时使用",
            "en": "Members: 579 points can be used until 5 June 2028, that day included; then they lapse",
        },
        "points": 579,
        "lapsing": 579,
        "last_day": "2028-06-05",
        "days_ahead": 30,
        "state": "in_app",
        "made_at": "",
        "sent_at": None,
    }
    sections = alice.get("/me/export").json["statement"]["sections"]
    assert [row["points"] for row in sections["expiry_warnings"]] == [579]
    bob.log_in_again()
    assert bob.get("/me/messages").json["items"] == []
    # What was used meanwhile is not threatened with any more, and the past is called the past.
    with world.house.transaction() as tx:
        how = {"holder_id": holder(alice), "programme": "members", "use_id": new_id(), "points": 579}
        points.spend(tx, **how, now=clock.now())
    assert "已使用" in alice.get("/me/messages?programme=members").json["items"][0]["text"]["zh"]
    at(moment, 0, 0)
    alice.log_in_again()
    assert "已结束" in alice.get("/me/messages").json["items"][0]["text"]["zh"]
    assert alice.get("/me/messages?programme=nowhere").json["code"] == "UNKNOWN_PROGRAMME"


def test_after_an_outage_the_warning_is_late_but_never_one_whose_time_is_over(world, moment, acted_at, twin):
    alice = saver(world, "alice", acted_at)
    channel = twin.channel(world.house)
    at(moment, 20, 22)  # nothing ran for ten days
    collect(world)
    alice.log_in_again()
    tap(alice, twin)
    tap(alice, twin)
    at(moment, 8, 22)  # and nothing was sent for twelve more
    assert send(world, channel) == 0
    at(moment, 7, 0)
    collect(world)
    at(moment, 5, 10)
    assert send(world, channel) == 1
    assert [body["data"]["number2"]["value"] for body in twin.sent] == ["579"]
    assert warnings(world) == [(30, 579, "outdated"), (7, 579, "sent")]
    assert remaining(world, alice) == 1


def test_only_what_still_lapses_is_warned_of(world, moment, acted_at, twin):
    alice, bob = saver(world, "alice", acted_at), saver(world, "bob", acted_at, 2)
    carol = saver(world, "carol", acted_at, 3)
    earn(world, alice, acted_at - timedelta(hours=2), 4)
    at(moment, 30, 8)
    collect(world)
    for member in (alice, bob, carol):
        member.log_in_again()
        tap(member, twin)
    use = new_id()
    with world.house.transaction() as tx:
        how = {"holder_id": holder(alice), "programme": "members"}
        points.reserve(tx, **how, use_id=use, points=700, now=clock.now())
    world.send("transit", cancellation("bob", "T2", clock.now()))
    world.settle()
    confirmation = carol.call("POST", "/me/deletion-requests").json["confirmation"]
    assert carol.call("DELETE", f"/me?confirmation={confirmation}").status_code == 200
    at(moment, 30, 9)
    assert send(world, twin.channel(world.house)) == 1
    assert [(body["touser"], body["data"]["number2"]["value"]) for body in twin.sent] == [
        (openid(alice), str(2 * 579 - 700))
    ]
    assert sorted(warnings(world)) == [(30, 458, "sent"), (30, 579, "withdrawn"), (30, 579, "withdrawn")]
    assert remaining(world, bob) == 1
    # Whoever was forgotten is not held here either, nor warned again.
    with world.house.transaction() as tx:
        member_messages.purge_messages(tx, now=clock.now())
    at(moment, 7, 8)
    collect(world)
    assert sorted(warnings(world)) == [(7, 458, "waiting"), (30, 458, "sent"), (30, 579, "withdrawn")]


def test_pages_and_deaths_change_nothing(world, moment, acted_at):
    for number in range(1, 4):
        member = saver(world, f"member{number}", acted_at, number)
        earn(world, member, acted_at - timedelta(hours=3), number + 10)
    late, use = saver(world, "late", acted_at, 20), new_id()
    with world.house.transaction() as tx:
        how = {"holder_id": holder(late), "use_id": use}
        points.reserve(tx, **how, programme="members", points=579, now=clock.now())
    make_class_with_points(world)  # nobody who could be written to
    at(moment, 30, 1)
    with pytest.raises(ZeroDivisionError), world.house.transaction() as tx:
        member_messages.collect_warnings(tx, now=clock.now(), limit=2)
        raise ZeroDivisionError  # the worker dies with its first page
    assert warnings(world) == []
    with world.house.transaction() as tx:
        member_messages.collect_warnings(tx, now=clock.now(), limit=1)
    assert warnings(world) == [(30, 2 * 579, "waiting")]
    collect(world, limit=1)
    assert warnings(world) == [(30, 2 * 579, "waiting")] * 3
    # What came back late is found the next day.
    with world.house.transaction() as tx:
        points.release(tx, **how, reason="test", now=clock.now())
    collect(world)
    assert len(warnings(world)) == 3
    at(moment, 29, 1)
    collect(world, limit=2)
    assert warnings(world)[3:] == [(30, 579, "waiting")]


def test_what_a_member_lets_be_sent(world, moment, acted_at, twin):
    alice = saver(world, "alice", acted_at)
    at(moment, 30, 10)
    collect(world)
    channel = twin.channel(world.house)
    assert send(world, channel) == 0
    alice.log_in_again()
    (offered,) = alice.get("/me/message-permissions").json["permissions"]
    assert offered == {
        **{"template_id": TEMPLATE, "kind": "points_expiry", "programmes": ["members"]},
        **{"remaining": 0, "answer": None, "answered_at": None},
    }
    for answer in ("reject", "ban", "filter"):
        assert tap(alice, twin, answer)["remaining"] == 0
    assert send(world, channel) == 0
    tap(alice)  # the mini-program says so, but WeChat heard nothing of it
    assert (send(world, channel), twin.calls, remaining(world, alice)) == (1, 1, 0)
    assert warnings(world) == [(30, 579, "in_app")]
    assert send(world, channel) == 0
    tap(alice, twin)  # a real one: what was shown in the mini-program only goes out
    assert (send(world, channel), len(twin.sent), remaining(world, alice)) == (1, 1, 0)
    assert warnings(world) == [(30, 579, "sent")]
    for body, status, code in (
        ({"answers": [{"template_id": "x" * 20, "answer": "accept"}]}, 404, "UNKNOWN_MESSAGE_TEMPLATE"),
        ({"answers": [{"template_id": TEMPLATE, "answer": "yes"}]}, 422, "INVALID_REQUEST"),
        ({"answers": []}, 422, "INVALID_REQUEST"),
        ({"answers": [{"template_id": TEMPLATE, "answer": "accept"}] * 2}, 422, "INVALID_REQUEST"),
        ({"answers": [{"template_id": "é" * 20, "answer": "accept"}]}, 422, "INVALID_REQUEST"),
    ):
        answer = alice.call("POST", "/me/message-permissions", json=body)
        assert (answer.status_code, answer.json["code"]) == (status, code)
