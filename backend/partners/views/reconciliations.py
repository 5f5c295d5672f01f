"""How a day of the partner who asks stands: what differs, and what should be sent again."""

from datetime import date
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from backend import clock
from backend.errors import NotFound
from backend.partners import reconciliation
from backend.partners.errors import InvalidFilter, InvalidPosition
from backend.partners.views.asking import asking_partner, house

PAGE = 200

blueprint = Blueprint("reconciliations", __name__)


@blueprint.get("/partners/v1/reconciliations/<day>")
def reconciliation_of_day(day: str) -> Response:
    """One day with its differences, oldest first. `kind` picks one kind (`missing_here`: to be sent again), `state` one
    state; `after` is the id of the last difference already seen.
    """
    setup = asking_partner()
    with house().transaction() as tx:
        view = reconciliation.day_view(tx, setup.code, _day(day))
        found = reconciliation.differences_of(
            tx,
            setup.code,
            view.day,
            kind=_one_of("kind", reconciliation.KINDS),
            state=_one_of("state", reconciliation.STATES),
            after=_after(),
            limit=PAGE,
        )
        now = clock.now()
        told = [reconciliation.as_json(item, now=now) for item in found]
    following = told[-1]["id"] if len(told) == PAGE else None
    return jsonify({"day": view.as_json(), "differences": told, "next": following})


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound from None


def _one_of(name: str, known: tuple[str, ...]) -> str | None:
    given = request.args.get(name)
    if given is not None and given not in known:
        raise InvalidFilter(field=name, known=known)
    return given


def _after() -> UUID | None:
    given = request.args.get("after")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise InvalidPosition from None
