"""What became of the events of the partner who asks."""

from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from backend import partners
from backend.partners.errors import InvalidPosition
from backend.partners.views.asking import asking_partner, house

blueprint = Blueprint("deliveries", __name__)


@blueprint.get("/partners/v1/deliveries")
def deliveries() -> Response:
    """What became of the asking partner's events, newest first.

    `event_id` picks one event; `before` is the id of the last delivery already seen.
    """
    setup = asking_partner()
    with house().transaction() as tx:
        found = partners.deliveries(tx, setup.code, event_id=request.args.get("event_id"), before=_before())
    return jsonify({"deliveries": found})


def _before() -> UUID | None:
    given = request.args.get("before")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise InvalidPosition from None
