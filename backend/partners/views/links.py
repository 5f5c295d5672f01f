"""Links from the partner's side."""

from flask import Blueprint, Response, jsonify, request

from backend import clock, identity
from backend.bodies import read_json_body
from backend.errors import Refusal
from backend.partners import linking
from backend.partners.views.asking import asking_partner, house

blueprint = Blueprint("links", __name__)


@blueprint.post("/partners/v1/links")
def link() -> Response:
    """Link a user by the code a member typed in: `{code, user_ref}`. The answer names nobody."""
    body = read_json_body(request)
    partner = asking_partner(body).code
    code, user_ref = linking.read_code_and_user(body)
    request_id, now = request.headers["webhook-id"], clock.now()
    with house().transaction() as tx:
        linked_at = linking.link_by_code(tx, house().vault, partner, code, user_ref, request_id=request_id, now=now)
    if isinstance(linked_at, Refusal):
        raise linked_at
    return jsonify({"status": "linked", "linked_at": clock.iso(linked_at)})


@blueprint.post("/partners/v1/links:end")
def end() -> Response:
    """End the link of a user: `{user_ref}`. What was credited stays; nothing further comes in."""
    body = read_json_body(request)
    partner = asking_partner(body).code
    user_ref = linking.read_user(body)
    with house().transaction() as tx:
        ended = identity.unlink_user(tx, house().vault, partner, user_ref, now=clock.now())
    return jsonify({"status": "ended" if ended else "not_linked"})
