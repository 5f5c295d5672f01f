"""What became of the events of the partner who asks."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, jsonify

from backend import clock
from backend.partners import keys
from backend.partners.contract import read_instant
from backend.partners.deliveries import MOST, USUAL, Wanted, page
from backend.partners.errors import InvalidFilter, InvalidPosition
from backend.partners.inbox import STATES
from backend.partners.views.asking import asking_partner, filters_asked, house
from backend.signing import is_message_id

PATH = "/partners/v1/deliveries"
FILTERS = ("event_id", "state", "since", "conflicts", "before", "limit")

blueprint = Blueprint("deliveries", __name__)


@blueprint.get(PATH)
def deliveries() -> Response:
    """What became of the asking partner's events, newest first, with the way to the next page.

    `keys_ending` tells of keys that are about to end, whatever is asked for.
    """
    partner = asking_partner().code
    asked = filters_asked(FILTERS)
    wanted = _wanted(asked)
    with house().transaction() as tx:
        found, more = page(tx, partner, wanted)
        in_force = keys.keys_in_force(tx, house().vault, partner, now=clock.now())
    ending = [key.as_json() for key in in_force if key.valid_until]
    onward = f"{PATH}?{urlencode(asked | {'before': found[-1]['id']})}" if more else None
    return jsonify({"deliveries": found, "next": onward, "keys_ending": ending})


def _wanted(asked: dict[str, str]) -> Wanted:
    wanted: dict[str, Any] = {}
    if "event_id" in asked:
        if not is_message_id(asked["event_id"]):
            raise InvalidFilter(field="event_id", problem="no event can have this id")
        wanted["event_id"] = asked["event_id"]
    if "state" in asked:
        wanted["state"] = _one_of("state", asked["state"], STATES)
    if "conflicts" in asked:
        wanted["conflicts"] = _one_of("conflicts", asked["conflicts"], ("true", "false")) == "true"
    if "since" in asked:
        try:
            wanted["since"] = read_instant(asked["since"])
        except ValueError as error:
            raise InvalidFilter(field="since", problem=f"{error}; in a query, + is written %2B") from None
    if "limit" in asked:
        wanted["limit"] = int(_one_of("limit", asked["limit"], [str(number) for number in range(1, MOST + 1)]))
    if "before" in asked:
        wanted["before"] = _position(asked["before"])
    return Wanted(**wanted)


def _one_of(name: str, value: str, allowed: Any) -> str:
    if value not in allowed:
        words = f"1 to {MOST}, {USUAL} if left out" if name == "limit" else ", ".join(allowed)
        raise InvalidFilter(field=name, problem=f"can be {words}")
    return value


def _position(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise InvalidPosition from None
