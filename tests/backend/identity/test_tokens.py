"""Access and refresh tokens: what is issued reads back, and nothing else does."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.identity import tokens
from backend.identity.tokens import InvalidToken

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
SECRET = b"s" * 32
OTHER = b"o" * 32
HOLDER = UUID("018f6f3e-7c1a-7d30-a5b2-6f1d2c3b4a59")
SESSION = UUID("018f6f3e-7c1a-7d30-a5b2-000000000001")
HEADER = {"alg": "HS256", "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": "carbon-inclusion",
    "aud": "carbon-inclusion/api",
    "sub": str(HOLDER),
    "sid": str(SESSION),
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 900,
}


def part(value: object) -> bytes:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def handmade(header: object, claims: object, secret: bytes = SECRET, digest: str = "sha256") -> str:
    """A token put together without any library."""
    text = part(header) + b"." + part(claims)
    return (text + b"." + part(hmac.new(secret, text, digest).digest())).decode()


def read(token: str, now: datetime = NOW, secrets: tuple[bytes, ...] = (SECRET,)) -> tokens.AccessClaims:
    return tokens.read_access(secrets, token, now)


@given(st.uuids(), st.uuids(), st.datetimes(datetime(1971, 1, 1), datetime(2500, 1, 1)), st.integers(1, 86400))
def test_what_is_issued_reads_back(holder: UUID, session: UUID, at: datetime, ttl_s: int) -> None:
    now = at.replace(tzinfo=UTC)
    token = tokens.issue_access(SECRET, holder, session, now, ttl_s)
    expires_at = now.replace(microsecond=0) + timedelta(seconds=ttl_s)
    last_moment = expires_at - timedelta(microseconds=1)
    assert read(token, max(now, last_moment)) == tokens.AccessClaims(holder, session, expires_at)


def test_a_token_made_by_hand_reads_the_same() -> None:
    token = tokens.issue_access(SECRET, HOLDER, SESSION, NOW)
    assert read(handmade(HEADER, CLAIMS)) == read(token)
    header, claims, _ = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == HEADER
    assert json.loads(base64.urlsafe_b64decode(claims + "==")) == CLAIMS


def test_the_clock_is_the_one_given() -> None:
    """Neither a token of the far past nor one of the far future is measured with the machine's clock."""
    for year in (1999, 2126):
        now = datetime(year, 1, 1, tzinfo=UTC)
        assert read(tokens.issue_access(SECRET, HOLDER, SESSION, now), now).holder_id == HOLDER


def test_rotation() -> None:
    token = tokens.issue_access(OTHER, HOLDER, SESSION, NOW)
    assert read(token, secrets=(SECRET, OTHER)).holder_id == HOLDER
    for secrets in ((SECRET,), ()):
        with pytest.raises(InvalidToken):
            read(token, secrets=secrets)


@pytest.mark.parametrize("late", [timedelta(seconds=900), timedelta(seconds=900, microseconds=1), timedelta(days=999)])
def test_expired(late: timedelta) -> None:
    token = tokens.issue_access(SECRET, HOLDER, SESSION, NOW)
    read(token, NOW + timedelta(seconds=900, microseconds=-1))
    with pytest.raises(InvalidToken) as refused:
        read(token, NOW + late)
    assert (refused.value.status, refused.value.code, refused.value.reason) == (401, "INVALID_TOKEN", "expired")


def test_issued_in_the_future() -> None:
    token = tokens.issue_access(SECRET, HOLDER, SESSION, NOW)
    read(token, NOW - timedelta(seconds=60))
    with pytest.raises(InvalidToken):
        read(token, NOW - timedelta(seconds=61))


@pytest.mark.parametrize(
    "header",
    [
        *({"alg": "none", "typ": "at+jwt"}, {"alg": "None", "typ": "at+jwt"}, {"alg": "HS512", "typ": "at+jwt"}),
        *({"alg": "hs256", "typ": "at+jwt"}, {"alg": "RS256", "typ": "at+jwt"}, {"alg": "HS256"}, {"typ": "at+jwt"}),
        *({**HEADER, "typ": "JWT"}, {**HEADER, "typ": "AT+JWT"}, {**HEADER, "typ": None}, {**HEADER, "kid": "1"}),
        *({**HEADER, "jku": "https://x"}, {**HEADER, "jwk": {}}, {**HEADER, "crit": ["exp"]}, {**HEADER, "b64": False}),
        *(
            {**HEADER, "zip": "DEF"},
            [],
            "HS256",
            5,
            None,
            b"{",
            b"\xff",
            {**HEADER, "alg": ["HS256"]},
            {**HEADER, "alg": 5},
        ),
    ],
)
def test_no_other_header(header: object) -> None:
    with pytest.raises(InvalidToken):
        read(handmade(header, CLAIMS))


