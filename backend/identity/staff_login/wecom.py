"""WeCom 企业微信: who a login code stands for, inside one corporation.

`cgi-bin/gettoken` gives an access token per app, good for 7200 s and the same one until then. With it,
`cgi-bin/auth/getuserinfo` says for the code of a web page (at most 512 bytes, five minutes, once) a `userid` for staff,
and an `openid` or `external_userid` for anybody else, who is refused. `cgi-bin/miniprogram/jscode2session` does the
same for the code of a mini-program and names the corporation. A userid (1 to 64 of letters, digits, `_-@.`, in whatever
case) is unique inside its corporation only. Source: developer.work.weixin.qq.com, 获取访问用户身份 / code2Session.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from backend import safe_http
from backend.identity.staff_login.errors import (
    InvalidStaffProvider,
    NothingToBegin,
    NotStaff,
    StaffLoginInvalid,
    StaffLoginUnavailable,
)
from backend.identity.staff_login.interfaces import Attempt, StaffIdentity

KIND = "wecom"
BASE_URL = "https://qyapi.weixin.qq.com"
ENTRIES = ("web", "miniprogram")
LONGEST_LIFE_S = 7_200
_CODE = re.compile(r"[!-~]{1,512}")
_CORP = re.compile(r"[0-9A-Za-z_-]{1,64}")
_USERID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_\-@.]{0,63}")
#: 40029 no such code, or spent; 40163 spent; 42003 run out.
_BAD_CODE = {40029, 40163, 42003}
_BAD_TOKEN = {40014, 41001, 42001}

#: A token, new where the one given was refused: (refused token or None, how to get one) → token.
Tokens = Callable[[str | None, Callable[[], tuple[str, int]]], str]


class WeCom:
    """One corporation's app. `tokens` keeps its access token between calls and processes."""

    begins = False

    def __init__(
        self, settings: Mapping[str, Any], secret: str, tokens: Tokens, *, allowed_hosts: Collection[str] = ()
    ) -> None:
        self._corp, self._entry = str(settings["corp_id"]), str(settings["entry"])
        self._base_url = str(settings["base_url"])
        self._secret, self._tokens, self._allowed_hosts = secret, tokens, allowed_hosts

    @staticmethod
    def settings_of(given: Mapping[str, str], *, allowed_hosts: Collection[str]) -> dict[str, Any]:
        """The settings of a provider, checked: `corp_id`, `entry` (web or miniprogram) and, for a WeCom of one's own,
        `base_url`. Raises InvalidStaffProvider."""
        if not _CORP.fullmatch(given.get("corp_id", "")):
            raise InvalidStaffProvider(because="corp_id")
        settings = {"corp_id": given["corp_id"], "entry": given.get("entry", "web")}
        settings["base_url"] = given.get("base_url", BASE_URL).rstrip("/")
        if settings["entry"] not in ENTRIES:
            raise InvalidStaffProvider(because="entry")
        try:
            safe_http.check_url(settings["base_url"], allowed_hosts=allowed_hosts)
        except safe_http.AddressRefused:
            raise InvalidStaffProvider(because="base_url") from None
        return settings

    def authorization_url(self, attempt: Attempt, state: str) -> str:
        raise NothingToBegin

    def identify(self, code: str, attempt: Attempt | None) -> StaffIdentity:
        """Whom the code stands for. The call is made again only where WeCom refused the token, and so did nothing."""
        if not _CODE.fullmatch(code):
            raise StaffLoginInvalid("not the form of a code")
        token = self._tokens(None, self._fresh_token)
        answer = self._ask_who(code, token)
        if answer["errcode"] in _BAD_TOKEN:
            answer = self._ask_who(code, self._tokens(token, self._fresh_token))
        if answer["errcode"] in _BAD_CODE:
            raise StaffLoginInvalid(f"errcode {answer['errcode']}")
        if answer["errcode"] != 0:
            raise StaffLoginUnavailable(f"errcode {answer['errcode']}")  # 50001: the app's trusted domain, say
        return self._staff(answer)

    def _staff(self, answer: Mapping[str, Any]) -> StaffIdentity:
        userid = answer.get("userid", answer.get("UserId"))
        if userid is None and ({"openid", "OpenId", "external_userid"} & answer.keys()):
            raise NotStaff
        if not isinstance(userid, str) or not _USERID.fullmatch(userid):
            raise StaffLoginUnavailable("no usable userid")
        if self._entry == "miniprogram" and answer.get("corpid") != self._corp:
            raise StaffLoginInvalid("the code is of another corporation")
        return StaffIdentity(KIND, f"{self._corp}|{userid.lower()}", userid)

    def _ask_who(self, code: str, token: str) -> dict[str, Any]:
        if self._entry == "web":
            return self._get("/cgi-bin/auth/getuserinfo", {"access_token": token, "code": code})
        asked = {"access_token": token, "js_code": code, "grant_type": "authorization_code"}
        return self._get("/cgi-bin/miniprogram/jscode2session", asked)

    def _fresh_token(self) -> tuple[str, int]:
        """A token and for how many seconds it is good. Raises StaffLoginUnavailable."""
        answer = self._get("/cgi-bin/gettoken", {"corpid": self._corp, "corpsecret": self._secret})
        token, life_s = answer.get("access_token"), answer.get("expires_in")
        if answer["errcode"] != 0:
            raise StaffLoginUnavailable(f"gettoken: errcode {answer['errcode']}")
        if not (isinstance(token, str) and re.fullmatch(r"[!-~]{1,512}", token) and type(life_s) is int and life_s > 0):
            raise StaffLoginUnavailable("gettoken: no usable token")
        return token, min(life_s, LONGEST_LIFE_S)

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object of an answer, with an `errcode` that is a whole number."""
        try:
            answer = safe_http.get_json(self._base_url + path, params=params, allowed_hosts=self._allowed_hosts)
        except safe_http.OutsideFailure as failure:
            raise StaffLoginUnavailable(failure.reason) from None
        except safe_http.AddressRefused as refusal:
            raise StaffLoginUnavailable(refusal.detail) from None
        errcode = answer.get("errcode", 0) if isinstance(answer, dict) else None
        if type(errcode) is not int:
            raise StaffLoginUnavailable("answered without a readable errcode")
        assert isinstance(answer, dict)
        return {**answer, "errcode": errcode}
