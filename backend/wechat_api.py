"""Calls to WeChat's server interfaces that need its access token, which all processes share through the database.

`POST /cgi-bin/stable_token` hands out a token for at most 7200 s, and the same one until five minutes before its end;
one of 512 characters and more has to fit. Replacing it before its time (`force_refresh`) is allowed twenty times a day
and once in 30 s; we stay below that. Source: developers.weixin.qq.com, 获取稳定版接口调用凭据.

The token is sealed under the vault's house key. One process renews it, under a lease and outside any transaction;
the others go on with the old one while it lasts.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from backend import clock, safe_http
from backend.database import Base, Instant, transaction
from backend.lists import insert_rows
from backend.safe_http import OutsideFailure
from backend.vault import Unreadable, Vault

#: A token is renewed when this little is left of it: from then on WeChat hands out the next one.
EARLY = timedelta(minutes=5)
#: How long one process may take to renew it; longer than two deadlines of a call.
LEASE = timedelta(seconds=15)
FORCED_APART, FORCED_A_DAY = timedelta(seconds=35), 15
LONGEST_LIFE_S = 7_200
LONGEST_TOKEN = 2_048
#: WeChat says that the token is not valid (any more).
_BAD_TOKEN = {40001, 40014, 42001}
_WAIT_S, _PATIENCE_S = 0.2, 12.0
_LONG_AGO = datetime(2000, 1, 1, tzinfo=clock.SHANGHAI)


class AccessToken(Base):
    """WeChat's access token for one mini-program. `renewing_until`: until then a process is at it.

    `forced`: how often it was replaced before its time on the Shanghai day `forced_on`, last at `forced_at`.
    """

    __tablename__ = "wechat_access_tokens"

    appid: Mapped[str] = mapped_column(Text, primary_key=True)
    sealed_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    renew_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    renewing_until: Mapped[datetime] = mapped_column(Instant)
    forced_on: Mapped[date]
    forced: Mapped[int] = mapped_column(Integer)
    forced_at: Mapped[datetime] = mapped_column(Instant)


class NoToken(Exception):
    """There is no access token to be had right now, so nothing was asked. The text is for our logs."""


@dataclass(frozen=True, slots=True)
class _Have:
    token: str


@dataclass(frozen=True, slots=True)
class _Renew:
    force: bool


class WeChatApi:
    """WeChat's interfaces for one mini-program. `base_url` and `allowed_hosts` let a twin of it be asked instead."""

    def __init__(
        self,
        appid: str,
        secret: str,
        sessions: sessionmaker[Session],
        vault: Vault,
        *,
        base_url: str = "https://api.weixin.qq.com",
        allowed_hosts: Collection[str] = (),
        deadline_s: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.appid = appid
        self._secret = secret
        self._sessions, self._vault = sessions, vault
        self._base_url = base_url.rstrip("/")
        self._allowed_hosts = allowed_hosts
        self._deadline_s = deadline_s
        self._sleep = sleep

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What WeChat answers, `errcode` 0 where it did what was asked.

        When it refuses the token, a new one is got and the call made once more, never more often: what it refused for
        the token it did not do. Raises NoToken when nothing was asked, OutsideFailure when no usable answer came.
        """
        token = self.token()
        answer = self._call(path, body, token)
        if answer["errcode"] in _BAD_TOKEN:
            answer = self._call(path, body, self.token(refused=token))
        return answer

    def token(self, *, refused: str | None = None) -> str:
        """A token that is valid as far as anybody knows. `refused` is one that WeChat does not take (any more).

        Raises NoToken.
        """
        waited_s = 0.0
        while True:
            with transaction(self._sessions) as tx:
                found = self._look(tx, refused, now=clock.now())
            if isinstance(found, _Have):
                return found.token
            if isinstance(found, _Renew):
                return self._renew(force=found.force)
            if waited_s >= _PATIENCE_S:
                raise NoToken("another process takes too long to renew the access token")
            self._sleep(_WAIT_S)
            waited_s += _WAIT_S

    def _look(self, tx: Session, refused: str | None, *, now: datetime) -> _Have | _Renew | None:
        """The token, or that it is ours to renew, or None while another process is at it."""
        blank: dict[str, Any] = {"appid": self.appid, "sealed_token": None}
        blank |= dict.fromkeys(("renew_at", "expires_at", "renewing_until"), now)
        blank |= {"forced_on": clock.day_of(now), "forced": 0, "forced_at": _LONG_AGO}
        insert_rows(tx, AccessToken, [blank], on_conflict=("appid",))
        row = tx.get_one(AccessToken, self.appid, with_for_update=True, populate_existing=True)
        token = self._open(row)
        usable = token is not None and token != refused and now < row.expires_at
        if usable and (now < row.renew_at or now < row.renewing_until):
            assert token is not None
            return _Have(token)
        if now < row.renewing_until:
            return None
        force = token is not None and token == refused and now < row.expires_at
        if force:
            _count_force(row, now)
        row.renewing_until = now + LEASE
        return _Renew(force)

    def _open(self, row: AccessToken) -> str | None:
        try:
            return self._vault.house.open(row.sealed_token, self._context()).decode() if row.sealed_token else None
        except Unreadable:  # of another vault key: got anew
            return None

    def _context(self) -> bytes:
        return b"wechat access token:" + self.appid.encode()

    def _renew(self, *, force: bool) -> str:
        asked = {"grant_type": "client_credential", "appid": self.appid, "secret": self._secret, "force_refresh": force}
        try:
            answer = self._call("/cgi-bin/stable_token", asked, None)
            token, life_s = _token_in(answer)
        except OutsideFailure as failure:
            self._let_go()
            raise NoToken(f"stable_token: {failure.reason}") from None
        except NoToken:
            self._let_go()
            raise
        now = clock.now()
        with transaction(self._sessions) as tx:
            row = tx.get_one(AccessToken, self.appid, with_for_update=True)
            row.sealed_token = self._vault.house.seal(token.encode(), self._context())
            row.expires_at = now + timedelta(seconds=life_s)
            # Where WeChat gives the last minutes of a token, it is asked again soon, but not at every call.
            row.renew_at = max(row.expires_at - EARLY, now + timedelta(seconds=30))
            row.renewing_until = now
        return token

    def _let_go(self) -> None:
        with transaction(self._sessions) as tx:
            tx.get_one(AccessToken, self.appid, with_for_update=True).renewing_until = clock.now()

    def _call(self, path: str, body: Mapping[str, Any], token: str | None) -> dict[str, Any]:
        """POST JSON, and the JSON object of a 2xx answer with an `errcode` that is a whole number.

        Raises OutsideRefused where WeChat certainly did nothing, OutsideUnavailable where that is not known.
        """
        query = f"?{urlencode({'access_token': token})}" if token is not None else ""
        try:
            answer = safe_http.call(
                "POST",
                self._base_url + path + query,
                body=json.dumps(body, ensure_ascii=False).encode(),
                headers={"Content-Type": "application/json"},
                deadline_s=self._deadline_s,
                allowed_hosts=self._allowed_hosts,
            )
        except safe_http.AddressRefused as refusal:
            raise safe_http.OutsideRefused(refusal.detail) from None
        except safe_http.OutsideUnavailable as failure:
            if failure.unreached:
                raise safe_http.OutsideRefused(failure.reason) from None
            raise
        if not answer.ok:
            kind = safe_http.OutsideUnavailable if answer.status >= 500 else safe_http.OutsideRefused
            raise kind(f"answered {answer.status}", answer)
        read = answer.json(wide_integers=True)  # WeChat's numbers of messages have 19 digits
        errcode = read.get("errcode", 0) if isinstance(read, dict) else None
        if type(errcode) is not int:
            raise safe_http.OutsideUnavailable("answered without a readable errcode", answer)
        assert isinstance(read, dict)
        return {**read, "errcode": errcode}


def _count_force(row: AccessToken, now: datetime) -> None:
    """Note one more replacement before the time. Raises NoToken where WeChat would not allow it."""
    if row.forced_on != clock.day_of(now):
        row.forced_on, row.forced = clock.day_of(now), 0
    if row.forced >= FORCED_A_DAY or now < row.forced_at + FORCED_APART:
        raise NoToken("WeChat refuses the access token, and it was replaced too often or just now")
    row.forced, row.forced_at = row.forced + 1, now


def _token_in(answer: Mapping[str, Any]) -> tuple[str, int]:
    """The token and its life in seconds. Raises NoToken where WeChat gave none."""
    token, life_s = answer.get("access_token"), answer.get("expires_in")
    if answer["errcode"] != 0:
        raise NoToken(f"stable_token: errcode {answer['errcode']}")
    if not (isinstance(token, str) and token.isascii() and token.isprintable() and 0 < len(token) <= LONGEST_TOKEN):
        raise NoToken("stable_token: no usable access_token")
    if type(life_s) is not int or life_s <= 0:
        raise NoToken("stable_token: no usable expires_in")
    return token, min(life_s, LONGEST_LIFE_S)
