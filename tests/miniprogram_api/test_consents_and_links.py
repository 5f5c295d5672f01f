"""Consents and partner links, and the events that waited for them."""

from datetime import timedelta

import pytest

from backend import partners
from tests.miniprogram_api.world import SECRETS, order, trip

TEXT = "2026-01"


def put(member, **fields):
    return member.call("PUT", "/me/consents", json=fields)


def test_every_partner_and_scene_is_listed_with_the_text(world):
    found = world.login("alice").get("/me/consents").json
    assert {(c["partner"], c["scene"]) for c in found["consents"]} == {
        ("dangdang", "donation"),
        ("dangdang", "device"),
        ("shop", "purchase"),
        ("transit", "commute"),
        ("zhuanzhuan", "device"),
    }
    assert not any(c["granted"] for c in found["consents"])
    assert {c["changed_at"] for c in found["consents"]} == {None}
    assert (found["text"]["version"], found["text"]["look_back_days"]) == (TEXT, 30)
    assert "撤回" in found["text"]["text"]["zh"]


def test_granting_and_withdrawing(world):
    member = world.login("alice")
    granted = put(member, partner="transit", scene="commute", granted=True, text_version=TEXT)
    assert granted.json | {"scene_title": None} == {
        "partner": "transit",
        "partner_title": "transit",
        "scene": "commute",
        "scene_title": None,
        "recipient": None,
        "granted": True,
        "state": "granted",
        "decided_by": "member",
        "text_version": TEXT,
        "changed_at": "2026-06-08T04:00:00Z",
    }
    withdrawn = put(member, partner="transit", scene="commute", granted=False)
    assert withdrawn.json["granted"] is False
    listed = {c["partner"]: c["granted"] for c in member.get("/me/consents").json["consents"]}
    assert listed["transit"] is False


def test_what_was_granted_to_a_deactivated_partner_can_still_be_withdrawn(world):
    member = world.login("alice")
    put(member, partner="transit", scene="commute", granted=True, text_version=TEXT)
    with world.house.transaction() as tx:
        partners.set_active(tx, "transit", False)
    again = put(member, partner="transit", scene="commute", granted=True, text_version=TEXT)
    world.house.gate.forget()
    code = member.call("POST", "/me/link-codes", json={"partner": "transit", "programme": "members"})
    assert [(answer.status_code, answer.json["code"]) for answer in (again, code)] == [(403, "PARTNER_INACTIVE")] * 2
    told = world.client.get("/openapi.json").json["paths"]
    for operation in (told["/api/v1/me/consents"]["put"], told["/api/v1/me/link-codes"]["post"]):
        assert "`PARTNER_INACTIVE`" in operation["responses"]["403"]["description"]
    assert put(member, partner="transit", scene="commute", granted=False).json["granted"] is False
    assert "transit" in {c["partner"] for c in member.get("/me/consents").json["consents"]}
    assert "transit" not in {c["partner"] for c in world.login("bob").get("/me/consents").json["consents"]}


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"partner": "nobody", "scene": "commute"}, 404, "UNKNOWN_PARTNER"),
        ({"partner": "transit", "scene": "device"}, 422, "UNKNOWN_SCENE"),
        ({"partner": "transit", "scene": "flight"}, 422, "UNKNOWN_SCENE"),
        ({"partner": "transit", "scene": "commute", "text_version": "1999-01"}, 422, "UNKNOWN_CONSENT_TEXT"),
        ({"partner": "transit", "scene": "commute", "text_version": None}, 422, "INVALID_REQUEST"),
    ],
)
def test_what_cannot_be_granted(world, fields, status, code):
    answer = put(world.login("alice"), **{"granted": True, "text_version": TEXT} | fields)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_granting_needs_the_text_that_was_shown(world):
    answer = put(world.login("alice"), partner="transit", scene="commute", granted=True)
    assert (answer.status_code, answer.json["code"]) == (422, "INVALID_REQUEST")
    assert list(answer.json["errors"]) == ["text_version"]


