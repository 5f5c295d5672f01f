"""The webhook: one signed event per request."""

from flask import Blueprint, Response, jsonify, request

from backend.bodies import read_json_body
from backend.partners.intake import ACCEPTED
from backend.partners.views.asking import house

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/<partner>")
def webhook(partner: str) -> tuple[Response, int]:
    """Take one signed event in. 202 once it is on disk, 200 when it was there already."""
    became = house().gate.take_in(partner, request.headers, read_json_body(request))
    status = 202 if became == ACCEPTED else 200
    return jsonify({"status": became, "event_id": request.headers["webhook-id"]}), status
