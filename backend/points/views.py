"""The cover page of a programme, for everybody with a browser or a printer."""

import hashlib
from typing import Any

from flask import Blueprint, Response, current_app, request

from backend.points.cover.page import cover_html
from backend.points.cover.telling import cover_of

blueprint = Blueprint("points_cover", __name__)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@blueprint.get("/programmes/<code>/cover")
def cover_page(code: str) -> Response:
    """What a programme owes in points, as a page that can be printed; 404 while it is not shown."""
    house: Any = current_app.extensions["house"]
    with house.transaction() as tx:
        said = cover_of(tx, code)
    page = cover_html(said)
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "public, max-age=300"
    response.set_etag(hashlib.sha256(page.encode()).hexdigest()[:32])
    response.make_conditional(request)
    return response
