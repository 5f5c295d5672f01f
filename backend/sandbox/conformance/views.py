"""HTTP of the difficult receiver: open a run, take its attempts, read its report. Answers 404 in production."""

import time
from collections.abc import Mapping
from typing import cast
from uuid import UUID

from flask import Blueprint, Response, jsonify, request, url_for

from backend import House, clock, problem_response, problems, strict_json
from backend import house as running_house
from backend.bodies import read_json_body
from backend.errors import NotFound, Refusal
from backend.partners import EventIdReused
from backend.partners.views.asking import asking_partner
from backend.sandbox import conformance
from backend.sandbox.conformance.script import REFUSED, REUSED, Answer
from backend.sandbox.hanging_up import hang_up

blueprint = Blueprint("conformance", __name__, url_prefix="/partners/v1/sandbox/conformance")


def _house() -> House:
    house = running_house()
    if not house.settings.sandbox:
        raise NotFound
    return house


@blueprint.post("")
def open_run() -> tuple[Response, int]:
    """Open a run for the partner who signed this request; its JSON body says nothing yet."""
    house = _house()
    body = read_json_body(request)
    setup = asking_partner(body)
    strict_json.loads_object(body)
    with house.transaction() as tx:
        run, secret, expires_at = conformance.open_run(tx, house.vault, setup.code, now=clock.now())
    base = url_for(".report", run=run, _external=True)
    opened = {"run": str(run), "base_url": base, "url": f"{base}/webhooks/{setup.code}", "second_secret": secret}
    return jsonify(opened | {"expires_at": clock.iso(expires_at)}), 201


@blueprint.get("/<uuid:run>")
def report(run: UUID) -> Response:
    """What the run has seen so far, check by check."""
    house = _house()
    setup = asking_partner()
    with house.transaction() as tx:
        return jsonify(conformance.report(tx, setup.code, run, now=clock.now()))


@blueprint.post("/<uuid:run>/webhooks/<partner>")
def webhook(run: UUID, partner: str) -> Response:
    """Take one attempt, and be as difficult about it as the script says."""
    house, now = _house(), clock.now()
    setup, headers = house.gate.setup(partner), cast("Mapping[str, str]", request.headers)
    body = _body()
    with house.transaction() as tx:
        second = conformance.second_key(tx, house.vault, setup.code, run, now=now)
    facts, refusal = conformance.observe(setup, second, headers, body, now=now)
    with house.transaction() as tx:
        answer = conformance.take(tx, setup.code, run, facts, now=now)
    if answer is REFUSED and refusal is not None:
        raise refusal
    if answer is REUSED:
        raise EventIdReused(event_id=facts.event_id)
    return _played(answer, facts.event_id)


def _body() -> bytes | Refusal:
    try:
        return read_json_body(request)
    except Refusal as refusal:
        return refusal


def _played(answer: Answer, event_id: str) -> Response:
    time.sleep(answer.delay_s)
    if answer.taken:
        response = jsonify({"status": answer.name, "event_id": event_id})
        response.status_code = answer.status or 200
        return response
    if answer.status is None:
        hang_up()
    response = problem_response(problems.of_status(answer.status or 503))
    if answer.retry_after_s:
        response.headers["Retry-After"] = str(answer.retry_after_s)
    return response