def test_alg_none_without_a_signature() -> None:
    for token in (
        jwt.encode(CLAIMS, "", algorithm="none", headers={"typ": "at+jwt"}),
        handmade({"alg": "none", "typ": "at+jwt"}, CLAIMS).rpartition(".")[0] + ".",
        handmade(HEADER, CLAIMS).rpartition(".")[0] + ".",
        handmade(HEADER, CLAIMS).rpartition(".")[0],
    ):
        with pytest.raises(InvalidToken):
            read(token)


def test_other_digests_under_the_right_name() -> None:
    for digest in ("sha1", "sha512", "md5"):
        with pytest.raises(InvalidToken):
            read(handmade(HEADER, CLAIMS, digest=digest))


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("value", [..., None, "", "x", 5, True, [], {}, ["carbon-inclusion/api"], 1e400, -1, "1"])
def test_every_claim_is_required_and_right(name: str, value: object) -> None:
    if name == "iat" and type(value) is int:
        value = 2**40  # an early iat is no fault, a late one is
    claims = {key: value if key == name else kept for key, kept in CLAIMS.items() if key != name or value is not ...}
    with pytest.raises(InvalidToken):
        read(handmade(HEADER, claims))


@pytest.mark.parametrize(
    "changed",
    [
        *(
            {"aud": "carbon-inclusion"},
            {"aud": ["carbon-inclusion/api", "x"]},
            {"iss": "carbon-inclusion/"},
            {"admin": True},
        ),
        *({"sub": str(HOLDER).upper()}, {"sub": HOLDER.hex}, {"sub": f"{{{HOLDER}}}"}, {"sub": HOLDER.urn}),
        *(
            {"sid": SESSION.hex},
            {"sid": str(SESSION) + "\n"},
            {"nbf": 1},
            {"exp": 10**30},
            {"exp": 1e10},
            {"exp": 10**12},
        ),
        *({"exp": CLAIMS["exp"] + 0.5}, {"iat": 10**30}, {"iat": float(CLAIMS["iat"])}, {"exp": float("nan")}),
    ],
)
def test_claims_that_are_not_ours(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        read(handmade(HEADER, {**CLAIMS, **changed}))


@pytest.mark.parametrize("claims", [[], None, 5, "x", b"{", b"\xff", b"[" * 300, b"{}"])
def test_claims_that_are_no_object(claims: object) -> None:
    with pytest.raises(InvalidToken):
        read(handmade(HEADER, claims))


@given(
    st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,43}") | st.binary().map(repr)
)
@example("")
@example("...")
@example("a" * 100_000)
@example("\ud800")
@example("١.٢.٣")
def test_garbage(token: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        read(token)
    assert refused.value.detail == ""


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3), st.data()
)
def test_signed_garbage(value: object, data: st.DataObject) -> None:
    """Even under the right secret, whatever a claim holds, the answer is the refusal or a good reading."""
    name = data.draw(st.sampled_from(sorted(CLAIMS)))
    try:
        claims = read(handmade(HEADER, {**CLAIMS, name: value}))
    except InvalidToken:
        return
    assert (claims.holder_id, claims.session_id) == (HOLDER, SESSION)


@given(st.integers(0, len(handmade(HEADER, CLAIMS)) - 1), st.sampled_from("AZaz09-_."))
def test_any_changed_character(position: int, character: str) -> None:
    """The last character of a base64url text has bits that mean nothing; changing only those changes nothing."""
    good = handmade(HEADER, CLAIMS)
    changed = good[:position] + character + good[position + 1 :]
    if changed != good and position != len(good) - 1:
        with pytest.raises(InvalidToken):
            read(changed)


def test_short_secrets_are_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.issue_access(b"short", HOLDER, SESSION, NOW)
    with pytest.raises(ValueError, match="32 bytes"):
        read(tokens.issue_access(SECRET, HOLDER, SESSION, NOW), secrets=(SECRET, b"short"))


def test_refresh_tokens() -> None:
    made = {tokens.new_refresh_token() for _ in range(100)}
    assert len(made) == 100
    for token in made:
        assert token.startswith("rt_")
        assert len(base64.urlsafe_b64decode(token.removeprefix("rt_") + "=")) == 32
        assert tokens.refresh_token_digest(token) == hashlib.sha256(token.encode()).digest()


@given(st.text() | st.just("\ud800"))
def test_every_text_has_a_digest(token: str) -> None:
    assert len(tokens.refresh_token_digest(token)) == 32
