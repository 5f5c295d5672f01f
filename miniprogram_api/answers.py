"""What every answer carries, and the request id under which a request is found in the logs."""

import re

import structlog
from flask import Flask, Response, g, request

from backend.ids import new_id

REQUEST_ID = "X-Request-Id"
_GIVEN_REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")
#: Swagger UI starts itself with a script in the page; nothing may come from anywhere else.
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
)

log = structlog.get_logger(__name__)


def finish_answers(app: Flask) -> None:
    """Name every request, and put the house's headers on every answer."""
    app.before_request(_name_request)
    app.after_request(_finish)


def _name_request() -> None:
    """A proxy's request id where it sent a plain one, else a fresh one."""
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if _GIVEN_REQUEST_ID.fullmatch(given) else str(new_id())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _finish(response: Response) -> Response:
    if response.status_code >= 500:
        log.error("request_failed", method=request.method, path=request.path, status=response.status_code)
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    if "request_id" in g:
        headers[REQUEST_ID] = g.request_id
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
        headers["Referrer-Policy"] = "no-referrer"
    if request.path.startswith("/api/"):
        if response.status_code == 401:
            headers["WWW-Authenticate"] = _challenge()
        # What is said to one member is nobody else's; open knowledge sets its own rule.
        headers.setdefault("Cache-Control", "no-store")
    return response


def _challenge() -> str:
    """RFC 6750 §3: say what is wrong only to those who came with a token."""
    return 'Bearer error="invalid_token"' if "Authorization" in request.headers else "Bearer"
