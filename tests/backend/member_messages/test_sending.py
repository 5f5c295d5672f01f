"""What becomes of a message that WeChat takes, refuses, or says nothing about: none is sent twice or lost silently."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from backend import clock, identity, member_messages
from backend.identity.models import PersonIdentity
from backend.member_messages.models import ExpiryWarning
from backend.sandbox.wechat import sealed_push
from backend.wechat_pushes import PushKeys
from tests.backend.member_messages.conftest import FIELDS, TEMPLATE
from tests.backend.member_messages.warning import (
    at,
    collect,
    holder,
    openid,
    remaining,
    saver,
    send,
    tap,
    warnings,
)
from tests.backend.operating import run

#: What WeChat answers is taken alike whatever the database.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def alice(world, moment, acted_at, twin):
    """A member whose warning is due, and who lets it be sent."""
    member = saver(world, "alice", acted_at)
    at(moment, 30, 10)
    collect(world)
    member.log_in_again()
    tap(member, twin)
    return member


def metrics(world):
    lines = world.client.get("/metrics").text.splitlines()
    return {name: value for name, value in (line.rsplit(" ", 1) for line in lines) if name.startswith("member_mess")}


def push(world, member, event, *items):
    keys = PushKeys.of(world.house.settings)
    told = {"Event": event, "FromUserName": openid(member), "List": items[0] if len(items) == 1 else list(items)}
    path, body = sealed_push(keys, told, now=clock.now())
    answer = world.client.post(path, json=body)
    assert answer.text == "success", answer.text


def test_what_wechat_may_have_taken_is_not_sent_again_until_it_says_so_itself(world, moment, alice, twin):
    channel = twin.channel(world.house)
    twin.mishaps = ["lost"]
    assert send(world, channel) == 1
    assert (warnings(world), remaining(world, alice)) == ([(30, 579, "unknown")], 0)
    assert metrics(world)['member_messages{state="unknown"}'] == "1.0"
    moment.shift(timedelta(minutes=6))
    tap(alice, twin)
    assert (send(world, channel), len(twin.sent)) == (0, 1)
    number = "2794188253209100290"
    told = {"TemplateId": TEMPLATE, "MsgID": number, "ErrorCode": "0", "ErrorStatus": "success"}
    push(world, alice, "subscribe_msg_sent_event", told)
    assert warnings(world) == [(30, 579, "delivered")]
    assert 'member_messages{state="unknown"}' not in metrics(world)
    # The next one is lost as well: the push of before, which WeChat repeats, is not about it.
    at(moment, 7, 10)
    collect(world)
    twin.mishaps = ["lost"]
    assert send(world, channel) == 1
    push(world, alice, "subscribe_msg_sent_event", told)
    assert warnings(world) == [(30, 579, "delivered"), (7, 579, "unknown")]
    alice.log_in_again()
    tap(alice, twin)
    # Messages turned off in WeChat are off here, but not by a push that is older than the tap.
    off = {"TemplateId": TEMPLATE, "SubscribeStatusString": "reject"}
    moment.shift(timedelta(minutes=-1))
    push(world, alice, "subscribe_msg_change_event", off)
    assert remaining(world, alice) == 1
    moment.shift(timedelta(minutes=2))
    push(world, alice, "subscribe_msg_change_event", off, {"TemplateId": "other", "SubscribeStatusString": "reject"})
    assert remaining(world, alice) == 0


def test_a_worker_that_dies_while_sending_leaves_an_unknown_outcome(world, moment, alice, twin):
    class Dies:
        appid = "sandbox"

        def send(self, message):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(world, Dies())
    channel = twin.channel(world.house)
    assert (send(world, channel), warnings(world)) == (0, [(30, 579, "sending")])
    moment.shift(timedelta(minutes=2))
    assert (send(world, channel), warnings(world), twin.calls) == (0, [(30, 579, "unknown")], 0)


@ON_SQLITE
def test_refusals_that_pass_are_tried_again_and_use_no_permission(world, moment, alice, twin):
    channel = twin.channel(world.house)
    for mishap, wait, state in (
        (-1, timedelta(minutes=1), "waiting"),
        (45009, timedelta(hours=11, minutes=1), "waiting"),  # until the day is over
        (47003, timedelta(hours=1), "waiting"),
        (99999, timedelta(minutes=1), "waiting"),
    ):
        twin.mishaps = [mishap]
        assert send(world, channel) == 1
        assert (warnings(world)[0][2], remaining(world, alice)) == (state, 1), mishap
        twin.mishaps = []
        moment.shift(wait - timedelta(seconds=1))
        assert send(world, channel) == 0, mishap
        moment.shift(timedelta(hours=12) if mishap == 45009 else timedelta(seconds=1))
    assert (send(world, channel), len(twin.sent), remaining(world, alice)) == (1, 1, 0)
    told = {"TemplateId": TEMPLATE, "MsgID": 2_794_188_253_209_100_294, "ErrorCode": 1, "ErrorStatus": "user block"}
    push(world, alice, "subscribe_msg_sent_event", told)
    assert warnings(world) == [(30, 579, "undelivered")]


@ON_SQLITE
def test_a_message_that_cannot_be_claimed_has_failed_and_holds_up_nobody(world, moment, alice, twin):
    with world.house.transaction() as tx:
        tx.execute(update(PersonIdentity).where(PersonIdentity.kind == "wechat_openid").values(sealed_value=b"broken"))
    assert send(world, twin.channel(world.house)) == 0
    assert (warnings(world), remaining(world, alice)) == ([(30, 579, "failed")], 1)
    assert metrics(world)['member_messages{state="failed"}'] == "1.0"


@ON_SQLITE
def test_a_template_wechat_finds_fault_with_rests_and_operators_are_told(world, moment, alice, twin, app):
    channel = twin.channel(world.house)
    twin.mishaps = [40037]
    assert (send(world, channel), send(world, channel), twin.calls) == (1, 0, 1)
    assert metrics(world)[f'member_messages_halted{{template="{TEMPLATE}"}}'] == "1.0"
    listed = run(app, "message", "templates")
    assert TEMPLATE in listed.output and "errcode 40037" in listed.output
    token = run(app, "operator", "add", "wang", "--role", "administrator").output.strip()
    by = ("--operator", "wang", "--reason", "mended")
    resumed = run(app, "message", "resume", TEMPLATE, *by, token=token)
    assert resumed.exit_code == 0, resumed.output
    twin.mishaps = ["5xx"]
    assert send(world, channel) == 1
    assert warnings(world) == [(30, 579, "unknown")]
    assert "answered 502" in run(app, "message", "list").output
    other = "another-template-of-the-programme-0001"
    fields = [f"--field={name}={keyword}" for name, keyword in FIELDS.items()]
    for template, changed, code in (
        (other, fields, 0),
        ("short", fields, 1),
        (other, fields[1:2], 1),
        (other, [*fields[:2], "--field=last_day=number9"], 1),
        (other, [*fields, "--field=colour=thing9"], 1),
        (other, [*fields[:3], "--field=note=thing1"], 1),
        (other, [*fields, "--page=/leading/slash"], 1),
    ):
        said = run(app, "message", "set-template", "members", template, *changed, *by, token=token)
        assert said.exit_code == code, said.output
    assert [row["template_id"] for row in alice.get("/me/message-permissions").json["permissions"]] == [other]
    last = json.loads(run(app, "operator", "log").output.splitlines()[-1])
    assert (last["action"], last["after"]["template_id"]) == ("message_template.set", other)


@ON_SQLITE
def test_a_name_too_long_for_wechat_is_cut_and_what_cannot_be_said_is_not_sent(world, moment, alice, twin):
    with world.house.transaction() as tx:
        member_messages.set_template(
            tx, "members", TEMPLATE, {"points": "thing1", "last_day": "time2", "programme": "thing3"}, now=clock.now()
        )
        tx.execute(update(ExpiryWarning).values(points=1))
    with world.house.transaction() as tx:
        identity.save_programme(
            tx, code="members", kind="consumer", title_zh="碳" * 30, title_en="M", profile="CN-DEFAULT"
        )
    assert send(world, twin.channel(world.house)) == 1
    assert {name: item["value"] for name, item in twin.sent[0]["data"].items()} == {
        **{"thing1": "579 积分", "time2": "2028年6月5日 23:59", "thing3": "碳" * 19 + "…"},
    }
    with world.house.transaction() as tx:
        identity.save_programme(
            tx, code="members", kind="consumer", title_zh="碳\n", title_en="M", profile="CN-DEFAULT"
        )
    at(moment, 7, 10)
    collect(world)
    alice.log_in_again()
    tap(alice, twin)
    assert (send(world, twin.channel(world.house)), remaining(world, alice)) == (0, 1)
    assert f'member_messages_halted{{template="{TEMPLATE}"}}' in metrics(world)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_workers_collect_and_send_each_message_once(world, moment, acted_at, twin):
    members = [saver(world, f"member{number}", acted_at, number) for number in range(6)]
    at(moment, 30, 10)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: collect(world, limit=3), range(4)))
        collect(world)
        assert warnings(world) == [(30, 579, "waiting")] * 6
        for member in members:
            member.log_in_again()
            tap(member, twin)
        sent = sum(pool.map(lambda _: send(world, twin.channel(world.house)), range(4)))
    assert (sent, len(twin.sent), len({body["touser"] for body in twin.sent})) == (6, 6, 6)
    assert warnings(world) == [(30, 579, "sent")] * 6
    assert len(twin.asked_tokens) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_tap_at_the_moment_of_sending_is_never_overlooked(world, moment, acted_at):
    alice = saver(world, "alice", acted_at)
    at(moment, 30, 10)
    collect(world)
    channel = member_messages.SandboxMessages()

    def tap_now():
        with world.house.transaction() as tx:
            member_messages.note_answers(tx, holder(alice), {TEMPLATE: "accept"}, now=clock.now())

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            both = [pool.submit(send, world, channel), pool.submit(tap_now)]
            assert [one.result() for one in both][1] is None
            send(world, channel)
            assert (warnings(world), remaining(world, alice)) == ([(30, 579, "sent")], 0)
            with world.house.transaction() as tx:
                tx.execute(update(ExpiryWarning).values(state="waiting"))
