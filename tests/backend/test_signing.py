"""Signatures: the public vector, an independent oracle for each scheme, and everything a stranger may try."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import EnvironHeaders, Headers

from backend import signing
from backend.signing import InvalidKey, InvalidLinkTicket, InvalidSignature, SecretKey, TimestampOutOfRange

# The vector published with Standard Webhooks and quoted by its libraries.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SIGNED_AT = datetime.fromtimestamp(1614265330, UTC)
KEY = signing.parse_key(VECTOR_SECRET)
SIGNATURE = VECTOR_HEADERS["webhook-signature"]
BARE = SIGNATURE.removeprefix("v1,")

MESSAGE_IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=".,"), min_size=1)
SECRETS = st.binary(min_size=24, max_size=64)


def verify(headers: Mapping[str, str], body: bytes = VECTOR_BODY, **more: Any) -> signing.Verified:
    return signing.verify(headers, body, more.pop("keys", [KEY]), now=more.pop("now", SIGNED_AT), **more)


def secret(raw: bytes) -> SecretKey:
    return SecretKey(raw)


# -- what is accepted --------------------------------------------------------------------------------------


def test_public_vector() -> None:
    verified = verify(VECTOR_HEADERS)
    assert (verified.message_id, verified.signed_at) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", SIGNED_AT)
    assert (verified.signature, verified.key) == (SIGNATURE, KEY)
    assert isinstance(KEY, SecretKey)
    assert signing.sign(VECTOR_HEADERS["webhook-id"], SIGNED_AT, VECTOR_BODY, [KEY]) == VECTOR_HEADERS


@given(SECRETS, MESSAGE_IDS.filter(lambda text: len(text) <= 128), st.text(), st.integers(0, 10**10))
def test_whatever_the_reference_library_signs_is_accepted(raw: bytes, message_id: str, body: str, at: int) -> None:
    instant = datetime.fromtimestamp(at, UTC)
    theirs = standardwebhooks.Webhook(raw).sign(message_id, instant, body)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": theirs}
    assert signing.verify(headers, body.encode(), [secret(raw)], now=instant).signature == theirs
    assert signing.sign(message_id, instant, body.encode(), [secret(raw)]) == headers


@given(SECRETS, st.dictionaries(st.text(), st.integers()))
def test_the_reference_library_accepts_what_we_sign(raw: bytes, value: dict[str, int]) -> None:
    body = json.dumps(value).encode()
    headers = signing.sign("msg_1", datetime.now(UTC), body, [secret(raw)])
    assert standardwebhooks.Webhook(raw).verify(body, headers) == value


@given(st.binary(), MESSAGE_IDS.filter(lambda text: len(text) <= 128))
def test_v1a_against_cryptography(body: bytes, message_id: str) -> None:
    private = Ed25519PrivateKey.generate()
    public = signing.parse_key("whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode())
    raw = private.sign(message_id.encode() + b".1614265330." + body)
    token = "v1a," + base64.b64encode(raw).decode()
    headers = {**VECTOR_HEADERS, "webhook-id": message_id, "webhook-signature": token}
    assert verify(headers, body, keys=[public]).signature == token
    seed = signing.SigningKey(private.private_bytes_raw())
    assert seed.public == public
    assert signing.sign(message_id, SIGNED_AT, body, [seed]) == headers


def test_v1a_of_rfc_8032_vector() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signing.SigningKey(seed).public.raw.hex() == public
    assert signing.SigningKey(seed).sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a")


@pytest.mark.parametrize(
    "signature",
    [
        SIGNATURE,
        f"v1,{base64.b64encode(bytes(32)).decode()} {SIGNATURE}",
        f"{SIGNATURE} v1,{base64.b64encode(bytes(32)).decode()}",
        f"{SIGNATURE} {SIGNATURE}",
        f"v2,future {SIGNATURE}",
        f"v1b,!!not-base64!! {SIGNATURE}",
        f"v1a,{base64.b64encode(bytes(64)).decode()} {SIGNATURE}",
        " ".join([f"v1,{base64.b64encode(bytes(31) + bytes([n])).decode()}" for n in range(15)] + [SIGNATURE]),
    ],
)
def test_one_good_signature_among_others_suffices(signature: str) -> None:
    assert verify({**VECTOR_HEADERS, "webhook-signature": signature}).signature == SIGNATURE


def test_rotation_either_key_verifies_and_both_may_sign() -> None:
    old, new = secret(b"o" * 32), secret(b"n" * 32)
    both = signing.sign("msg_1", SIGNED_AT, b"{}", [old, new])
    assert verify(both, b"{}", keys=[old]).key == old
    assert verify(both, b"{}", keys=[new]).key == new
    only_new = signing.sign("msg_1", SIGNED_AT, b"{}", [new])
    assert verify(only_new, b"{}", keys=[old, new]).key == new
    with pytest.raises(InvalidSignature):
        verify(only_new, b"{}", keys=[old])


def test_the_signature_strangers_can_check_is_the_evidence() -> None:
    private, public = signing.new_ed25519_pair()
    keys = [secret(b"s" * 32), signing.parse_signing_key(private)]
    headers = signing.sign("msg_1", SIGNED_AT, b"{}", keys)
    assert headers["webhook-signature"].count(" ") == 1
    verified = verify(headers, b"{}", keys=[secret(b"s" * 32), signing.parse_key(public)])
    assert verified.signature.startswith("v1a,")


def test_header_names_in_any_case_and_from_any_server() -> None:
    verify({name.upper(): value for name, value in VECTOR_HEADERS.items()})
    verify(Headers(VECTOR_HEADERS))  # type: ignore[arg-type]
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in VECTOR_HEADERS.items()}
    verify(EnvironHeaders(environ))  # type: ignore[arg-type]


# -- time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset_s", [-300, -299, 0, 299, 300])
def test_tolerance_is_inclusive(offset_s: int) -> None:
    verify(VECTOR_HEADERS, now=SIGNED_AT + timedelta(seconds=offset_s))


@pytest.mark.parametrize(
    "offset",
    [
        timedelta(seconds=301),
        timedelta(seconds=-301),
        timedelta(seconds=300, microseconds=1),
        -timedelta(seconds=300, microseconds=1),
        timedelta(days=365),
    ],
)
def test_outside_the_tolerance(offset: timedelta) -> None:
    with pytest.raises(TimestampOutOfRange) as refused:
        verify(VECTOR_HEADERS, now=SIGNED_AT + offset)
    assert (refused.value.status, refused.value.code) == (401, "TIMESTAMP_OUT_OF_RANGE")


def test_a_partner_may_be_held_to_less() -> None:
    verify(VECTOR_HEADERS, now=SIGNED_AT + timedelta(seconds=120), tolerance_s=120)
    with pytest.raises(TimestampOutOfRange):
        verify(VECTOR_HEADERS, now=SIGNED_AT + timedelta(seconds=121), tolerance_s=120)


def test_a_naive_now_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="aware"):
        verify(VECTOR_HEADERS, now=datetime(2021, 2, 25))


# -- what is refused ---------------------------------------------------------------------------------------

HOSTILE: list[tuple[str, str]] = [
    *[
        ("webhook-timestamp", text)
        for text in (
            *(
                "",
                " ",
                "0x60",
                "1614265330.0",
                "1.614265330e9",
                "1e9",
                "+1614265330",
                "-1614265330",
                " 1614265330",
            ),
            *(
                "1614265330 ",
                "1614265330\n",
                "\t1614265330",
                "1_614_265_330",
                "01614265330",
                "001614265330",
                "--1",
            ),
            *(
                "１６１４２６５３３０",
                "١٦١٤٢٦٥٣٣٠",
                "1614265330,1614265330",
                "1614265330, 1614265330",
                "1614265330 1",
            ),
            *(
                "9" * 13,
                "9" * 5000,
                "NaN",
                "inf",
                "None",
                "1614265330\0",
                "1614265330;",
                "²",
                "1614265330L",
                "\ud800",
            ),
        )
    ],
    *[
        ("webhook-id", text)
        for text in (
            *(
                "",
                " ",
                "msg p5j",
                "msg_1.1614265330",
                ".",
                "msg.",
                ".msg",
                "msg\n",
                "msg\0",
                "\u007f",
                "消息",
                "ｍsg",
            ),
            *(
                "a,a",
                "a, a",
                "m" * 129,
                "msg\t",
                "\u00e9",
                "\ud800",
                " msg",
                "msg ",
                "msg\r\nx: y",
                "\u202emsg",
            ),
        )
    ],
    *[
        ("webhook-signature", text)
        for text in (
            *("", " ", ",", "v1", "v1,", "v1, ", BARE, f"v1 {BARE}", f"v1{BARE}", f"V1,{BARE}", f"v1:{BARE}"),
            *(
                f" {SIGNATURE}",
                f"{SIGNATURE} ",
                f"v1,x  {SIGNATURE}",
                f"{SIGNATURE}  {SIGNATURE}",
                f"{SIGNATURE}\n",
            ),
            *(
                f"{SIGNATURE},{SIGNATURE}",
                f"{SIGNATURE}, {SIGNATURE}",
                f"v2,x,{SIGNATURE}",
                f"v2,x, {SIGNATURE}",
            ),
            *(
                f"{SIGNATURE} v1",
                f"{SIGNATURE} v1,",
                f"{SIGNATURE} ,",
                f"{SIGNATURE} v1,a,b",
                f"v1a,{BARE}",
                "v1,é",
            ),
            *(
                SIGNATURE[:-1],
                SIGNATURE + "=",
                SIGNATURE[:-2] + "F=",
                SIGNATURE.replace("+", "-"),
                "v1,====",
                "v0,x",
            ),
            *(
                SIGNATURE.replace("/", "_"),
                f"v1,\t{BARE}",
                f"{SIGNATURE}\tv2,x",
                f"v1,{BARE[:20]}\n{BARE[20:]}",
                "v2,x",
            ),
            *(
                f"v1,{BARE.swapcase()}",
                "v1," + hmac.digest(b"", b"", "sha256").hex(),
                f"v1,{'A' * 5000}",
                "v1,\ud800",
            ),
            *(
                " ".join([SIGNATURE] * 17),
                " ".join(["v2,x"] * 16 + [SIGNATURE]),
                f"v2,{'x' * 5000} {SIGNATURE}",
            ),
            *(
                f"{SIGNATURE}\u00a0v2,x",
                f"{SIGNATURE}\u3000v2,x",
                f"ｖ1,{BARE}",
                f"v１,{BARE}",
                f"{SIGNATURE}\0",
                "v1,AA==",
            ),
            f"{SIGNATURE} v1a,{base64.b64encode(bytes(63)).decode()}",
        )
    ],
]


def test_the_table_is_long_enough() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize(("name", "value"), HOSTILE, ids=[f"{n[8:]}-{v[:40]!a}" for n, v in HOSTILE])
def test_hostile_headers(name: str, value: str) -> None:
    with pytest.raises(InvalidSignature) as refused:
        verify({**VECTOR_HEADERS, name: value})
    assert refused.value.status == 401
    assert refused.value.reason
    assert (refused.value.detail, refused.value.facts) == ("", {}), "the outside is not told why"


@pytest.mark.parametrize("name", VECTOR_HEADERS)
def test_missing_and_repeated_headers(name: str) -> None:
    with pytest.raises(InvalidSignature):
        verify({key: value for key, value in VECTOR_HEADERS.items() if key != name})
    with pytest.raises(InvalidSignature):
        verify({**VECTOR_HEADERS, name.upper(): VECTOR_HEADERS[name]})
    with pytest.raises(InvalidSignature):
        verify(Headers([*VECTOR_HEADERS.items(), (name, VECTOR_HEADERS[name])]))  # type: ignore[arg-type]
    with pytest.raises(InvalidSignature):
        verify({**VECTOR_HEADERS, name: None})  # type: ignore[dict-item]


def test_no_key_never_means_no_check() -> None:
    for keys in ([], [secret(b"x" * 32)], [signing.parse_key(signing.new_ed25519_pair()[1])]):
        with pytest.raises(InvalidSignature):
            verify(VECTOR_HEADERS, keys=keys)


def test_a_digest_under_the_wrong_version_proves_nothing() -> None:
    private, public = signing.new_ed25519_pair()
    token = signing.sign("m", SIGNED_AT, b"", [signing.parse_signing_key(private)])["webhook-signature"]
    with pytest.raises(InvalidSignature):
        headers = {**VECTOR_HEADERS, "webhook-id": "m", "webhook-signature": token.replace("v1a", "v1")}
        verify(headers, b"", keys=[signing.parse_key(public)])


def test_a_request_is_no_event_and_no_other_request() -> None:
    said = [
        signing.request_text("GET", "/partners/v1/secrets"),
        signing.request_text("DELETE", "/partners/v1/secrets"),
        signing.request_text("POST", "/partners/v1/secrets"),
        signing.request_text("POST", "/partners/v1/links", b"{}"),
        signing.request_text("POST", "/partners/v1/links?a", b"{}"),
    ]
    assert said[:1] + said[3:4] == [b"/partners/v1/secrets", b"POST /partners/v1/links\n{}"]
    assert len(set(said)) == len(said)
    assert not [text for text in said if text.lstrip()[:1] in (b"{", b"[")]


def test_the_dot_cannot_be_moved_between_id_and_body() -> None:
    """Id `a` with body `T.{}` and id `a.T` with body `{}` share one signed text; only one may exist."""
    headers = signing.sign("a", SIGNED_AT, b"1614265330.{}", [secret(b"k" * 32)])
    with pytest.raises(InvalidSignature):
        verify({**headers, "webhook-id": "a.1614265330"}, b"{}", keys=[secret(b"k" * 32)])


@given(st.integers(0, len(VECTOR_BODY) - 1), st.integers(1, 255))
def test_any_changed_byte_of_the_body(position: int, mask: int) -> None:
    body = bytearray(VECTOR_BODY)
    body[position] ^= mask
    with pytest.raises(InvalidSignature):
        verify(VECTOR_HEADERS, bytes(body))


@given(st.sampled_from(sorted(VECTOR_HEADERS)), st.data())
def test_any_changed_character_of_a_header(name: str, data: st.DataObject) -> None:
    value = VECTOR_HEADERS[name]
    position = data.draw(st.integers(0, len(value) - 1))
    character = data.draw(st.characters().filter(lambda c: c != value[position]))
    with pytest.raises(InvalidSignature):
        verify({**VECTOR_HEADERS, name: value[:position] + character + value[position + 1 :]})


HEADER_VALUES = st.one_of(st.text(), st.text("v1a,= +/AZ09"), st.sampled_from(sorted(VECTOR_HEADERS.values())))


@given(
    st.dictionaries(st.one_of(st.sampled_from(sorted(VECTOR_HEADERS)), st.text()), HEADER_VALUES),
    st.binary(),
)
@example(VECTOR_HEADERS, b"\xff\xfe\x00")
@example({**VECTOR_HEADERS, "webhook-timestamp": "999999999999"}, VECTOR_BODY)
@example({None: "x", 5: b"y"}, b"")
def test_nothing_but_the_refusal_ever_leaves(headers: dict[str, str], body: bytes) -> None:
    keys = [KEY, signing.PublicKey(b"\x58" + b"\x66" * 31)]
    with pytest.raises(InvalidSignature):
        verify(headers, body, keys=keys)


# -- keys --------------------------------------------------------------------------------------------------


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "whsec_",
            "whpk_",
            "whsk_",
            "secret",
            VECTOR_SECRET.removeprefix("whsec_"),
            VECTOR_SECRET.upper(),
        ),
        *(
            "whsec_" + b64(bytes(23)),
            "whsec_" + b64(bytes(65)),
            "whpk_" + b64(b"k" * 31),
            "whpk_" + b64(b"k" * 33),
        ),
        *(
            VECTOR_SECRET + "=",
            VECTOR_SECRET + "\n",
            VECTOR_SECRET[:-1],
            "whsec_" + b64(bytes(32)).rstrip("="),
        ),
        *(
            "whsec_" + "-_" * 16,
            "whsec_" + "é" * 32,
            "whsec_" + b64(bytes(31))[:-2] + "B=",
            f" {VECTOR_SECRET}",
        ),
        "whsk_" + b64(b"k" * 32),
    ],
)
def test_malformed_verification_keys(text: str) -> None:
    with pytest.raises(InvalidKey) as refused:
        signing.parse_key(text)
    assert text == "" or text not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "whsk_", "whsk_" + b64(b"k" * 31), "whsk_" + b64(b"k" * 64), "whpk_" + b64(b"k" * 32)]
)
def test_malformed_signing_keys(text: str) -> None:
    with pytest.raises(InvalidKey):
        signing.parse_signing_key(text)


@pytest.mark.parametrize("length", [24, 32, 64])
def test_secrets_of_every_allowed_length(length: int) -> None:
    assert signing.parse_key("whsec_" + b64(bytes(length))) == secret(bytes(length))


def test_fresh_keys_are_fresh_and_do_not_show() -> None:
    assert signing.new_secret() != signing.new_secret()
    assert len(base64.b64decode(signing.new_secret().removeprefix("whsec_"))) == 32
    private, public = signing.new_ed25519_pair()
    key = signing.parse_signing_key(private)
    assert isinstance(key, signing.SigningKey)
    assert key.public.text() == public
    assert repr(key) == "SigningKey()"
    assert repr(signing.parse_key(VECTOR_SECRET)) == "SecretKey()"


def _double(point: tuple[int, int]) -> tuple[int, int]:
    """A point of edwards25519 added to itself, by the textbook formula, apart from every library."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    (x, y), k = point, d * pow(point[0] * point[1], 2, p)
    return 2 * x * y * pow(1 + k, -1, p) % p, (y * y + x * x) * pow(1 - k, -1, p) % p


