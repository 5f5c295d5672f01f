"""Who said it: signatures over raw bytes, in both directions.

Webhooks follow Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks,
spec/standard-webhooks.md): the signed text is `id.timestamp.body`; `v1` is HMAC-SHA256 under a shared secret,
`v1a` is ed25519, which strangers can check too. Keys live in `signing_keys`, link tickets in `link_tickets`;
both are offered here as well, because whoever verifies a partner needs them together.

Nothing fails open: no key, a header sent twice, only unknown versions, or any doubt ends in the same refusal.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from backend.errors import Refusal
from backend.link_tickets import InvalidLinkTicket, LinkTicket, read_link_ticket, sign_link_ticket
from backend.signing_keys import (
    InvalidKey,
    Key,
    PublicKey,
    SecretKey,
    SigningKey,
    from_base64,
    new_ed25519_pair,
    new_secret,
    parse_key,
    parse_signing_key,
    to_base64,
)

__all__ = [
    "InvalidKey",
    "InvalidLinkTicket",
    "InvalidSignature",
    "Key",
    "LinkTicket",
    "PublicKey",
    "SecretKey",
    "SigningKey",
    "TimestampOutOfRange",
    "Verified",
    "is_message_id",
    "new_ed25519_pair",
    "new_secret",
    "parse_key",
    "parse_signing_key",
    "read_link_ticket",
    "request_text",
    "sign",
    "sign_link_ticket",
    "verify",
]

TOLERANCE_S = 300
MAX_SIGNATURES = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SIGNATURE_HEADER = 4096
# Printable ASCII without "." (it delimits the signed text) and "," (servers join repeated headers with it).
_MESSAGE_ID = re.compile(r"[!-+\-/-~]{1,128}")
_TIMESTAMP = re.compile(r"0|[1-9][0-9]{0,11}")
_TOKEN = re.compile(r"([0-9A-Za-z]{1,16}),([!-+\--~]+)")
# Base64 characters of each known signature: 32 bytes of HMAC, 64 bytes of ed25519.
_TEXT_LENGTH = {"v1": 44, "v1a": 88}


class InvalidSignature(Refusal):
    """The message is not proven to be the partner's. Outside nobody is told why; `reason` is for our logs."""

    code = "INVALID_SIGNATURE"
    status = 401
    title = "签名无效 / The signature is not valid"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


