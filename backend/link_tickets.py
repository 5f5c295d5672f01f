"""Link tickets: a partner's short-lived signed statement that one of its users asked to be linked here.

    ticket  = payload "." mac                both base64url (RFC 4648 §5) without padding
    payload = JSON object: partner, user_ref, nonce, expires_at (whole Unix seconds)
    mac     = HMAC-SHA256(secret, "link-ticket:v1:" + payload as it stands in the ticket)

The secret is the one the partner signs webhooks with. A ticket and a webhook can never pass for each other: a
webhook's signed text holds at least two ".", a ticket's none.
"""

import base64
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backend import strict_json
from backend.errors import Refusal
from backend.signing_keys import Key, SecretKey, from_base64

MAX_LIFE = timedelta(minutes=10)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOMAIN = "link-ticket:v1:"
_TICKET = re.compile(r"([0-9A-Za-z_-]{1,2048})\.([0-9A-Za-z_-]{43})")
#: Codes of partners: what addresses, tickets and consents name them by.
PARTNER_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_NONCE = re.compile(r"[0-9A-Za-z_-]{16,64}")
_MAX_USER_REF = 128
_MAX_EXPIRES_AT = 10**11  # the year 5138, well inside what a datetime holds


class InvalidLinkTicket(Refusal):
    """The ticket is malformed, expired, too long-lived or not the partner's. `reason` is for our logs."""

    code = "INVALID_LINK_TICKET"
    status = 422
    title = "绑定凭证无效或已过期 / The link ticket is not valid or has expired"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LinkTicket:
    """One user of one partner asked to be linked.

    A ticket is used once: the caller remembers (partner, nonce) until `expires_at`.
    """

    partner: str
    user_ref: str
    nonce: str
    expires_at: datetime


def sign_link_ticket(key: SecretKey, partner: str, user_ref: str, expires_at: datetime, nonce: str) -> str:
    """The ticket a partner would make; `expires_at` (aware) is cut to the second.

    ValueError for fields that could not be read back.
    """
    seconds = (expires_at - _EPOCH) // timedelta(seconds=1)
    payload: dict[str, strict_json.JsonValue] = {
        "partner": partner,
        "user_ref": user_ref,
        "nonce": nonce,
        "expires_at": seconds,
    }
    _fields(payload)
    text = _to_base64url(strict_json.canonical(payload).encode())
    return text + "." + _to_base64url(key.mac((_DOMAIN + text).encode()))


def read_link_ticket(ticket: str, keys_of: Callable[[str], Sequence[Key]], now: datetime) -> LinkTicket:
    """What a ticket says, once its partner's secret vouches for it and it lives for at most ten more minutes.

    `keys_of(partner)` gives the partner's keys, none for an unknown one; only shared secrets sign tickets.
    Raises InvalidLinkTicket for everything that is not a good ticket.
    """
    match = _TICKET.fullmatch(ticket)
    if not match:
        raise InvalidLinkTicket("not of the form payload.mac")
    text, mac_text = match.groups()
    try:
        mac = _from_base64url(mac_text)
        claimed = _fields(strict_json.loads_object(_from_base64url(text), max_depth=1))
    except (ValueError, Refusal) as error:
        raise InvalidLinkTicket(f"the payload is not a ticket's: {error}") from None
    keys = [key for key in keys_of(claimed.partner) if isinstance(key, SecretKey)]
    fits = [hmac.compare_digest(key.mac((_DOMAIN + text).encode()), mac) for key in keys]
    if not any(fits):
        raise InvalidLinkTicket("no key fits" if keys else "the partner is unknown or has no secret")
    if claimed.expires_at <= now:
        raise InvalidLinkTicket("expired")
    if claimed.expires_at > now + MAX_LIFE:
        raise InvalidLinkTicket("lives longer than ten minutes")
    return claimed


def _fields(payload: dict[str, strict_json.JsonValue]) -> LinkTicket:
    """The payload, well-formed and not yet believed; ValueError where it is no ticket's."""
    if sorted(payload) != ["expires_at", "nonce", "partner", "user_ref"]:
        raise ValueError("the fields are partner, user_ref, nonce and expires_at")
    partner, user_ref, nonce = payload["partner"], payload["user_ref"], payload["nonce"]
    expires_at = payload["expires_at"]
    if not isinstance(partner, str) or not PARTNER_CODE.fullmatch(partner):
        raise ValueError("partner is not a partner's code")
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise ValueError("nonce has 16 to 64 letters, digits, '-' and '_'")
    if not isinstance(user_ref, str) or not 1 <= len(user_ref) <= _MAX_USER_REF:
        raise ValueError(f"user_ref has 1 to {_MAX_USER_REF} characters")
    if not user_ref.isprintable() or user_ref != user_ref.strip():
        raise ValueError("user_ref is printable, without spaces around it")
    if type(expires_at) is not int or not 0 <= expires_at < _MAX_EXPIRES_AT:
        raise ValueError("expires_at is in whole seconds since 1970")
    return LinkTicket(partner, user_ref, nonce, _EPOCH + timedelta(seconds=expires_at))


def _to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _from_base64url(text: str) -> bytes:
    return from_base64(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4))
