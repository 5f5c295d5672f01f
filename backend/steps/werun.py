"""What WeChat counted (微信运动): `encryptedData` of `wx.getWeRunData`, opened with the session key of the login.

    encryptedData = base64(AES-128-CBC(session key, iv, JSON ‖ PKCS#7 padding))
    JSON          = {"stepInfoList": [{"timestamp": seconds, "step": count}, …],
                     "watermark": {"appid": …, "timestamp": seconds}}

Source: developers.weixin.qq.com, 开放数据校验与解密 and wx.getWeRunData. WeChat signs none of this, and CBC does not
notice changes: who flips bits of the iv changes the first letters as they like, and whoever is told what was wrong
could make ciphertexts of their own. So the data have to be exactly what is described above, fresh and for our
mini-program; nothing in them says who somebody is (an openid is compared with that of the login, never taken), and
whatever is wrong, the answer is the same.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from backend import clock, strict_json
from backend.errors import Refusal
from backend.identity import WeChatSession
from backend.steps.errors import InvalidWeRunData
from backend.steps.policy import Reported

SOURCE = "house:werun"
#: How old data may be, and how far WeChat's clock may run ahead of ours.
OLDEST, CLOCK_LEEWAY = timedelta(minutes=10), timedelta(minutes=5)
#: WeChat tells of 31 days at most.
MOST_DAYS, LONGEST_TEXT = 31, 16_384
_BLOCK = 16
_FIELDS, _OPTIONAL = {"stepInfoList", "watermark"}, {"openId"}


@dataclass(frozen=True, slots=True)
class Reading:
    """The days WeChat tells of, and when it did."""

    measured_at: datetime
    days: tuple[Reported, ...]


def read(session: WeChatSession, encrypted_data: str, iv: str, *, now: datetime) -> Reading:
    """The steps that WeChat encrypted for this login, just now. Raises InvalidWeRunData, and nothing else."""
    told = decrypt(session, encrypted_data, iv)
    if not _FIELDS <= told.keys() <= _FIELDS | _OPTIONAL:
        raise InvalidWeRunData("other fields than those of steps")
    measured_at = _instant(told["watermark"]["timestamp"])
    if not now - OLDEST <= measured_at <= now + CLOCK_LEEWAY:
        raise InvalidWeRunData("too old, or from the future")
    days = told["stepInfoList"]
    if not isinstance(days, list) or len(days) > MOST_DAYS:
        raise InvalidWeRunData("stepInfoList is not a list of days")
    return Reading(measured_at, tuple(map(_day, days)))


def decrypt(session: WeChatSession, encrypted_data: str, iv: str) -> dict[str, Any]:
    """What WeChat encrypted for this login of our mini-program. Raises InvalidWeRunData, and nothing else."""
    plain = _decrypt(_bytes(session.session_key, 24), _bytes(encrypted_data, LONGEST_TEXT), _bytes(iv, 24))
    try:
        told: dict[str, Any] = dict(strict_json.loads_object(plain))
    except Refusal as refusal:
        raise InvalidWeRunData(refusal.code) from None
    watermark = told.get("watermark")
    if not isinstance(watermark, dict) or watermark.get("appid") != session.appid:
        raise InvalidWeRunData("not for this mini-program")
    if watermark.keys() != {"appid", "timestamp"} or told.get("openId", session.openid) != session.openid:
        raise InvalidWeRunData("another user's, or not WeChat's watermark")
    return told


def _bytes(text: str, longest: int) -> bytes:
    try:
        return base64.b64decode(text[: longest + 1], validate=True) if len(text) <= longest else b""
    except ValueError:  # not ASCII, not the alphabet, not whole
        return b""


def _decrypt(key: bytes, sealed: bytes, iv: bytes) -> bytes:
    if len(key) != _BLOCK or len(iv) != _BLOCK or not sealed or len(sealed) % _BLOCK:
        raise InvalidWeRunData("not whole blocks")
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    plain = decryptor.update(sealed) + decryptor.finalize()
    length = plain[-1]
    if not 1 <= length <= _BLOCK or plain[-length:] != bytes([length]) * length:
        raise InvalidWeRunData("the padding is not right")
    return plain[:-length]


def _instant(seconds: object) -> datetime:
    if type(seconds) is not int or not 0 < seconds < 10**10:
        raise InvalidWeRunData("not an instant")
    return datetime.fromtimestamp(seconds, UTC)


def _day(item: object) -> Reported:
    if not isinstance(item, dict) or item.keys() != {"timestamp", "step"} or type(item["step"]) is not int:
        raise InvalidWeRunData("not a day of steps")
    return Reported(clock.day_of(_instant(item["timestamp"])), item["step"])
