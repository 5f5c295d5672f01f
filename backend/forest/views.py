"""Certificates for everybody with their number and a browser."""

from typing import Any

from flask import Blueprint, Response, current_app, request, url_for

from backend.forest.certificates import certificate
from backend.forest.pages import printable_page, verification_page

blueprint = Blueprint("forest", __name__)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@blueprint.get("/certificates/<number>")
def verify(number: str) -> Response:
    """Whether a certificate is valid: where its QR code leads."""
    return _page(verification_page(_said(number)))


@blueprint.get("/certificates/<number>/print")
def print_certificate(number: str) -> Response:
    """The certificate to be printed."""
    said = _said(number)
    address = request.url_root.rstrip("/") + url_for("forest.verify", number=said["number"])
    return _page(printable_page(said, address))


def _said(number: str) -> dict[str, Any]:
    house: Any = current_app.extensions["house"]
    with house.transaction() as tx:
        return certificate(tx, number)


def _page(text: str) -> Response:
    response = Response(text, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
