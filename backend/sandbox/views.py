"""Twins of what partners do on their own servers, so that everything can be tried without one. Never in production."""

import secrets
from datetime import timedelta

from flask import Blueprint, Response, current_app, jsonify, request

from backend import clock, signing, strict_json
from backend.bodies import read_json_body
from backend.errors import NotFound, Refusal

blueprint = Blueprint("sandbox", __name__)

TICKET_LIFE = timedelta(minutes=5)


class InvalidTicketRequest(Refusal):
    """The fields are not those of a ticket."""

    code = "INVALID_REQUEST"
    title = "请求内容不符合要求 / The request does not follow the schema"


@blueprint.post("/partners/v1/sandbox/link-tickets")
def make_link_ticket() -> tuple[Response, int]:
    """`{partner, user_ref}` → `{ticket}`: signed as the partner would, with the partner's own secret."""
    house = current_app.extensions["house"]
    if not house.settings.sandbox:
        raise NotFound
    asked = strict_json.loads_object(read_json_body(request))
    partner, user_ref = asked.get("partner"), asked.get("user_ref")
    if not isinstance(partner, str) or not isinstance(user_ref, str) or len(asked) != 2:
        raise InvalidTicketRequest("partner and user_ref are needed, as texts, and nothing else")
    now = clock.now()
    keys = [key for key in house.gate.setup(partner).keys_at(now) if isinstance(key, signing.SecretKey)]
    if not keys:
        raise InvalidTicketRequest("this partner has no shared secret")
    try:
        ticket = signing.sign_link_ticket(keys[-1], partner, user_ref, now + TICKET_LIFE, secrets.token_urlsafe(24))
    except ValueError as error:
        raise InvalidTicketRequest(str(error)) from None
    return jsonify({"ticket": ticket}), 201
