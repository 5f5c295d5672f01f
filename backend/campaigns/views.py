"""The big screen: a page that says nothing by itself, its files, and the stream that a ticket opens."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, current_app, request

from backend import clock
from backend.campaigns.live import Pictures, ScreenTicketRefused, Streams, admitted, events

blueprint = Blueprint("campaign_screens", __name__)
FILES = Path(__file__).resolve().parent / "live" / "files"
_TYPES = {"screen.js": "text/javascript; charset=utf-8", "screen.css": "text/css; charset=utf-8"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
)


@blueprint.record_once
def _set_up(state: Any) -> None:
    """The streams and pictures of this process; `gunicorn.conf.py` tells the streams when the process is to end."""
    house = state.app.extensions["house"]
    state.app.extensions["screens"] = Streams()
    state.app.extensions["pictures"] = Pictures(house.sessions, house.boards)


@blueprint.get("/screen/<code>")
def screen(code: str) -> Response:
    """The page. What it shows comes by the stream; the ticket stands behind the `#` of its address."""
    return _file("screen.html", "text/html; charset=utf-8")


@blueprint.get("/screen-files/<name>")
def file(name: str) -> Response:
    """What the page needs."""
    return _file(name, _TYPES[name]) if name in _TYPES else abort(404)


@blueprint.get("/screen/<code>/stream")
def stream(code: str) -> Response:
    """Server-sent events for one screen, with its ticket as a bearer token."""
    kind, _, ticket = request.headers.get("Authorization", "").partition(" ")
    house: Any = current_app.extensions["house"]
    pictures: Pictures = current_app.extensions["pictures"]
    streams: Streams = current_app.extensions["screens"]

    def read() -> dict[str, Any]:
        with house.reading() as tx:
            admitted(tx, code, ticket, now=clock.now())
        return pictures.of(code)

    if kind.lower() != "bearer":
        raise ScreenTicketRefused
    with house.reading() as tx:
        admitted(tx, code, ticket, now=clock.now())
    streams.enter()
    response = Response(events(read, streams.stopping), content_type="text/event-stream; charset=utf-8")
    response.call_on_close(streams.leave)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy in front passes each event on at once
    return response


def _file(name: str, content_type: str) -> Response:
    response = Response((FILES / name).read_bytes(), content_type=content_type)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.add_etag()
    response.make_conditional(request)
    return response