class TimestampOutOfRange(InvalidSignature):
    """The attempt was signed too long ago or too far ahead: a replay, or a clock that is wrong."""

    code = "TIMESTAMP_OUT_OF_RANGE"
    title = "时间戳超出允许范围 / The timestamp is outside the tolerance"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a delivery proved. `signature` is the token that did (`v1a` before `v1`), kept as evidence."""

    message_id: str
    signed_at: datetime
    signature: str
    key: Key = field(repr=False)


def sign(message_id: str, signed_at: datetime, body: bytes, keys: Sequence[SecretKey | SigningKey]) -> dict[str, str]:
    """The three headers of one delivery attempt. Several keys sign side by side, which is how one is rotated.

    `signed_at` (aware) is cut to the second and renewed at each attempt; `message_id` stays. ValueError for
    an id or an instant that could not be verified, or for no keys.
    """
    timestamp = str(_microseconds(signed_at) // 1_000_000)
    if not (_MESSAGE_ID.fullmatch(message_id) and _TIMESTAMP.fullmatch(timestamp)):
        raise ValueError("a delivery needs an id of 1 to 128 characters without '.' and ',', and an instant since 1970")
    if not 1 <= len(keys) <= MAX_SIGNATURES:
        raise ValueError(f"a delivery is signed with 1 to {MAX_SIGNATURES} keys")
    text = _signed_text(message_id, timestamp, body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_token(key, text) for key in keys),
    }


def is_message_id(text: str) -> bool:
    """Whether this can be the id of a message: 1 to 128 printable ASCII characters without `.`, `,` and blanks."""
    return _MESSAGE_ID.fullmatch(text) is not None


def request_text(method: str, target: str, body: bytes = b"") -> bytes:
    """What is signed, in place of an event, of a request to `target` (the path with its query).

    For a GET that is the target; otherwise the method, a blank, the target, a line feed and the body. An event begins
    with `{`, a question with `/`, an order to do something with its method: none can be passed off as another.
    """
    if method == "GET":
        return target.encode("utf-8", "replace")
    return f"{method} {target}\n".encode("utf-8", "replace") + body


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[Key],
    *,
    now: datetime,
    tolerance_s: int = TOLERANCE_S,
) -> Verified:
    """Prove that one of `keys` signed exactly these bytes, at most `tolerance_s` from `now` (inclusive).

    Header names are compared without regard to case. Raises InvalidSignature (or its TimestampOutOfRange) and
    nothing else, whatever headers and body hold; ValueError only for a naive `now`, which is our own mistake.
    """
    now_us = _microseconds(now)
    found = [(str(name).lower(), value) for name, value in headers.items()]
    message_id = _header(found, "webhook-id", _MESSAGE_ID)
    timestamp = _header(found, "webhook-timestamp", _TIMESTAMP)
    candidates = _candidates(_header(found, "webhook-signature"))
    if abs(now_us - int(timestamp) * 1_000_000) > tolerance_s * 1_000_000:
        raise TimestampOutOfRange(f"signed at {timestamp}")
    text = _signed_text(message_id, timestamp, body)
    fits = [(token, key) for key in keys for token in _fitting(key, candidates, text)]
    if not fits:
        raise InvalidSignature("no key fits" if keys else "the partner has no key")
    token, key = max(fits, key=lambda fit: isinstance(fit[1], PublicKey))
    return Verified(message_id, _EPOCH + timedelta(seconds=int(timestamp)), token, key)


def _header(headers: Sequence[tuple[str, str]], name: str, form: re.Pattern[str] | None = None) -> str:
    """The one value of a header; werkzeug's multi-valued headers show a repetition as several items."""
    values = [value for key, value in headers if key == name]
    if len(values) != 1 or not isinstance(values[0], str):
        raise InvalidSignature(f"{name} came {len(values)} times, once was expected")
    if form and not form.fullmatch(values[0]):
        raise InvalidSignature(f"{name} is malformed")
    return values[0]


def _candidates(header: str) -> dict[str, bytes]:
    """Token → signature bytes, for `v1` and `v1a`; other versions are ignored, malformed tokens refused."""
    tokens = header.split(" ") if len(header) <= _MAX_SIGNATURE_HEADER else []
    if not 1 <= len(tokens) <= MAX_SIGNATURES:
        raise InvalidSignature(f"webhook-signature is longer than {MAX_SIGNATURES} signatures")
    found: dict[str, bytes] = {}
    for token in tokens:
        match = _TOKEN.fullmatch(token)
        if not match:
            raise InvalidSignature("webhook-signature is malformed")
        version, text = match.groups()
        if version in _TEXT_LENGTH:
            found[token] = _signature_bytes(text, _TEXT_LENGTH[version])
    return found


def _signature_bytes(text: str, length: int) -> bytes:
    if len(text) != length:
        raise InvalidSignature("a signature has the wrong length")
    try:
        return from_base64(text)
    except ValueError:
        raise InvalidSignature("a signature is not base64") from None


def _fitting(key: Key, candidates: Mapping[str, bytes], text: bytes) -> list[str]:
    """The tokens this key made. Every one is compared, so the time taken does not tell which."""
    if isinstance(key, PublicKey):
        tokens = {token: raw for token, raw in candidates.items() if token.startswith("v1a,")}
        return [token for token, raw in tokens.items() if key.verifies(raw, text)]
    mac = key.mac(text)
    tokens = {token: raw for token, raw in candidates.items() if token.startswith("v1,")}
    return [token for token, raw in tokens.items() if hmac.compare_digest(mac, raw)]


def _signed_text(message_id: str, timestamp: str, body: bytes) -> bytes:
    return b"%s.%s.%s" % (message_id.encode(), timestamp.encode(), body)


def _token(key: SecretKey | SigningKey, text: bytes) -> str:
    if isinstance(key, SecretKey):
        return "v1," + to_base64(key.mac(text))
    return "v1a," + to_base64(key.sign(text))


def _microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 of an aware instant."""
    if instant.tzinfo is None:
        raise ValueError("an aware instant is needed")
    return (instant - _EPOCH) // timedelta(microseconds=1)
