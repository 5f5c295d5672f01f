"""Only WeChat gets in, and only with what it sealed for us. The vectors are those of its documentation (消息推送)."""

import base64
import hashlib
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from backend.errors import Refusal
from backend.signing import InvalidSignature, TimestampOutOfRange
from backend.wechat_pushes import PushKeys, answer_handshake, open_push

APPID = "wxba5fad812f8e6fb9"
KEYS = PushKeys(APPID, "AAAAA", bytes(32))  # EncodingAESKey is 43 times A
ENCRYPT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT"
    "740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8Y"
    "L/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
QUERY = {
    "timestamp": "1714112445",
    "nonce": "415670741",
    "encrypt_type": "aes",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}
BODY = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": ENCRYPT}).encode()
NOW = datetime.fromtimestamp(1714112445, UTC)
HANDSHAKE = {
    "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
    "echostr": "4375120948345356249",
    "timestamp": "1714036504",
    "nonce": "1514711492",
}


def test_the_handshake_of_the_documentation_is_answered() -> None:
    now = datetime.fromtimestamp(1714036504, UTC)
    assert answer_handshake(KEYS, HANDSHAKE, now=now) == "4375120948345356249"
    for changed in ({"nonce": "1514711493"}, {"signature": "0" * 40}, {"echostr": "<script>"}, {"timestamp": ""}):
        with pytest.raises(InvalidSignature):
            answer_handshake(KEYS, HANDSHAKE | changed, now=now)
    with pytest.raises(TimestampOutOfRange):
        answer_handshake(KEYS, HANDSHAKE, now=now + timedelta(seconds=301))


def test_the_push_of_the_documentation_opens_as_json_and_as_xml() -> None:
    told = {
        "ToUserName": "gh_97417a04a28d",
        "FromUserName": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
        "CreateTime": "1714112445",
        "MsgType": "event",
        "Event": "debug_demo",
        "debug_str": "hello world",
    }
    assert open_push(KEYS, QUERY, BODY, now=NOW).fields == told
    xml = f"<xml>\n<ToUserName><![CDATA[gh]]></ToUserName>\n<Encrypt><![CDATA[{ENCRYPT}]]></Encrypt>\n</xml>"
    assert open_push(KEYS, QUERY, xml.encode(), now=NOW).fields == told


@pytest.mark.parametrize(
    "query",
    [
        {},
        QUERY | {"msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b4"},
        QUERY | {"msg_signature": QUERY["msg_signature"].upper()},
        QUERY | {"msg_signature": "é" * 40},
        QUERY | {"nonce": "415670742"},
        QUERY | {"nonce": "4" * 33},
        QUERY | {"timestamp": "1714112446"},
        QUERY | {"timestamp": "17141124454", "nonce": "15670741"},  # the same text, cut elsewhere
        QUERY | {"timestamp": "１７１４１１２４４５"},
        # What plain pushes are signed with says nothing about the body.
        {"timestamp": "1714112445", "nonce": "415670741", "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d"},
    ],
)
def test_a_signature_that_does_not_fit_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidSignature):
        open_push(KEYS, query, BODY, now=NOW)


def test_a_push_is_good_for_five_minutes() -> None:
    for seconds in (-300, 300):
        assert open_push(KEYS, QUERY, BODY, now=NOW + timedelta(seconds=seconds))
    for seconds in (-301, 301):
        with pytest.raises(TimestampOutOfRange):
            open_push(KEYS, QUERY, BODY, now=NOW + timedelta(seconds=seconds))


def test_a_plain_push_is_refused() -> None:
    body = b'{"Event": "user_authorization_cancellation", "OpenID": "o1"}'
    with pytest.raises(InvalidSignature):
        open_push(KEYS, QUERY, body, now=NOW)


