"""Who asks: requests of partners that are no events, signed over what they ask for."""

from collections.abc import Collection
from typing import Any

from flask import current_app, request

from backend.partners.errors import InvalidFilter
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


def filters_asked(known: Collection[str]) -> dict[str, str]:
    """The filters of the query, each once: a name we do not know may be a slip of the pen, and would give everything.

    Raises InvalidFilter.
    """
    asked: dict[str, str] = {}
    for name, value in request.args.items(multi=True):
        if name not in known:
            raise InvalidFilter(field=name[:64], problem=f"the filters are {', '.join(known)}")
        if name in asked:
            raise InvalidFilter(field=name, problem="may be given once")
        asked[name] = value
    return asked
