"""The two tokens of a login: a short-lived signed one for every call, and an opaque one to renew it with.

The access token is a JWT (RFC 7519, with the `typ` of RFC 9068) under HMAC-SHA256, good for minutes and
checked without the database. The refresh token is random and means nothing by itself; only its digest is
stored.
"""

import hashlib
import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt

from backend.errors import Refusal

ACCESS_LIFE_S = 900

_ALGORITHM = "HS256"
_HEADER = {"alg": _ALGORITHM, "typ": "at+jwt"}
_ISSUER = "carbon-inclusion"
_AUDIENCE = "carbon-inclusion/api"
_CLAIMS = {"iss", "aud", "sub", "sid", "iat", "exp"}
_MAX_TOKEN = 1024
_MIN_SECRET_BYTES = 32
# How far the clocks of two of our own machines may differ.
_CLOCK_SKEW_S = 60
# PyJWT compares times with the machine's clock; `read_access` compares them with the instant it is given.
_OPTIONS: Any = {"require": sorted(_CLAIMS), "verify_exp": False, "verify_iat": False, "strict_aud": True}


class InvalidToken(Refusal):
    """The access token is missing, malformed, forged or expired; `reason` is for our logs."""

    code = "INVALID_TOKEN"
    status = 401
    title = "登录凭证无效或已过期 / The access token is not valid or has expired"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Who is calling, through which login."""

    holder_id: UUID
    session_id: UUID
    expires_at: datetime


def issue_access(secret: bytes, holder_id: UUID, session_id: UUID, now: datetime, ttl_s: int = ACCESS_LIFE_S) -> str:
    """A token that lets this holder act until `ttl_s` seconds from `now` (aware, cut to the second)."""
    issued_at = int(now.timestamp())
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": str(holder_id),
        "sid": str(session_id),
        "iat": issued_at,
        "exp": issued_at + ttl_s,
    }
    return jwt.encode(claims, _long_enough(secret), algorithm=_ALGORITHM, headers={"typ": _HEADER["typ"]})


def read_access(secrets: Sequence[bytes], token: str, now: datetime) -> AccessClaims:
    """What an access token says, once a secret vouches for it and it has not expired at `now` (aware).

    Several secrets are how one is rotated. Raises InvalidToken, and nothing else, whatever the token holds.
    """
    if not 0 < len(token) <= _MAX_TOKEN or not token.isascii():
        raise InvalidToken("not the size or the letters of a token")
    claims = _verified_claims([_long_enough(secret) for secret in secrets], token)
    issued_at, expires_at = claims["iat"], claims["exp"]
    if type(issued_at) is not int or type(expires_at) is not int:
        raise InvalidToken("iat and exp are whole seconds")
    if expires_at <= now.timestamp():
        raise InvalidToken("expired")
    if issued_at > now.timestamp() + _CLOCK_SKEW_S:
        raise InvalidToken("issued in the future")
    try:
        return AccessClaims(_uuid(claims["sub"]), _uuid(claims["sid"]), datetime.fromtimestamp(expires_at, UTC))
    except (ValueError, OverflowError, OSError):
        raise InvalidToken("sub, sid or exp cannot be read") from None


def new_refresh_token() -> str:
    """A fresh refresh token: 256 random bits. The prefix lets secret scanners find a leaked one."""
    return "rt_" + randomness.token_urlsafe(32)


def refresh_token_digest(token: str) -> bytes:
    """What is stored of a refresh token: its SHA-256. Random bits need neither salt nor a slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _verified_claims(secrets: Sequence[bytes], token: str) -> dict[str, Any]:
    for secret in secrets:
        try:
            decoded = jwt.decode_complete(
                token, secret, algorithms=[_ALGORITHM], audience=_AUDIENCE, issuer=_ISSUER, options=_OPTIONS
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise InvalidToken(type(error).__name__) from None
        if decoded["header"] != _HEADER or set(decoded["payload"]) != _CLAIMS:
            raise InvalidToken("a header or a claim that is not ours")
        claims: dict[str, Any] = decoded["payload"]
        return claims
    raise InvalidToken("no secret vouches for it")


def _uuid(text: object) -> UUID:
    """A UUID in its one usual spelling; UUID() itself also takes braces, urn: and no hyphens."""
    value = UUID(str(text))
    if str(value) != text:
        raise ValueError("not the usual spelling of a UUID")
    return value


def _long_enough(secret: bytes) -> bytes:
    if len(secret) < _MIN_SECRET_BYTES:
        raise ValueError(f"a token secret has at least {_MIN_SECRET_BYTES} bytes")
    return secret
