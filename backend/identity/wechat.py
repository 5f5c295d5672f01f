"""Who a mini-program user is: WeChat's answer to a login code, and a sandbox twin that needs no WeChat.

`wx.login` gives the mini-program a code, good once and for five minutes; the server exchanges it for the
user's openid (one per app), the unionid (one per developer, not always told) and the session key, which never
leaves the server. Source: developers.weixin.qq.com, 小程序登录 / code2Session.
"""

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from backend import safe_http
from backend.errors import Refusal

_CODE = re.compile(r"[0-9A-Za-z_-]{1,128}")
_SANDBOX_CODE = re.compile(r"sandbox:([a-z0-9_-]{1,32})")
_IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SESSION_KEY = re.compile(r"[0-9A-Za-z+/]{22}==")


class LoginCodeInvalid(Refusal):
    """The code is not one, was used before or is older than five minutes: `wx.login` gives a new one."""

    code = "LOGIN_CODE_INVALID"
    status = 401
    title = "登录凭证无效，请重新进入小程序 / The login code is not valid, please try again"


class LoginBlocked(Refusal):
    """WeChat considers this user a high risk and will not log them in."""

    code = "LOGIN_BLOCKED"
    status = 403
    title = "微信判定该账号存在风险，暂时无法登录 / WeChat blocked this login"


class LoginRateLimited(Refusal):
    """This user logs in more often than WeChat allows (some 100 times a minute)."""

    code = "LOGIN_RATE_LIMITED"
    status = 429
    title = "登录过于频繁，请稍后再试 / Too many logins, please wait a moment"


class WeChatUnavailable(Refusal):
    """WeChat is busy, out of reach or says something unexpected; `reason` is for our logs."""

    code = "WECHAT_UNAVAILABLE"
    status = 503
    title = "微信登录暂时不可用，请稍后再试 / WeChat login is not available right now"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


# 40029 no such code; 40163 code used before; 40226 high-risk user; 45011 too often.
_REFUSALS: dict[int, type[Refusal]] = {
    40029: LoginCodeInvalid,
    40163: LoginCodeInvalid,
    40226: LoginBlocked,
    45011: LoginRateLimited,
}


@dataclass(frozen=True, slots=True)
class WeChatSession:
    """One logged-in WeChat user. `openid` is unique within `appid`, `unionid` across the developer's apps."""

    appid: str
    openid: str
    unionid: str | None
    session_key: str = field(repr=False)


class WeChatProvider(Protocol):
    """Whoever can say which user a login code stands for."""

    def exchange(self, code: str) -> WeChatSession:
        """Raises LoginCodeInvalid, LoginBlocked, LoginRateLimited or WeChatUnavailable."""
        ...


class WeChatClient:
    """WeChat itself. `base_url` and `allowed_hosts` (see `safe_http`) let a twin of it be asked instead."""

    def __init__(
        self,
        appid: str,
        secret: str,
        *,
        base_url: str = "https://api.weixin.qq.com",
        allowed_hosts: Collection[str] = (),
        deadline_s: float = 5.0,
    ) -> None:
        self._appid = appid
        self._secret = secret
        self._base_url = base_url.rstrip("/")
        self._allowed_hosts = allowed_hosts
        self._deadline_s = deadline_s

    def exchange(self, code: str) -> WeChatSession:
        """`GET /sns/jscode2session`, never repeated: a code that WeChat saw is spent, answer or no answer."""
        if not _CODE.fullmatch(code):
            raise LoginCodeInvalid()
        params = {
            "appid": self._appid,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        url = self._base_url + "/sns/jscode2session"
        try:
            answer = safe_http.get_json(
                url, params=params, deadline_s=self._deadline_s, allowed_hosts=self._allowed_hosts
            )
        except safe_http.OutsideFailure as refusal:
            raise WeChatUnavailable(refusal.reason) from None
        except safe_http.AddressRefused as refusal:
            raise WeChatUnavailable(refusal.detail) from None
        return _session(self._appid, answer)


class SandboxWeChat:
    """The twin for demonstrations and tests: the code `sandbox:<name>` logs in as that person, every time."""

    def __init__(self, appid: str = "sandbox") -> None:
        self._appid = appid

    def exchange(self, code: str) -> WeChatSession:
        """The same openid per app and name, the same unionid per name."""
        match = _SANDBOX_CODE.fullmatch(code)
        if not match:
            raise LoginCodeInvalid()
        name = match[1]
        session_key = base64.b64encode(_digest("session key", self._appid, name)[:16]).decode()
        return WeChatSession(
            self._appid,
            openid=_identifier("openid", self._appid, name),
            unionid=_identifier("unionid", name),
            session_key=session_key,
        )


def _session(appid: str, answer: object) -> WeChatSession:
    """WeChat's answer, believed where it has the form WeChat describes; success may carry no errcode."""
    if not isinstance(answer, dict):
        raise WeChatUnavailable("the answer is not an object")
    errcode = answer.get("errcode", 0)
    if errcode != 0:
        refusal = _REFUSALS.get(errcode) if isinstance(errcode, int) else None
        raise refusal() if refusal else WeChatUnavailable(f"errcode {errcode!r:.20}")
    openid, session_key = answer.get("openid"), answer.get("session_key")
    unionid = answer.get("unionid") or None
    if not isinstance(openid, str) or not _IDENTIFIER.fullmatch(openid):
        raise WeChatUnavailable("no usable openid")
    if unionid is not None and not (isinstance(unionid, str) and _IDENTIFIER.fullmatch(unionid)):
        raise WeChatUnavailable("no usable unionid")
    if not isinstance(session_key, str) or not _SESSION_KEY.fullmatch(session_key):
        raise WeChatUnavailable("no usable session_key")
    return WeChatSession(appid, openid, unionid, session_key)


def _identifier(*parts: str) -> str:
    """28 characters that look like an openid."""
    return "o" + base64.urlsafe_b64encode(_digest(*parts)).decode()[:27]


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(("sandbox", *parts)).encode()).digest()
