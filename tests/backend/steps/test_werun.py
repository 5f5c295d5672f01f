"""What WeChat encrypted opens for the login it was made for, fresh and unchanged, and for nothing else."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.identity import SandboxWeChat, WeChatSession
from backend.sandbox.wechat import encrypted_data, encrypted_steps
from backend.steps import InvalidWeRunData, werun

NOW = datetime(2026, 6, 8, 4, 0, tzinfo=UTC)
LIN = SandboxWeChat("wx1").exchange("sandbox:lin")
TODAY = clock.start_of(clock.day_of(NOW))
DAYS = [(TODAY - timedelta(days=back), 9_000 + back) for back in range(31)]

# The demo of developers.weixin.qq.com, 开放数据校验与解密: user data with their watermark.
OFFICIAL = WeChatSession(
    "wx4f4bc4dec97d474b", "oGZUI0egBJY1zhBYw2KhdUfwVJJE", None, "tiihtNczf5v6AKRyjwEUhQ=="
)
OFFICIAL_IV = "r7BXXKkLb8qrSNn05n0qiA=="
OFFICIAL_DATA = (
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz"
    "6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz"
    "/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1p"
    "JAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO"
    "0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=="
)


def flipped(text: str, position: int, bits: int) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[position] ^= bits
    return base64.b64encode(raw).decode()


def test_the_official_sample_opens() -> None:
    told = werun.decrypt(OFFICIAL, OFFICIAL_DATA, OFFICIAL_IV)
    assert told["nickName"] == "Band" and told["openId"] == OFFICIAL.openid
    assert told["watermark"] == {"appid": OFFICIAL.appid, "timestamp": 1477314187}


def test_an_openid_changed_through_the_iv_is_not_believed() -> None:
    """The first block is `{"openId":"oGZUI`: it still is valid JSON with valid padding, and names somebody else."""
    changed = flipped(OFFICIAL_IV, 12, ord("G") ^ ord("H"))
    with pytest.raises(InvalidWeRunData) as caught:
        werun.decrypt(OFFICIAL, OFFICIAL_DATA, changed)
    assert "another user" in caught.value.reason


def test_steps_open_for_their_login() -> None:
    sealed = encrypted_steps(LIN, DAYS, now=NOW)
    reading = werun.read(LIN, **sealed, now=NOW)
    assert reading.measured_at == NOW
    assert [(item.day, item.steps) for item in reading.days] == [(clock.day_of(at), n) for at, n in DAYS]


def test_whatever_bit_is_flipped_the_answer_is_the_same() -> None:
    sealed = encrypted_steps(LIN, DAYS[:3], now=NOW)
    size = len(base64.b64decode(sealed["encrypted_data"]))
    changed = [sealed | {"iv": flipped(sealed["iv"], at, 1 << bit)} for at in range(16) for bit in range(8)]
    changed += [
        sealed | {"encrypted_data": flipped(sealed["encrypted_data"], at, 1 << at % 8)} for at in range(size)
    ]
    for one in changed:
        with pytest.raises(InvalidWeRunData) as caught:
            werun.read(LIN, **one, now=NOW)
        assert (caught.value.code, caught.value.facts, caught.value.detail) == ("WERUN_DATA_INVALID", {}, "")


def told(**fields: Any) -> dict[str, str]:
    return encrypted_data(LIN, {"stepInfoList": [{"timestamp": 1780891200, "step": 5}]} | fields, now=NOW)


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param(encrypted_steps(SandboxWeChat("wx1").exchange("sandbox:wang"), DAYS, now=NOW), id="another user"),
        pytest.param(encrypted_steps(SandboxWeChat("wx2").exchange("sandbox:lin"), DAYS, now=NOW), id="another app"),
        pytest.param(encrypted_steps(LIN, DAYS, now=NOW - timedelta(minutes=11)), id="an old one again"),
        pytest.param(encrypted_steps(LIN, DAYS, now=NOW + timedelta(minutes=6)), id="from the future"),
        pytest.param(told(openId="oSomebodyElse"), id="the openid of somebody else"),
        pytest.param(told(note="a field nobody reads"), id="a field too many"),
        pytest.param(told(stepInfoList={}), id="no list"),
        pytest.param(told(stepInfoList=[{"timestamp": 1780891200, "step": True}]), id="true is no number"),
        pytest.param(told(stepInfoList=[{"timestamp": 1780891200, "step": "5"}]), id="a text"),
        pytest.param(told(stepInfoList=[{"timestamp": 10**12, "step": 5}]), id="milliseconds"),
        pytest.param(told(stepInfoList=[{"timestamp": 1780891200, "step": 5}] * 32), id="too many days"),
        pytest.param({"encrypted_data": "", "iv": ""}, id="nothing"),
        pytest.param({"encrypted_data": "AAAA", "iv": "AAAAAAAAAAAAAAAAAAAAAA=="}, id="no whole block"),
        pytest.param({"encrypted_data": "步数", "iv": "not base64"}, id="no base64"),
    ],
)
def test_what_is_not_this_logins_is_refused(sealed: dict[str, str]) -> None:
    with pytest.raises(InvalidWeRunData):
        werun.read(LIN, **sealed, now=NOW)


def test_a_body_that_is_no_json_is_refused_like_the_others() -> None:
    for plain in (b"[]", b"{}", b"\xff" * 40, b'{"a":1,"a":2}', json.dumps({"watermark": 1}).encode()):
        with pytest.raises(InvalidWeRunData):
            werun.decrypt(LIN, **sealed_bytes(plain))


def sealed_bytes(plain: bytes) -> dict[str, str]:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    padding = 16 - len(plain) % 16
    encryptor = Cipher(AES(base64.b64decode(LIN.session_key)), CBC(bytes(16))).encryptor()
    data = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    return {"encrypted_data": base64.b64encode(data).decode(), "iv": base64.b64encode(bytes(16)).decode()}
