"""A reward platform over real HTTP that misbehaves as it is told: the twin of `http_order` and `points_platform`.

Its ledger is that of `rewards.providers.sandbox`: a file of its own, where tests count what was ordered twice. Each of
`NAMED` is such a platform as well, behind its name and with its own ledger, so that its list of a day is its own. All
verify every request as a real platform has to. Answers 404 in production.
"""

import hashlib
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from backend import clock, signing, strict_json
from backend.bodies import read_json_body
from backend.errors import NotFound, Refusal
from backend.rewards.providers.sandbox import Said, Shop
from backend.sandbox.hanging_up import hang_up
from backend.settings import Settings

#: Public, like every key of the sandbox.
SECRET = "whsec_cmV3YXJkIHBsYXRmb3JtIHNhbmRib3ggc2VjcmV0IDA="
PATH = "/partners/v1/sandbox/reward-platform"
#: The platforms at which the sandbox's own rewards are ordered over HTTP.
PARCELS, MILES = NAMED = ("parcels", "miles")
_LEDGER = "REWARD_PLATFORM_LEDGER"
_MOST_LISTED = 1_000
_HUGE = b" " * (10 * 1024 * 1024)

blueprint = Blueprint("reward_platform", __name__)


class InvalidMessage(Refusal):
    """The message is none that the platform knows."""

    code = "INVALID_REQUEST"
    title = "请求内容不符合要求 / The request does not follow the schema"


def ledger_of(settings: Settings, name: str = "platform") -> str:
    """The file of a platform that belongs to a sandbox, the same for all its processes."""
    sandbox = hashlib.sha256(settings.database_url.encode()).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()) / f"carbon-reward-{name}-{sandbox}.sqlite")


def standalone(path: str) -> Flask:
    """The platform alone, as a server of its own."""
    app = Flask(__name__, static_folder=None)
    app.config[_LEDGER] = path
    app.register_blueprint(blueprint)
    return app


@blueprint.post(PATH, defaults={"name": "platform"})
@blueprint.post(f"{PATH}/<any({', '.join(NAMED)}):name>")
def take_message(name: str) -> Response:
    """Take one message of the house protocol, and answer it as the ledger was told to."""
    shop, body = Shop(_ledger(name)), read_json_body(request)
    signing.verify(cast("Any", request.headers), body, [signing.parse_key(SECRET)], now=clock.now())
    message = strict_json.loads_object(body)
    type, data = message.get("type"), message.get("data")
    if not (isinstance(type, str) and isinstance(data, dict)):
        raise InvalidMessage
    try:
        return _answered(shop, type, data)
    except (KeyError, TypeError, ValueError):
        raise InvalidMessage from None


def _answered(shop: Shop, type: str, data: dict[str, Any]) -> Response:
    if type == "exchange.listed":
        return _listed(shop, data)
    if type not in {f"{what}.{verb}" for what in ("order", "exchange") for verb in ("placed", "asked", "withdrawn")}:
        raise InvalidMessage
    return _played(shop.answer(type, data), str(data["request_no"]))


def _ledger(name: str) -> str:
    if _LEDGER in current_app.config:
        return str(current_app.config[_LEDGER])
    house = current_app.extensions["house"]
    if not house.settings.sandbox:
        raise NotFound
    return ledger_of(house.settings, name)


def _listed(shop: Shop, data: dict[str, Any]) -> Response:
    day, after, limit = date.fromisoformat(str(data["day"])), data["after"], min(int(data["limit"]), _MOST_LISTED)
    if not isinstance(after, str | None):
        raise InvalidMessage
    found, complete = shop.listed(day.isoformat(), after or "", limit)
    rows = [{"request_no": row.request_no, "quantity": row.quantity, "status": row.status} for row in found]
    return jsonify({"requests": rows, "complete": complete})


def _played(said: Said, request_no: str) -> Response:
    time.sleep(said.after_s)
    if said.silent:
        hang_up()
    if said.manner == "huge":
        return Response(_HUGE, content_type="application/json")
    if said.manner == "redirect":
        return Response(status=307, headers={"Location": request.url})
    if said.manner == "not_json":
        return Response("<html>ok</html>", content_type="text/html")
    if said.manner == "other_number":
        return jsonify({**said.document, "request_no": "rdm_" + "0" * 32})
    answer = jsonify(dict(said.document))
    answer.status_code = said.status
    return answer
