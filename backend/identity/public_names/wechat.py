"""WeChat's check of texts that others will see (`msgSecCheck`, version 2), and a sandbox twin that needs no WeChat.

`POST /wxa/msg_sec_check` with the openid of who wrote the text, who has to have been in the mini-program within two
hours; 4,000 calls a minute and 2,000,000 a day. It suggests `pass`, `risky`, or `review`: then somebody has to look.
Source: developers.weixin.qq.com, 文本内容安全识别 / msgSecCheck.
"""

import re
from enum import Enum
from typing import Protocol

from backend.safe_http import OutsideFailure
from backend.wechat_api import NoToken, WeChatApi

PATH = "/wxa/msg_sec_check"
VERSION = 2
#: The scene of what members say about themselves (资料).
PROFILE = 1
#: 40003 no such openid, 43104 of another mini-program, 61010 not in the mini-program within two hours.
_UNSEEN = {40003, 43104, 61010}
#: What the check without a version says of a text that must not be shown.
_RISKY = 87014


class Said(Enum):
    """What came of asking: it may be shown, it must not, a person has to look, who chose it was not in the
    mini-program lately, or no answer was to be had."""

    PASS, RISKY, REVIEW, UNSEEN, LATER = "pass", "risky", "review", "unseen", "later"


_SUGGESTED = {said.value: said for said in (Said.PASS, Said.RISKY, Said.REVIEW)}


class NameChecks(Protocol):
    """Whoever says whether a name may be shown to others."""

    @property
    def appid(self) -> str:
        """Of which mini-program the openids are."""
        ...

    def check(self, openid: str, name: str) -> Said:
        """Ask about a name that the member of this openid chose. Raises nothing: no answer is LATER."""
        ...


class WeChatNameChecks:
    """WeChat itself."""

    def __init__(self, api: WeChatApi) -> None:
        self._api = api

    @property
    def appid(self) -> str:
        return self._api.appid

    def check(self, openid: str, name: str) -> Said:
        asked = {"version": VERSION, "scene": PROFILE, "openid": openid, "content": name}
        try:
            answer = self._api.post(PATH, asked)
        except (NoToken, OutsideFailure):
            return Said.LATER
        errcode, result = answer["errcode"], answer.get("result")
        if errcode != 0:
            return Said.UNSEEN if errcode in _UNSEEN else Said.RISKY if errcode == _RISKY else Said.LATER
        suggested = result.get("suggest") if isinstance(result, dict) else None
        return _SUGGESTED.get(suggested, Said.LATER) if isinstance(suggested, str) else Said.LATER


class SandboxNameChecks:
    """The twin for demonstrations and tests: what sounds like gambling is risky, `待审` needs somebody to look."""

    _RISKY, _REVIEW = re.compile(r"(?i)赌|彩票|casino"), re.compile("待审")

    def __init__(self, appid: str = "sandbox") -> None:
        self.appid = appid

    def check(self, openid: str, name: str) -> Said:
        if self._RISKY.search(name):
            return Said.RISKY
        return Said.REVIEW if self._REVIEW.search(name) else Said.PASS