def test_an_event_waits_for_the_link_then_for_the_consent_and_is_settled_when_they_come(world, acted_at):
    member = world.login("alice")
    world.send("transit", trip("alice@transit", 1, acted_at))
    world.settle()
    assert member.get("/activities").json["items"] == []

    member.link("transit", "alice@transit")
    world.settle()
    assert member.get("/activities").json["items"] == []  # linked, but nothing was allowed yet

    member.consent("transit", "commute")
    world.settle()
    (activity,) = member.get("/activities").json["items"]
    assert (activity["status"], activity["reduction_g"]) == ("issued", 579)
    account = member.account()
    assert (account["reduction_g"], account["points"]["pending"]) == (579, 579)


def test_the_consent_may_come_before_the_link(world, acted_at):
    member = world.login("alice")
    member.consent("transit", "commute")
    world.send("transit", trip("u-7", 1, acted_at))
    world.settle()
    member.link("transit", "u-7")
    world.settle()
    assert member.account()["reduction_g"] == 579


def test_acts_older_than_the_look_back_are_told_and_not_credited(world, acted_at):
    member = world.login("alice")
    member.link("transit", "alice")
    world.send("transit", trip("alice", 1, acted_at - timedelta(days=31)))
    member.consent("transit", "commute")
    world.settle()
    (activity,) = member.get("/activities").json["items"]
    assert (activity["status"], activity["reason"]["code"], activity["reduction_g"]) == (
        "refused",
        "BEFORE_CONSENT",
        0,
    )
    assert activity["reason"]["zh"]
    assert member.account()["reduction_g"] == 0


def test_nothing_comes_in_after_a_withdrawal(world, acted_at):
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    member.consent("transit", "commute", granted=False)
    world.send("transit", trip("alice", 2, acted_at + timedelta(hours=2)))
    world.settle()
    assert len(member.get("/activities").json["items"]) == 1
    member.consent("transit", "commute")
    world.settle()
    assert len(member.get("/activities").json["items"]) == 2


def test_consents_are_for_one_partner_and_scene(world, acted_at):
    member = world.login("alice")
    member.link("transit", "alice")
    member.link("dangdang", "alice")
    member.consent("dangdang", "donation")
    world.send("transit", trip("alice", 1, acted_at))
    world.send("dangdang", order("donation.received", "alice", "O1", acted_at, {"category": "clothes", "weight_kg": 5}))
    world.settle()
    assert [a["partner"] for a in member.get("/activities").json["items"]] == ["dangdang"]


# -- links -------------------------------------------------------------------------------------------------


def link(world, member, partner="transit", user_ref="u1", programme="members", ticket=None):
    ticket = ticket or world.ticket(partner, user_ref)
    return member.call("POST", "/me/partner-links", json={"ticket": ticket, "programme": programme})


def test_linking_listing_and_ending(world, acted_at):
    member = world.login("alice")
    made = link(world, member, user_ref="用户 007")
    assert made.status_code == 201
    assert made.json | {"id": ""} == {
        "id": "",
        "partner": "transit",
        "user_ref": "用户 007",
        "programme": "members",
        "linked_at": "2026-06-08T04:00:00Z",
    }
    assert member.get("/me/partner-links").json == {"links": [made.json]}
    assert member.call("DELETE", f"/me/partner-links/{made.json['id']}").status_code == 204
    assert member.get("/me/partner-links").json == {"links": []}
    again = member.call("DELETE", f"/me/partner-links/{made.json['id']}")
    assert (again.status_code, again.json["code"]) == (404, "NOT_FOUND")
    member.consent("transit", "commute")
    world.send("transit", trip("用户 007", 1, acted_at))
    world.settle()
    assert member.get("/activities").json["items"] == []


