"""WeChat's side of a message push, and of encrypted data: signed and sealed as its servers do (see
`backend.wechat_pushes` and `backend.steps.werun`)."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from backend.identity import WeChatSession
from backend.wechat_pushes import PushKeys

_PADDED_TO = 32


def sealed_push(keys: PushKeys, told: Mapping[str, object], *, now: datetime) -> tuple[str, dict[str, str]]:
    """The path with its query, and the JSON body, of a push that tells this."""
    timestamp, nonce = str(int(now.timestamp())), str(secrets.randbelow(10**9))
    message = {"ToUserName": "gh_sandbox", "FromUserName": "sandbox", "CreateTime": int(timestamp), "MsgType": "event"}
    sealed = _seal(keys, json.dumps(message | {"AppID": keys.appid} | dict(told)).encode())
    text = "".join(sorted([keys.token, timestamp, nonce, sealed]))
    query = {
        "timestamp": timestamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
    }
    return f"/wechat/pushes?{urlencode(query)}", {"ToUserName": "gh_sandbox", "Encrypt": sealed}


def _seal(keys: PushKeys, message: bytes) -> str:
    plain = os.urandom(16) + len(message).to_bytes(4, "big") + message + keys.appid.encode()
    padding = _PADDED_TO - len(plain) % _PADDED_TO
    encryptor = Cipher(AES(keys.aes_key), CBC(keys.aes_key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def encrypted_steps(session: WeChatSession, days: Sequence[tuple[datetime, int]], *, now: datetime) -> dict[str, str]:
    """What `wx.getWeRunData` gives the mini-program of this session: the steps of these days, encrypted."""
    listed = [{"timestamp": int(began.timestamp()), "step": steps} for began, steps in days]
    return encrypted_data(session, {"stepInfoList": listed}, now=now)


def encrypted_data(session: WeChatSession, told: Mapping[str, object], *, now: datetime) -> dict[str, str]:
    """Open data 开放数据 with WeChat's watermark, under the session key."""
    watermark = {"timestamp": int(now.timestamp()), "appid": session.appid}
    plain = json.dumps({**told, "watermark": watermark}, separators=(",", ":")).encode()
    padding, iv = 16 - len(plain) % 16, os.urandom(16)
    encryptor = Cipher(AES(base64.b64decode(session.session_key)), CBC(iv)).encryptor()
    sealed = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    return {"encrypted_data": base64.b64encode(sealed).decode(), "iv": base64.b64encode(iv).decode()}
