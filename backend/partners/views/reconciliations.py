"""The daily list of the partner who asks, and how the day stands: what differs, and what should be sent again."""

from datetime import date
from io import BytesIO
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from backend import clock
from backend.bodies import read_body, require_type
from backend.errors import NotFound
from backend.partners import reconciliation
from backend.partners.contract import EARLIEST
from backend.partners.errors import InvalidFilter, InvalidPosition
from backend.partners.views.asking import asking_partner, filters_asked, house

PAGE = 200
FILTERS = ("kind", "state", "after")
#: A longer list is fetched, or brought to the operator.
MAX_LIST_BYTES = 8 * 1024 * 1024
LIST_TYPES = ("text/csv", "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl")

blueprint = Blueprint("reconciliations", __name__)


@blueprint.get("/partners/v1/reconciliations/<day>")
def reconciliation_of_day(day: str) -> Response:
    """One day with its differences, oldest first. `kind` picks one kind (`missing_here`: to be sent again), `state` one
    state; `after` is the id of the last difference already seen.
    """
    setup, asked = asking_partner(), filters_asked(FILTERS)
    with house().transaction() as tx:
        view = reconciliation.day_view(tx, setup.code, _day(day))
        found = reconciliation.differences_of(
            tx,
            setup.code,
            view.day,
            kind=_one_of(asked, "kind", reconciliation.KINDS),
            state=_one_of(asked, "state", reconciliation.STATES),
            after=_after(asked),
            limit=PAGE,
        )
        now = clock.now()
        told = [reconciliation.difference_as_json(item, now=now) for item in found]
    following = told[-1]["id"] if len(told) == PAGE else None
    return jsonify({"day": view.as_json(), "differences": told, "next": following})


@blueprint.post("/partners/v1/reconciliations/<day>")
def hand_in_list(day: str) -> tuple[Response, int]:
    """Take the list of a day in. 202 once it is on disk; it is compared within the hour."""
    require_type(request, LIST_TYPES)
    body = read_body(request, max_bytes=MAX_LIST_BYTES)
    setup = asking_partner(body)
    view = reconciliation.hand_in(house().sessions, setup.code, _day(day), BytesIO(body), source="upload")
    return jsonify({"day": view.as_json()}), 202


def _day(text: str) -> date:
    """A day as lists are named, within the years in which events can lie; NotFound otherwise."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NotFound from None
    if day < clock.day_of(EARLIEST) or day.isoformat() != text:  # 20260605 and 2026-W23-5 mean a day as well
        raise NotFound
    return day


def _one_of(asked: dict[str, str], name: str, known: tuple[str, ...]) -> str | None:
    given = asked.get(name)
    if given is not None and given not in known:
        raise InvalidFilter(field=name, known=known)
    return given


def _after(asked: dict[str, str]) -> UUID | None:
    given = asked.get("after")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise InvalidPosition from None