def test_the_same_link_again_is_the_same_link_but_a_ticket_works_once(world):
    member = world.login("alice")
    ticket = world.ticket("transit", "u1")
    first = link(world, member, ticket=ticket)
    assert link(world, member).json == first.json
    spent = link(world, member, ticket=ticket)
    assert (spent.status_code, spent.json["code"]) == (409, "LINK_TICKET_SPENT")


def test_one_user_of_a_partner_is_one_member(world):
    alice, bob = world.login("alice"), world.login("bob")
    made = link(world, alice)
    taken = link(world, bob)
    assert (taken.status_code, taken.json["code"]) == (409, "ALREADY_LINKED")
    assert bob.get("/me/partner-links").json == {"links": []}
    assert link(world, alice, partner="zhuanzhuan").status_code == 201  # the same name elsewhere is somebody else's
    alice.call("DELETE", f"/me/partner-links/{made.json['id']}")
    assert link(world, bob).status_code == 201


@pytest.mark.parametrize("programme", ["staff", "nowhere"])
def test_only_into_an_account_one_has(world, programme):
    answer = link(world, world.login("alice"), programme=programme)
    assert (answer.status_code, answer.json["code"]) == (422, "NOT_ENROLLED")


def test_a_refused_link_does_not_spend_the_ticket(world):
    member = world.login("alice")
    ticket = world.ticket("transit", "u1")
    assert link(world, member, ticket=ticket, programme="staff").status_code == 422
    assert link(world, member, ticket=ticket).status_code == 201


def test_tickets_run_out(world, moment):
    member = world.login("alice")
    ticket = world.ticket("transit", "u1")
    moment.shift(timedelta(minutes=5))
    answer = link(world, member, ticket=ticket)
    assert (answer.status_code, answer.json["code"]) == (422, "INVALID_LINK_TICKET")


def test_a_ticket_for_one_partner_is_none_for_another(world):
    from backend import signing
    from tests.miniprogram_api.conftest import NOW

    forged = signing.sign_link_ticket(
        signing.parse_key(SECRETS["shop"]), "transit", "u1", NOW + timedelta(minutes=5), "n" * 16
    )
    unknown = signing.sign_link_ticket(
        signing.parse_key(SECRETS["shop"]), "nobody", "u1", NOW + timedelta(minutes=5), "n" * 16
    )
    genuine = world.ticket("transit", "u1")
    tampered = ("A" if genuine[0] != "A" else "B") + genuine[1:]
    member = world.login("alice")
    for ticket in (forged, unknown, tampered, genuine[:-1], "a.b", genuine + "A"):
        answer = link(world, member, ticket=ticket)
        assert (answer.status_code, answer.json["code"]) == (422, "INVALID_LINK_TICKET")


# -- the sandbox's ticket maker ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"partner": "nobody", "user_ref": "u"}, 404, "UNKNOWN_PARTNER"),
        ({"partner": "transit"}, 422, "INVALID_REQUEST"),
        ({"partner": "transit", "user_ref": ""}, 422, "INVALID_REQUEST"),
        ({"partner": "transit", "user_ref": " u"}, 422, "INVALID_REQUEST"),
        ({"partner": "transit", "user_ref": "u" * 129}, 422, "INVALID_REQUEST"),
        ({"partner": "transit", "user_ref": 7}, 422, "INVALID_REQUEST"),
        ({"partner": "transit", "user_ref": "u", "more": 1}, 422, "INVALID_REQUEST"),
    ],
)
def test_what_the_sandbox_signs_no_ticket_for(world, asked, status, code):
    answer = world.client.post("/partners/v1/sandbox/link-tickets", json=asked)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


def test_production_signs_no_tickets(world):
    from dataclasses import replace

    settings = replace(world.house.settings, environment="production")
    world.app.extensions["house"] = replace(world.house, settings=settings)
    answer = world.client.post("/partners/v1/sandbox/link-tickets", json={"partner": "transit", "user_ref": "u"})
    assert (answer.status_code, answer.json["code"]) == (404, "NOT_FOUND")
