"""ID tokens (OpenID Connect Core 1.0, section 3.1.3.7): whether one was made for us, for this login, and by whom.

joserfc checks the signature and nothing else: everything that a claim has to say is asked here.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jwk, jwt
from joserfc.errors import JoseError

from backend.identity.staff_login.errors import StaffLoginInvalid

#: Signatures of a key pair only: with a shared secret or none at all, whoever can ask could also sign.
ALGORITHMS = ("RS256", "ES256")
#: How far the clocks of two machines may differ, and how old a token may be that was made for a login of today.
CLOCK_SKEW_S, OLDEST_S = 60, 600
LONGEST_TOKEN = 16_384
_SUBJECT = re.compile(r"[ -~]{1,255}")


def usable_keys(document: object) -> jwk.KeySet:
    """The keys of a JWKS that may sign ID tokens; others that stand in it are left out."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    found = []
    for key in listed if isinstance(listed, list) else ():
        if not isinstance(key, Mapping) or key.get("kty") not in ("RSA", "EC") or key.get("use", "sig") != "sig":
            continue
        try:
            made = jwk.import_key(dict(key))
        except (JoseError, ValueError, TypeError):
            continue
        if not made.is_private:
            found.append(made)
    return jwk.KeySet(found)


def key_named(token: str) -> str | None:
    """Which key the token says it was signed with. Raises StaffLoginInvalid for what is no signed token."""
    try:
        if len(token) > LONGEST_TOKEN or not token.isascii() or token.count(".") != 2:
            raise ValueError
        from joserfc.jws import extract_compact

        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise StaffLoginInvalid("the ID token cannot be read") from None
    if header.get("alg") not in ALGORITHMS:
        raise StaffLoginInvalid("the ID token is signed in a way that is not taken")
    named = header.get("kid")
    return named if isinstance(named, str) else None


def verified_claims(
    token: str, keys: jwk.KeySet, *, issuer: str, client_id: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """What the token says, once it is found to be for us and for this login. Raises StaffLoginInvalid."""
    try:
        claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise StaffLoginInvalid(f"the ID token does not hold: {type(error).__name__}") from None
    if not isinstance(claims, dict):
        raise StaffLoginInvalid("the ID token holds no claims")
    said = dict(claims)
    if said.get("iss") != issuer:
        raise StaffLoginInvalid("of another issuer")
    _check_audience(said, client_id)
    _check_times(said, int(now.timestamp()))
    if said.get("nonce") != nonce:
        raise StaffLoginInvalid("of another login")
    if not isinstance(said.get("sub"), str) or not _SUBJECT.fullmatch(said["sub"]):
        raise StaffLoginInvalid("no usable sub")
    return said


def _check_audience(said: Mapping[str, Any], client_id: str) -> None:
    audience = said.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if client_id not in several:
        raise StaffLoginInvalid("for another audience")
    if ("azp" in said and said["azp"] != client_id) or (len(several) > 1 and "azp" not in said):
        raise StaffLoginInvalid("given to another party")


def _check_times(said: Mapping[str, Any], now_s: int) -> None:
    issued_at, expires_at, not_before = said.get("iat"), said.get("exp"), said.get("nbf", 0)
    if not (type(issued_at) is int and type(expires_at) is int and type(not_before) is int):
        raise StaffLoginInvalid("iat, exp and nbf are whole seconds")
    if expires_at <= now_s - CLOCK_SKEW_S:
        raise StaffLoginInvalid("expired")
    if max(issued_at, not_before) > now_s + CLOCK_SKEW_S or issued_at < now_s - OLDEST_S:
        raise StaffLoginInvalid("not of this hour")
