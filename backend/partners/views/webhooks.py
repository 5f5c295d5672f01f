"""The webhook: one signed event per request."""

from flask import Blueprint, Response, jsonify, request

from backend.bodies import read_json_body
from backend.partners.views.asking import house

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/<partner>")
def webhook(partner: str) -> tuple[Response, int]:
    """Take one signed event in. 202 once it is on disk, 200 when it was there already."""
    receipt = house().gate.take_in(partner, request.headers, read_json_body(request))
    status = "duplicate" if receipt.duplicate else "accepted"
    return jsonify({"status": status, "event_id": receipt.event_id}), 200 if receipt.duplicate else 202
