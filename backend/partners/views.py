"""HTTP for partners: the webhook, and what became of what it brought."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, jsonify, request

from backend.bodies import read_json_body
from backend.partners import inbox
from backend.partners.errors import InvalidPosition

blueprint = Blueprint("partners", __name__)


def _house() -> Any:
    return current_app.extensions["house"]


@blueprint.post("/webhooks/<partner>")
def webhook(partner: str) -> tuple[Response, int]:
    """Take one signed event in. 202 once it is on disk, 200 when it was there already."""
    receipt = _house().gate.take_in(partner, request.headers, read_json_body(request))
    status = "duplicate" if receipt.duplicate else "accepted"
    return jsonify({"status": status, "event_id": receipt.event_id}), 200 if receipt.duplicate else 202


@blueprint.get("/partners/v1/deliveries")
def deliveries() -> Response:
    """What became of the asking partner's events, newest first.

    The request is signed like a webhook over the path with its query instead of a body; `webhook-partner` names the
    asker. `event_id` picks one event; `before` is the id of the last delivery already seen.
    """
    signed = request.full_path.rstrip("?").encode()
    setup = _house().gate.authenticate(request.headers.get("webhook-partner", ""), request.headers, signed)
    with _house().transaction() as tx:
        found = inbox.deliveries(tx, setup.code, event_id=request.args.get("event_id"), before=_before())
    return jsonify({"deliveries": found})


def _before() -> UUID | None:
    given = request.args.get("before")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise InvalidPosition from None
