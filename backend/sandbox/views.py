"""Twins of what partners do on their own servers, so that everything can be tried without one. Never in production."""

import secrets
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from backend import clock, signing, steps, strict_json
from backend.bodies import read_json_body
from backend.errors import NotFound, Refusal
from backend.identity import SandboxWeChat
from backend.sandbox.conformance.views import blueprint as conformance_blueprint
from backend.sandbox.reward_platform import blueprint as reward_platform_blueprint
from backend.sandbox.wechat import encrypted_steps, sealed_push
from backend.wechat_pushes import PushKeys

blueprint = Blueprint("sandbox", __name__)
blueprint.register_blueprint(conformance_blueprint)
blueprint.register_blueprint(reward_platform_blueprint)

TICKET_LIFE = timedelta(minutes=5)


class InvalidSandboxRequest(Refusal):
    """The fields are not those that are needed."""

    code = "INVALID_REQUEST"
    title = "请求内容不符合要求 / The request does not follow the schema"


def _sandbox() -> Any:
    """The house, where it is a sandbox."""
    house = current_app.extensions["house"]
    if not house.settings.sandbox:
        raise NotFound
    return house


@blueprint.post("/partners/v1/sandbox/link-tickets")
def make_link_ticket() -> tuple[Response, int]:
    """`{partner, user_ref}` → `{ticket}`: signed as the partner would, with the partner's own secret."""
    house = _sandbox()
    asked = strict_json.loads_object(read_json_body(request))
    partner, user_ref = asked.get("partner"), asked.get("user_ref")
    if not isinstance(partner, str) or not isinstance(user_ref, str) or len(asked) != 2:
        raise InvalidSandboxRequest("partner and user_ref are needed, as texts, and nothing else")
    now = clock.now()
    keys = [key for key in house.gate.setup(partner).keys_at(now) if isinstance(key, signing.SecretKey)]
    if not keys:
        raise InvalidSandboxRequest("this partner has no shared secret")
    try:
        ticket = signing.sign_link_ticket(keys[-1], partner, user_ref, now + TICKET_LIFE, secrets.token_urlsafe(24))
    except ValueError as error:
        raise InvalidSandboxRequest(str(error)) from None
    return jsonify({"ticket": ticket}), 201


@blueprint.post("/wechat/sandbox/pushes")
def make_wechat_push() -> tuple[Response, int]:
    """`{name, event, revoke_info?}` → `{path, body}`: what WeChat would post about the member who logs in as `name`."""
    house = _sandbox()
    sent = strict_json.loads_object(read_json_body(request))
    asked = {name: value for name, value in sent.items() if isinstance(value, str)}
    if asked != sent or not {"name", "event"} <= asked.keys() <= {"name", "event", "revoke_info"}:
        raise InvalidSandboxRequest("name and event are needed, revoke_info may come with them, all as texts")
    openid = SandboxWeChat(house.settings.wechat_appid).exchange(f"sandbox:{asked['name']}").openid
    told = {"Event": asked["event"], "RevokeInfo": asked.get("revoke_info", "")}
    told |= dict.fromkeys(("OpenID", "FromUserName"), openid)
    path, body = sealed_push(PushKeys.of(house.settings), told, now=clock.now())
    return jsonify({"path": path, "body": body}), 201


@blueprint.post("/wechat/sandbox/steps")
def make_steps() -> tuple[Response, int]:
    """`{name, steps: [today's, yesterday's, …]}` → `{encrypted_data, iv}`: what `wx.getWeRunData` would give the member
    who logs in as `name`."""
    house = _sandbox()
    sent = strict_json.loads_object(read_json_body(request))
    counts = sent.get("steps")
    told = isinstance(counts, list) and len(counts) <= steps.MOST_DAYS and all(type(one) is int for one in counts)
    if sent.keys() != {"name", "steps"} or not isinstance(sent["name"], str) or not told:
        raise InvalidSandboxRequest("name and steps are needed: whole numbers of the last 31 days, today first")
    session = SandboxWeChat(house.settings.wechat_appid).exchange(f"sandbox:{sent['name']}")
    now = clock.now()
    assert isinstance(counts, list)
    days = [(clock.start_of_day_after(clock.day_of(now), -back), int(str(one))) for back, one in enumerate(counts)]
    return jsonify(encrypted_steps(session, days, now=now)), 201
