"""A partner's own keys: which are in force, and the next one."""

from flask import Blueprint, Response, jsonify, request

from backend import clock
from backend.bodies import read_json_body
from backend.partners import keys
from backend.partners.errors import InvalidRotation
from backend.partners.rotation import TARGET, rotate
from backend.partners.views.asking import asking, asking_partner, house

blueprint = Blueprint("secrets", __name__)


@blueprint.get("/partners/v1/secrets")
def secrets() -> Response:
    """The asking partner's keys in force (never a secret itself), and the last changes of its keys."""
    setup = asking_partner()
    with house().transaction() as tx:
        found = keys.keys_in_force(tx, house().vault, setup.code, now=clock.now())
        changes = keys.changes_of(tx, house().vault, setup.code)
    return jsonify({"keys": [key.as_json() for key in found], "changes": changes})


@blueprint.post(TARGET)
def rotate_secrets() -> tuple[Response, int]:
    """A new secret, shown once, or a new public key. 201 when it was done, 200 when the same request did it before."""
    body = read_json_body(request)
    setup, verified = asking(body)
    if request.query_string:  # what is kept as proof is the request without one
        raise InvalidRotation("query: none is taken", field="query", problem="none is taken")
    with house().transaction() as tx:
        done = rotate(tx, house().vault, setup.code, dict(request.headers), verified, body, now=clock.now())
    house().gate.forget()
    response = jsonify(done.as_json())
    response.headers["Cache-Control"] = "no-store"
    return response, 200 if done.repeated else 201
