"""WeChat's side of a message push: signed and sealed as its servers do (see `backend.wechat_pushes`)."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

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
