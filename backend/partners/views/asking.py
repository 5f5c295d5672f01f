"""Who asks: requests of partners that are no events, signed over what they ask for."""

from typing import Any

from flask import current_app, request

from backend.partners.registry import PartnerSetup
from backend.signing import Verified, request_text


def house() -> Any:
    """The house of the running application; its type is known further up only."""
    return current_app.extensions["house"]


def asking_partner(body: bytes = b"") -> PartnerSetup:
    """The partner that the header `webhook-partner` names, who signed this very request: method, path, query and body.

    Raises UnknownPartner, InvalidSignature, PartnerInactive.
    """
    return asking(body)[0]


def asking(body: bytes = b"") -> tuple[PartnerSetup, Verified]:
    """As `asking_partner`, with what the partner's signature proved."""
    query = request.query_string.decode("latin-1")
    target = f"{request.path}?{query}" if query else request.path
    asker = request.headers.get("webhook-partner", "")
    signed = request_text(request.method, target, body)
    found: tuple[PartnerSetup, Verified] = house().gate.authenticate(asker, request.headers, signed)
    return found
