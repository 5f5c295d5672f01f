"""WeChat subscribe messages 订阅消息, and a sandbox twin that needs no WeChat.

`POST /cgi-bin/message/subscribe/send`, one call a message. WeChat knows no number of ours, so a message whose outcome
is not known must not be sent again: it might arrive twice and use up a second permission.
Source: developers.weixin.qq.com, 发送订阅消息 (error codes, and what each kind of field may hold).
"""

import hashlib
from collections import deque
from typing import Any

import structlog

from backend.member_messages.interfaces import Answer, Message, Outcome
from backend.safe_http import OutsideRefused, OutsideUnavailable
from backend.wechat_api import NoToken, WeChatApi

_SEND = "/cgi-bin/message/subscribe/send"
#: 43101 no permission left, or the member turned messages off; 40003 no such openid; 40037 no such template, 47003 its
#: fields are not as they must be, 41030 no such page, 43107 the mini-program may send none of it; 45009 the day's calls
#: are used up; -1 busy, or a token that is refused even when it is new (40001, 40014, 42001). The others may pass.
_OUTCOMES = {
    0: Outcome.SENT,
    43101: Outcome.NOT_PERMITTED,
    40003: Outcome.NOBODY,
    **dict.fromkeys((40037, 47003, 41030, 43107), Outcome.TEMPLATE_FAULT),
    45009: Outcome.QUOTA,
    **dict.fromkeys((-1, 40001, 40014, 42001), Outcome.BUSY),
}
_KEPT = 1_000

log = structlog.get_logger(__name__)


class WeChatMessages:
    """WeChat itself. `miniprogram_state`: which build a tap opens: `formal`, `trial` or `developer`."""

    def __init__(self, api: WeChatApi, *, miniprogram_state: str = "formal") -> None:
        self._api = api
        self._state = miniprogram_state

    @property
    def appid(self) -> str:
        return self._api.appid

    def send(self, message: Message) -> Answer:
        body: dict[str, Any] = {
            "touser": message.openid,
            "template_id": message.template_id,
            "miniprogram_state": self._state,
            "lang": "zh_CN",
            "data": {name: {"value": value} for name, value in message.data.items()},
        }
        if message.page:
            body["page"] = message.page
        try:
            said = self._api.post(_SEND, body)
        except (NoToken, OutsideRefused) as failure:
            return Answer(Outcome.BUSY, reason=getattr(failure, "reason", "") or str(failure))
        except OutsideUnavailable as failure:
            return Answer(Outcome.UNKNOWN, reason=failure.reason)
        errcode = said["errcode"]
        outcome = _OUTCOMES.get(errcode, Outcome.LATER)
        number = said.get("msgid")
        message_id = str(number) if type(number) in (int, str) and outcome is Outcome.SENT else None
        return Answer(outcome, message_id and message_id[:64], "" if outcome is Outcome.SENT else f"errcode {errcode}")


class SandboxMessages:
    """The twin for demonstrations and tests: takes every message and keeps the newest ones."""

    def __init__(self, appid: str = "sandbox") -> None:
        self.appid = appid
        self.sent: deque[Message] = deque(maxlen=_KEPT)

    def send(self, message: Message) -> Answer:
        self.sent.append(message)
        log.info("sandbox_message", template=message.template_id, data=dict(message.data))
        number = f"{len(self.sent)}|{message.openid}|{sorted(message.data.items())}"
        return Answer(Outcome.SENT, str(int.from_bytes(hashlib.sha256(number.encode()).digest()[:7])))
