"""Who is calling, and the house they are calling at."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from flask import current_app, g, request

from backend import campaigns, clock, identity
from backend.errors import Refusal
from backend.identity import AccessClaims, WeChatProvider, phones, public_names, staff_login
from backend.partners import Gate
from backend.settings import Settings
from backend.vault import Vault


class LoginRequired(Refusal):
    """The call came without an access token."""

    code = "UNAUTHENTICATED"
    status = 401
    title = "请先登录 / Please log in"


class House(Protocol):
    """What the API uses of the running application."""

    @property
    def settings(self) -> Settings: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def sessions(self) -> Any: ...
    @property
    def wechat(self) -> WeChatProvider: ...
    @property
    def phone_provider(self) -> phones.PhoneProvider: ...
    @property
    def names(self) -> public_names.NameDesk: ...
    @property
    def staff_login_desk(self) -> staff_login.StaffLoginDesk: ...
    @property
    def boards(self) -> campaigns.boards.Sources: ...

    def transaction(self) -> AbstractContextManager[Any]:
        """One database transaction: committed when the block ends, rolled back when it raises."""
        ...

    def retried(self, act: Callable[[Any], Any]) -> Any:
        """What `act` returns, in a transaction of its own; begun again when it was chosen to end a deadlock."""
        ...


def house() -> House:
    """The house of the running application."""
    found: House = current_app.extensions["house"]
    return found


def authenticate(*, live_login: bool = True) -> None:
    """Let only members through: a valid access token whose login has not ended (unless it may). Refuses with 401."""
    claims = identity.read_access(house().settings.token_keys, _bearer_token(), clock.now())
    if live_login:
        with house().transaction() as tx:
            identity.require_live_session(tx, claims.session_id, claims.holder_id, now=clock.now())
    g.member = claims


def member() -> AccessClaims:
    """The member who is calling, once `authenticate` let them through."""
    claims: AccessClaims = g.member
    return claims


def _bearer_token() -> str:
    """The token of `Authorization: Bearer …` (RFC 6750)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise LoginRequired
    return token.strip(" ")
