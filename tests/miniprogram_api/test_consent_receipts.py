"""What a member agreed to, shown back to them; and being asked again when the purpose changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend import identity
from tests.miniprogram_api.test_consents_and_links import put
from tests.miniprogram_api.world import trip

OLD, REWORDED, NEW = "2026-01", "2026-02", "2026-03"


@pytest.fixture
def publish(monkeypatch):
    """Publish another wording, of the same purpose or of a new one."""

    def published(version, *, new_purpose):
        text = identity.current_consent_text()
        purpose = replace(text.purpose, version=version, purpose="另一用途 / another purpose") if new_purpose else None
        wording = replace(text, version=version, purpose=purpose or text.purpose, text_zh="新文本", text_en="New text")
        monkeypatch.setitem(identity.CONSENT_TEXTS, version, wording)

    return published


def receipt(member, partner="transit", scene="commute"):
    answer = member.get(f"/me/consents/{partner}/{scene}/receipt")
    assert answer.status_code == 200, answer.text
    return answer.json


def state(member, partner="transit"):
    (found,) = [c for c in member.get("/me/consents").json["consents"] if c["partner"] == partner]
    return found["state"], found["granted"]


def test_a_receipt_says_what_was_agreed_to_and_what_withdrawing_does(world, moment):
    member = world.login("alice")
    member.consent("transit", "commute")
    moment.shift(timedelta(days=1))
    member.log_in_again()
    member.consent("transit", "commute", granted=False)
    shown = receipt(member)
    assert (shown["state"], shown["granted"], shown["partner_title"]) == ("withdrawn", False, "transit")
    assert (shown["text"]["version"], shown["text"]["purpose_version"]) == (OLD, OLD)
    assert "里程或步数" in shown["collected"]["zh"]
    assert "transit" in shown["collected_from"]["zh"]
    assert "核算减排量" in shown["purpose"]["zh"]
    assert "《个人信息保护法》" in shown["legal_ground"]["zh"]
    assert shown["on_withdrawal"].keys() == {"future_data", "stored_data", "points_earned"}
    assert "不再入账" in shown["on_withdrawal"]["future_data"]["zh"]
    assert "积分不变" in shown["on_withdrawal"]["points_earned"]["zh"]
    assert "三年" in shown["records_kept"]["zh"]
    assert shown["changes"] == [
        {
            "granted": granted,
            "text_version": OLD,
            "purpose_version": OLD,
            "source": "member",
            "changed_at": f"2026-06-{day}T04:00:00Z",
        }
        for granted, day in ((False, "09"), (True, "08"))
    ]


def test_every_text_of_a_receipt_is_in_both_languages():
    texts = [*identity.COLLECTED.values(), *identity.SCENES.values()]
    for text in identity.CONSENT_TEXTS.values():
        purpose = text.purpose
        texts += [purpose.purpose, purpose.legal_ground, purpose.future_data, purpose.stored_data]
        texts += [purpose.points_earned, purpose.records]
    for text in texts:
        zh, _, en = text.partition(" / ")
        assert zh and en.isascii() and en and " / " not in en and not zh.isascii(), text
    assert identity.COLLECTED.keys() == identity.SCENES.keys()


def test_a_receipt_is_its_members_alone_and_only_for_what_was_decided(world):
    alice, bob = world.login("alice"), world.login("bob")
    alice.consent("transit", "commute")
    for member, path in ((bob, "transit/commute"), (alice, "zhuanzhuan/device")):
        answer = member.get(f"/me/consents/{path}/receipt")
        assert (answer.status_code, answer.json["code"]) == (404, "NOT_FOUND")


def test_withdrawing_twice_is_one_change(world):
    member = world.login("alice")
    member.consent("transit", "commute")
    for _ in range(2):
        assert put(member, partner="transit", scene="commute", granted=False).status_code == 200
    assert [change["granted"] for change in receipt(member)["changes"]] == [False, True]


def test_a_new_purpose_stops_credit_until_the_member_agrees_again_and_nothing_is_lost(
    world, moment, acted_at, publish
):
    member = world.active_member("alice")
    publish(NEW, new_purpose=True)
    assert member.get("/me/consents").json["text"]["purpose_version"] == NEW
    assert state(member) == ("renewal_needed", False)
    world.send("transit", trip("alice", 1, acted_at - timedelta(days=26)))
    world.settle()
    assert member.get("/activities").json["items"] == []

    again = put(member, partner="transit", scene="commute", granted=True, text_version=OLD)
    assert (again.status_code, again.json["code"], again.json["version"]) == (409, "CONSENT_TEXT_REPLACED", NEW)
    moment.shift(timedelta(days=10))  # the look-back of the new consent alone would no longer reach the trip
    member.log_in_again()
    put(member, partner="transit", scene="commute", granted=True, text_version=NEW)
    world.settle()
    assert state(member) == ("granted", True)
    (activity,) = member.get("/activities").json["items"]
    assert activity["status"] == "issued"
    assert member.account()["reduction_g"] == 579
    shown = receipt(member)
    assert shown["purpose"]["zh"] == "另一用途"
    assert [change["purpose_version"] for change in shown["changes"]] == [NEW, OLD]


def test_the_receipt_keeps_the_old_purpose_until_the_new_one_is_agreed_to(world, publish):
    member = world.active_member("alice")
    publish(NEW, new_purpose=True)
    shown = receipt(member)
    assert (shown["state"], shown["text"]["version"]) == ("renewal_needed", OLD)
    assert "核算减排量" in shown["purpose"]["zh"]
    assert put(member, partner="transit", scene="commute", granted=False).json["state"] == "withdrawn"
    assert receipt(member)["text"]["version"] == OLD


def test_a_new_wording_of_the_same_purpose_asks_nobody_again(world, acted_at, publish):
    member = world.active_member("alice")
    publish(REWORDED, new_purpose=False)
    assert state(member) == ("granted", True)
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    assert member.account()["reduction_g"] == 579


def test_after_a_withdrawal_the_look_back_begins_anew(world, moment, acted_at):
    member = world.active_member("alice")
    member.consent("transit", "commute", granted=False)
    moment.shift(timedelta(days=28))
    member.log_in_again()
    member.consent("transit", "commute")
    world.send("transit", trip("alice", 1, acted_at))  # 31 days before
    world.settle()
    (activity,) = member.get("/activities").json["items"]
    assert activity["reason"]["code"] == "BEFORE_CONSENT"