def signed(sealed: str) -> tuple[dict[str, str], bytes]:
    """What WeChat would send with this in `Encrypt`."""
    text = "".join(sorted(["AAAAA", "1714112445", "1", sealed]))
    signature = hashlib.sha1(text.encode()).hexdigest()
    query = {"timestamp": "1714112445", "nonce": "1", "msg_signature": signature}
    return query, json.dumps({"Encrypt": sealed}).encode()


def sealed(plain: bytes) -> str:
    encryptor = Cipher(algorithms.AES(bytes(32)), modes.CBC(bytes(16))).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def packed(message: bytes, appid: str = APPID, length: int | None = None) -> bytes:
    size = len(message) if length is None else length
    padder = PKCS7(256).padder()
    plain = b"0123456789abcdef" + size.to_bytes(4, "big") + message + appid.encode()
    return padder.update(plain) + padder.finalize()


def test_names_with_spaces_are_read_and_what_is_nested_is_left_out() -> None:
    said = b'{"Event": "e", " OpenID": "o1", " RevokeInfo": 12, "flag": true, "List": [{"Event": "x"}], "none": null}'
    query, body = signed(sealed(packed(said)))
    assert open_push(KEYS, query, body, now=NOW).fields == {"Event": "e", "OpenID": "o1", "RevokeInfo": "12"}
    said = b"<xml><Event>e</Event><List><OpenID>no</OpenID></List><OpenID>\n<![CDATA[a&b]]></OpenID><Empty/></xml>"
    query, body = signed(sealed(packed(said)))
    assert open_push(KEYS, query, body, now=NOW).fields == {"Event": "e", "OpenID": "\na&b", "Empty": ""}


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><xml><Encrypt>&f;</Encrypt></xml>'
MESSAGES = [
    *(b"", b"{", b"[]", b"<", b"<xml>", b"<xml><a></xml>", b"\xff\xfe", b'{"a": "\xff"}', b"<xml><a>\xff</a></xml>"),
    *(BOMB, FILE, b"<xml>" * 40, b"<xml><a>&f;</a></xml>", b"<xml><a>&#0;</a></xml>", b"{" * 60_000, b"<a>" * 20_000),
    *(b'{"a": 1, " a": 2}', b"<xml><a>1</a><a>2</a></xml>", '<?xml version="1.0"?><xml/>'.encode("utf-16")),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_hostile_messages_are_refused_outside_and_inside_the_seal(message: bytes) -> None:
    with pytest.raises(Refusal):
        open_push(KEYS, QUERY, message, now=NOW)
    query, body = signed(sealed(packed(message)))
    with pytest.raises(Refusal):
        open_push(KEYS, query, body, now=NOW)


@pytest.mark.parametrize(
    "given",
    [
        sealed(packed(b"{}", appid="wx0000000000000000")),
        sealed(packed(b"{}", appid=APPID + "x")),
        sealed(packed(b"{}", length=3)),
        sealed(packed(b"{}", length=2**32 - 1)),
        sealed(packed(b"{}")[:-1] + b"\0"),
        sealed(packed(b"{}")[:-1] + b"\xff"),
        sealed(packed(b"{}")[:-2] + b"\x01\x02"),
        sealed(b"\x10" * 16),
        base64.b64encode(b"x" * 17).decode(),
        *("", "====", "中文", "A", "AAAA\n", "-_-_"),
    ],
)
def test_what_was_not_sealed_for_us_is_refused_though_it_is_signed(given: str) -> None:
    query, body = signed(given)
    with pytest.raises(InvalidSignature):
        open_push(KEYS, query, body, now=NOW)


def test_no_single_changed_byte_gets_through() -> None:
    chance = random.Random(20240426)
    for _ in range(400):
        position, byte = chance.randrange(len(BODY)), bytes([chance.randrange(256)])
        body = BODY[:position] + byte + BODY[position + 1 :]
        try:
            told = open_push(KEYS, QUERY, body, now=NOW)
        except Refusal:
            continue
        assert told.fields["debug_str"] == "hello world"
        assert json.loads(body)["Encrypt"] == ENCRYPT
