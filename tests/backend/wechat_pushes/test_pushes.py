"""What members took back in WeChat is taken back here, once, and by nobody else."""

import inspect
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend import create_app
from backend.identity.models import ConsentChange, PersonKey
from backend.wechat_pushes import obeying
from miniprogram_api import deletion
from tests.miniprogram_api.world import World, trip

REVOKED, LEFT = "user_authorization_revoke", "user_authorization_cancellation"


def tell(world: World, name: str, event: str, **more: str) -> dict[str, Any]:
    """A push as WeChat makes it, still to be posted."""
    answer = world.client.post("/wechat/sandbox/pushes", json={"name": name, "event": event, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def post(world: World, push: dict[str, Any]) -> None:
    answer = world.client.post(push["path"], json=push["body"])
    assert (answer.status_code, answer.text) == (200, "success"), answer.text


def states(member: Any) -> dict[tuple[str, str], str]:
    return {(c["partner"], c["scene"]): c["state"] for c in member.get("/me/consents").json["consents"]}


def test_a_permission_taken_back_ends_what_rests_on_it_and_nothing_else(world, moment, acted_at):
    alice, bob = world.active_member("alice"), world.active_member("bob")
    before = states(alice)
    moment.shift(timedelta(minutes=1))
    post(world, tell(world, "alice", REVOKED, revoke_info="8"))
    assert states(alice) == before
    revocation = tell(world, "alice", REVOKED, revoke_info="12")
    post(world, revocation)
    assert {key for key, state in states(alice).items() if state == "withdrawn"} == {("transit", "commute")}
    assert states(bob) == before
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    assert alice.get("/activities").json["items"] == []
    changes = alice.get("/me/consents/transit/commute/receipt").json["changes"]
    assert [(change["granted"], change["source"]) for change in changes] == [(False, "wechat"), (True, "member")]

    post(world, revocation)
    assert len(alice.get("/me/consents/transit/commute/receipt").json["changes"]) == 2
    moment.shift(timedelta(seconds=30))
    alice.consent("transit", "commute")
    post(world, revocation)  # the push of before once more: what was agreed to since stands
    assert states(alice) == before


def test_who_leaves_in_wechat_is_forgotten_and_not_again_when_they_come_back(world, moment, capsys):
    alice, bob = world.active_member("alice"), world.active_member("bob")
    old = alice.get("/me").json["id"]
    moment.shift(timedelta(minutes=1))
    leaving = tell(world, "alice", LEFT)
    capsys.readouterr()
    post(world, leaving)
    post(world, leaving)
    logs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["did"] for entry in logs] == ["forgot the person", "knows nobody"]
    assert set(logs[0]) == {"event", "level", "push", "did", "request_id", "timestamp"}
    assert alice.get("/me").json["code"] == "SESSION_ENDED"
    assert bob.get("/me").status_code == 200
    with world.house.transaction() as tx:
        ended = [change.source for change in tx.scalars(select(ConsentChange)) if not change.granted]
        forgotten = [str(key.holder_id) for key in tx.scalars(select(PersonKey)) if key.forgotten_at]
    assert (set(ended), forgotten) == ({"wechat"}, [old])

    moment.shift(timedelta(seconds=30))
    again = world.login("alice")
    post(world, leaving)
    assert again.get("/me").status_code == 200


def test_what_is_not_for_us_to_obey_is_let_pass(world):
    alice = world.active_member("alice")
    before = states(alice)
    post(world, tell(world, "stranger", LEFT))
    post(world, tell(world, "alice", "user_info_modified"))
    post(world, tell(world, "alice", "wxa_punish_event\nforged log line"))
    post(world, tell(world, "alice", REVOKED))
    post(world, tell(world, "alice", REVOKED, revoke_info="99 nonsense"))
    assert states(alice) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_strangers_get_problems_and_never_a_5xx(world, settings):
    push = tell(world, "alice", LEFT)
    path, body = push["path"], push["body"]
    client = world.client
    answers = [
        (client.get("/wechat/pushes?echostr=1"), 401, "INVALID_SIGNATURE"),
        (client.post("/wechat/pushes", json=body), 401, "INVALID_SIGNATURE"),
        (client.post(path, json={"Event": LEFT}), 401, "INVALID_SIGNATURE"),
        (client.post(path, data="<xml><!DOCTYPE"), 400, "UNREADABLE_PUSH"),
        (client.post(path, data=b"\xff\xfe"), 400, "INVALID_JSON"),
        (client.post(path, data=b"<" * 70_000), 413, "BODY_TOO_LARGE"),
        (client.post(path.replace("timestamp=", "timestamp=9"), json=body), 401, "INVALID_SIGNATURE"),
        (client.post("/wechat/sandbox/pushes", json={"name": 1}), 422, "INVALID_REQUEST"),
        (client.post("/wechat/sandbox/pushes", json={"name": "../x", "event": LEFT}), 401, "LOGIN_CODE_INVALID"),
    ]
    for answer, status, code in answers:
        assert (answer.status_code, answer.json["code"]) == (status, code)
    without = create_app(replace(settings, wechat_push_token="", wechat_push_encoding_aes_key="")).test_client()
    for answer in (without.get("/wechat/pushes"), without.post(path, json=body)):
        assert (answer.status_code, answer.json["code"]) == (404, "WECHAT_PUSHES_NOT_CONFIGURED")


def test_whoever_leaves_wechat_is_forgotten_as_whoever_deletes_their_account() -> None:
    told = [
        set(re.findall(r"(\w+(?:\.\w+)*)\.forget(?:_member)?\(", inspect.getsource(module)))
        for module in (obeying, deletion)
    ]
    assert told[0] == told[1] and len(told[0]) > 8
