"""Is it WeChat who calls, and what does it say? Signature and seal of its message pushes.

    signature     = hex SHA-1 of token, timestamp, nonce           sorted and joined   (when the address is set up)
    msg_signature = hex SHA-1 of token, timestamp, nonce, Encrypt  sorted and joined   (every sealed push)
    key           = base64(EncodingAESKey + "=")                   32 bytes; its first 16 are the initial vector
    Encrypt       = base64(AES-256-CBC(16 random bytes ‖ length of the message, 4 bytes ‖ message ‖ appid ‖ padding))

Source: developers.weixin.qq.com, 消息推送 and 消息加解密说明. Only sealed pushes (安全模式) are taken: the signature of
a plain one says nothing about its body, so whoever once saw an address with its signature could delete any member.

The parts are signed without marks between them, so a character could move from one into the next. A timestamp has ten
digits here and a nonce is shorter than the shortest piece that can be cut off a ciphertext, so `Encrypt` is always what
was signed; timestamp and nonce may have been shifted, which is why a push is judged by the instant inside it as well.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from backend.settings import Settings
from backend.signing import TOLERANCE_S, InvalidSignature, TimestampOutOfRange
from backend.wechat_pushes.errors import WeChatPushesNotConfigured
from backend.wechat_pushes.messages import read_fields, read_items

_TIMESTAMP = re.compile(r"[1-9][0-9]{9}")
_NONCE = re.compile(r"[0-9A-Za-z]{1,32}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_ECHO = re.compile(r"[0-9A-Za-z_-]{1,128}")
_BLOCK, _LONGEST_PADDING, _RANDOM, _LENGTH = 16, 32, 16, 4


@dataclass(frozen=True, slots=True)
class PushKeys:
    """What the mini-program's console and we agreed on. `aes_key`: 32 bytes."""

    appid: str
    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "PushKeys":
        """Raises WeChatPushesNotConfigured where the operator set none."""
        if not settings.wechat_push_token:
            raise WeChatPushesNotConfigured
        return cls(
            settings.wechat_appid,
            settings.wechat_push_token,
            base64.b64decode(settings.wechat_push_encoding_aes_key + "="),
        )


def answer_handshake(keys: PushKeys, query: Mapping[str, str], *, now: datetime) -> str:
    """What to answer when the address is set up in the console: `echostr`, once its request is proven to be WeChat's.

    Raises InvalidSignature or TimestampOutOfRange.
    """
    _verify(keys, query, "signature", now=now)
    echo = query.get("echostr", "")
    if not _ECHO.fullmatch(echo):
        raise InvalidSignature("echostr is malformed")
    return echo


@dataclass(frozen=True, slots=True)
class Push:
    """What a push says: its fields, and the parts of the list it may have."""

    fields: Mapping[str, str]
    items: Sequence[Mapping[str, str]]


def open_push(keys: PushKeys, query: Mapping[str, str], body: bytes, *, now: datetime) -> Push:
    """A sealed push that WeChat made for our mini-program.

    Raises InvalidSignature or TimestampOutOfRange, UnreadablePush, InvalidJson and its kin; nothing else, whatever
    query and body hold.
    """
    sealed = read_fields(body).get("Encrypt")
    if sealed is None:
        raise InvalidSignature("the push is not sealed")
    _verify(keys, query, "msg_signature", sealed, now=now)
    message = _open(keys, sealed)
    return Push(read_fields(message), read_items(message))


def _verify(keys: PushKeys, query: Mapping[str, str], name: str, *signed: str, now: datetime) -> None:
    timestamp, nonce, given = (query.get(part, "") for part in ("timestamp", "nonce", name))
    if not (_TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce) and _SHA1.fullmatch(given)):
        raise InvalidSignature(f"timestamp, nonce or {name} is missing or malformed")
    text = "".join(sorted([keys.token, timestamp, nonce, *signed]))
    expected = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # WeChat's choice
    if not hmac.compare_digest(expected, given):
        raise InvalidSignature(f"{name} does not fit")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)).total_seconds() > TOLERANCE_S:
        raise TimestampOutOfRange(f"signed at {timestamp}")


def _open(keys: PushKeys, sealed: str) -> bytes:
    """The message in it. Only called once the signature fits, so what is wrong with it may be told apart."""
    try:
        ciphertext = base64.b64decode(sealed, validate=True)
    except ValueError:
        raise InvalidSignature("Encrypt is not base64") from None
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise InvalidSignature("Encrypt is not whole blocks")
    decryptor = Cipher(AES(keys.aes_key), CBC(keys.aes_key[:_BLOCK])).decryptor()
    plain = decryptor.update(ciphertext) + decryptor.finalize()
    padding = plain[-1:] * plain[-1]
    if not 1 <= len(padding) <= _LONGEST_PADDING or not plain.endswith(padding):
        raise InvalidSignature("the padding is not right")
    content = plain[_RANDOM : -len(padding)]
    length = int.from_bytes(content[:_LENGTH], "big")
    message, appid = content[_LENGTH : _LENGTH + length], content[_LENGTH + length :]
    if len(message) != length or appid != keys.appid.encode():
        raise InvalidSignature("the push was not made for this mini-program")
    return message