def test_keys_for_which_anybody_can_sign_are_refused() -> None:
    """Eight times such a point is the neutral one, so (R = neutral, S = 0) can fit any message."""
    p = 2**255 - 19
    for y in range(2**255 - 20, 2**255):  # every encoding that is not reduced, and p − 1
        point = y.to_bytes(32, "little")
        if y % p in (0, 1, p - 1):
            with pytest.raises(InvalidKey):
                signing.PublicKey(point)
    for text in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ):
        raw = bytes.fromhex(text)
        y = int.from_bytes(raw, "little")
        x_squared = (y * y - 1) * pow(-121665 * pow(121666, -1, p) * y * y + 1, -1, p) % p
        x = pow(x_squared, (p + 3) // 8, p)
        x = x if x * x % p == x_squared else x * pow(2, (p - 1) // 4, p) % p
        assert _double(_double(_double((x, y)))) == (0, 1)
        for sign_bit in (0, 0x80):
            with pytest.raises(InvalidKey):
                signing.PublicKey(raw[:31] + bytes([raw[31] | sign_bit]))
    for raw in (bytes(32), bytes([1]) + bytes(31), bytes(31) + b"\x80"):
        with pytest.raises(InvalidKey):
            signing.PublicKey(raw)


@pytest.mark.parametrize("message_id", ["", "a.b", "a,b", "a b", "m" * 129, "消息"])
def test_we_do_not_sign_what_could_not_be_verified(message_id: str) -> None:
    with pytest.raises(ValueError, match="id"):
        signing.sign(message_id, SIGNED_AT, b"", [secret(b"k" * 32)])


def test_we_do_not_sign_without_a_key_or_a_time() -> None:
    with pytest.raises(ValueError, match="keys"):
        signing.sign("m", SIGNED_AT, b"", [])
    with pytest.raises(ValueError, match="aware"):
        signing.sign("m", datetime(2026, 1, 1), b"", [secret(b"k" * 32)])
    with pytest.raises(ValueError, match="1970"):
        signing.sign("m", datetime(1969, 1, 1, tzinfo=UTC), b"", [secret(b"k" * 32)])


# -- link tickets ------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
PARTNER_KEY = secret(b"p" * 32)
NONCE = "n0nce-n0nce-n0nce"


def keys_of(partner: str) -> list[signing.Key]:
    return {"zhuanzhuan": [secret(b"new" * 10), PARTNER_KEY], "keyless": []}.get(partner, [])  # type: ignore[return-value]


def ticket(key: SecretKey = PARTNER_KEY, *, partner: str = "zhuanzhuan", minutes: float = 5) -> str:
    return signing.sign_link_ticket(key, partner, "用户-8f31", NOW + timedelta(minutes=minutes), NONCE)


def handmade(payload: bytes, key: bytes = b"p" * 32, domain: bytes = b"link-ticket:v1:") -> str:
    """A ticket as a partner's integrator would make it from the description alone."""
    text = base64.urlsafe_b64encode(payload).rstrip(b"=")
    mac = hmac.new(key, domain + text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def fields(**changed: object) -> bytes:
    whole = {
        "partner": "zhuanzhuan",
        "user_ref": "u1",
        "nonce": NONCE,
        "expires_at": int(NOW.timestamp()) + 60,
    }
    return json.dumps({k: v for k, v in {**whole, **changed}.items() if v is not ...}).encode()


def test_a_ticket_says_who_asked() -> None:
    read = signing.read_link_ticket(ticket(), keys_of, NOW)
    assert read == signing.LinkTicket("zhuanzhuan", "用户-8f31", NONCE, NOW + timedelta(minutes=5))


def test_a_ticket_made_from_the_description_alone() -> None:
    assert signing.read_link_ticket(handmade(fields()), keys_of, NOW).user_ref == "u1"


@pytest.mark.parametrize("minutes", [0, -1, -1 / 60, 10 + 1 / 60, 60])
def test_a_ticket_lives_ten_minutes_at_most(minutes: float) -> None:
    with pytest.raises(InvalidLinkTicket) as refused:
        signing.read_link_ticket(ticket(minutes=minutes), keys_of, NOW)
    assert (refused.value.status, refused.value.code) == (422, "INVALID_LINK_TICKET")
    signing.read_link_ticket(ticket(minutes=10), keys_of, NOW)
    signing.read_link_ticket(ticket(minutes=1 / 60), keys_of, NOW)


@pytest.mark.parametrize(
    "text",
    [
        ticket(secret(b"q" * 32)),
        ticket(partner="keyless"),
        ticket(partner="nobody"),
        handmade(fields(), domain=b""),
        handmade(fields(), domain=b"link-ticket:v2:"),
        *(
            "",
            ".",
            "..",
            "a.b",
            ticket() + ".",
            "." + ticket(),
            ticket() + "=",
            ticket() + "\n",
            ticket().upper(),
        ),
        *(
            ticket().replace(".", ""),
            ticket()[:-1],
            "A" * 5000,
            "é.é",
            ticket().split(".")[0] + "." + "A" * 43,
        ),
        *[handmade(fields(user_ref=v)) for v in ("", " u", "u\n", "u\0", "\ud800", "u" * 129, 5, None, ["u"], ...)],
        *[handmade(fields(nonce=v)) for v in ("", "short", "n" * 65, "n" * 15 + " ", 5, None, ...)],
        *[handmade(fields(partner=v)) for v in ("", "Zhuanzhuan", "a b", "../x", "p" * 33, 5, None, ...)],
        *[handmade(fields(expires_at=v)) for v in ("1", -1, 1.5, 1e9, True, None, 10**11, 10**15, 10**30, ...)],
        *[handmade(raw) for raw in (b"{}", b"[]", b"null", b"\xff", b"{", fields(extra=1), b"\xef\xbb\xbf" + fields())],
        handmade(fields()[:-1] + b', "user_ref": "u2"}'),
    ],
)
def test_every_other_ticket_is_refused(text: str) -> None:
    with pytest.raises(InvalidLinkTicket):
        signing.read_link_ticket(text, keys_of, NOW)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{43}"))
def test_nothing_but_the_refusal_leaves_a_ticket(text: str) -> None:
    with pytest.raises(InvalidLinkTicket):
        signing.read_link_ticket(text, keys_of, NOW)


@given(st.integers(0, len(ticket()) - 1), st.sampled_from("ABab01-_."))
def test_any_changed_character_of_a_ticket(position: int, character: str) -> None:
    good = ticket()
    if good[position] != character:
        with pytest.raises(InvalidLinkTicket):
            signing.read_link_ticket(good[:position] + character + good[position + 1 :], keys_of, NOW)


def test_a_ticket_is_no_webhook_and_a_webhook_no_ticket() -> None:
    """Under one secret: no id, timestamp and body sign to a ticket's text, because it holds no dot."""
    text, mac = ticket().split(".")
    token = "v1," + base64.b64encode(base64.urlsafe_b64decode(mac + "=")).decode()
    for message_id, body in ((f"link-ticket:v1:{text}", b""), ("link-ticket:v1:", text.encode())):
        headers = {**VECTOR_HEADERS, "webhook-id": message_id, "webhook-signature": token}
        with pytest.raises(InvalidSignature):
            verify(headers, body, keys=[PARTNER_KEY])


@pytest.mark.parametrize("change", [{"partner": "A"}, {"user_ref": ""}, {"nonce": "short"}])
def test_a_ticket_that_could_not_be_read_is_not_made(change: dict[str, str]) -> None:
    good = {"partner": "zhuanzhuan", "user_ref": "u1", "nonce": NONCE}
    with pytest.raises(ValueError, match=next(iter(change))):
        signing.sign_link_ticket(PARTNER_KEY, expires_at=NOW, **{**good, **change})
