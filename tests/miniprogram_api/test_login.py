"""Logging in, staying logged in, and what ends a login."""

from datetime import timedelta

import pytest

from tests.miniprogram_api.world import API


def test_first_login_makes_a_member_with_an_account_in_every_consumer_programme(world):
    member = world.login("alice")
    assert member.tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (member.tokens["token_type"], member.tokens["expires_in"]) == ("Bearer", 900)
    me = member.get("/me").json
    assert [m["programme"] for m in me["memberships"]] == ["members"]
    assert me["memberships"][0] | {"enrolled_at": ""} == {
        "programme": "members",
        "title": {"zh": "联萌乐碳圈", "en": "Members"},
        "programme_kind": "consumer",
        "account_kind": "personal",
        "enrolled_at": "",
    }


def test_the_same_person_comes_back_and_another_is_another(world):
    first = world.login("alice").get("/me").json["id"]
    assert world.login("alice").get("/me").json["id"] == first
    assert world.login("bob").get("/me").json["id"] != first


def test_a_new_account_holds_nothing(world):
    member = world.login("alice")
    assert member.account() == {
        "account_id": member.get("/me").json["id"],
        "programme": "members",
        "title": {"zh": "联萌乐碳圈", "en": "Members"},
        "account_kind": "personal",
        "reduction_g": 0,
        "offset_g": 0,
        "eac_wh": 0,
        "equivalences": [],
        "points": {"pending": 0, "available": 0, "reserved": 0, "debt": 0, "debt_sentence": None},
    }


def refresh(world, token):
    return world.client.post(f"{API}/auth/refresh", json={"refresh_token": token})


def test_refreshing_rotates_the_token(world):
    member = world.login("alice")
    answer = refresh(world, member.tokens["refresh_token"])
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["refresh_token"] != member.tokens["refresh_token"]
    member.tokens = answer.json
    assert member.get("/me").status_code == 200
    assert refresh(world, answer.json["refresh_token"]).status_code == 200


def test_a_replayed_refresh_token_ends_the_login_for_everybody(world):
    member = world.login("alice")
    other_device = world.login("alice")
    newer = refresh(world, member.tokens["refresh_token"]).json
    replayed = refresh(world, member.tokens["refresh_token"])
    assert (replayed.status_code, replayed.json["code"]) == (401, "INVALID_REFRESH_TOKEN")
    assert replayed.headers["WWW-Authenticate"].startswith("Bearer")
    # The end of the login was committed although the answer was a refusal.
    assert refresh(world, newer["refresh_token"]).json["code"] == "INVALID_REFRESH_TOKEN"
    assert member.get("/me").json["code"] == "SESSION_ENDED"
    member.tokens = newer
    assert member.get("/me").json["code"] == "SESSION_ENDED"
    assert other_device.get("/me").status_code == 200


def test_logging_out_ends_both_tokens(world):
    member = world.login("alice")
    answer = member.call("POST", "/auth/logout")
    assert (answer.status_code, answer.data) == (204, b"")
    assert member.get("/me").json["code"] == "SESSION_ENDED"
    assert refresh(world, member.tokens["refresh_token"]).json["code"] == "INVALID_REFRESH_TOKEN"


def test_tokens_run_out(world, moment):
    member = world.login("alice")
    moment.shift(timedelta(seconds=900))
    assert member.get("/me").json["code"] == "INVALID_TOKEN"
    renewed = refresh(world, member.tokens["refresh_token"])
    assert renewed.status_code == 200
    moment.shift(timedelta(days=30))
    assert refresh(world, renewed.json["refresh_token"]).json["code"] == "INVALID_REFRESH_TOKEN"


@pytest.mark.parametrize("code", ["sandbox:", "sandbox:Ünal", "bob", "sandbox:" + "a" * 33])
def test_a_bad_login_code(world, code):
    answer = world.client.post(f"{API}/auth/wechat", json={"code": code})
    assert (answer.status_code, answer.json["code"]) == (401, "LOGIN_CODE_INVALID")


def test_a_token_signed_by_a_retired_key_is_refused_and_by_a_rotating_one_is_not(world):
    from dataclasses import replace

    member = world.login("alice")
    settings = world.house.settings
    rotated = replace(settings, token_keys=(b"n" * 32, *settings.token_keys))
    world.app.extensions["house"] = replace(world.house, settings=rotated)
    assert member.get("/me").status_code == 200
    world.app.extensions["house"] = replace(world.house, settings=replace(settings, token_keys=(b"n" * 32,)))
    assert member.get("/me").json["code"] == "INVALID_TOKEN"


def test_answers_to_members_are_nobody_elses(world):
    answer = world.login("alice").get("/me")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("given", "kept"), [("req-12345678", True), ("no spaces please", False), ("short", False), ("a" * 65, False)]
)
def test_a_request_id_is_kept_when_it_is_plain(client, given, kept):
    answer = client.get("/healthz", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) is kept
