"""The two steps of a staff login that call the outside: beginning one, and asking who came back.

No transaction is open while an employer's login service is asked.
"""

from collections.abc import Callable, Collection
from datetime import timedelta

from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import transaction
from backend.identity.staff_login.attempts import ATTEMPT_LIFE, Begun, keep_attempt, new_attempt, take_attempt
from backend.identity.staff_login.errors import NothingToBegin, RedirectNotAllowed
from backend.identity.staff_login.interfaces import StaffIdentity, StaffLoginClient
from backend.identity.staff_login.models import StaffLoginToken
from backend.identity.staff_login.oidc import OpenIdConnect, Services
from backend.identity.staff_login.providers import ProviderView, require_provider
from backend.identity.staff_login.wecom import WeCom
from backend.lists import upsert_rows
from backend.vault import Unreadable, Vault

#: WeCom's token is got anew when this little is left of it.
EARLY = timedelta(minutes=2)


class StaffLoginDesk:
    """Staff logins of this process. `allowed_hosts` (see `safe_http`) let twins of the services be asked instead."""

    def __init__(self, sessions: sessionmaker[Session], vault: Vault, allowed_hosts: Collection[str] = ()) -> None:
        self._sessions, self._vault, self._allowed_hosts = sessions, vault, allowed_hosts
        self._services = Services(allowed_hosts)

    def begin(self, provider: str, redirect_uri: str) -> Begun:
        """Begin a login in a browser. Raises UnknownStaffProvider, NothingToBegin, RedirectNotAllowed,
        StaffLoginUnavailable."""
        found, client = self._client(provider)
        if not client.begins:
            raise NothingToBegin
        if redirect_uri not in found.settings["redirect_uris"]:
            raise RedirectNotAllowed
        attempt, now = new_attempt(redirect_uri), clock.now()
        client.authorization_url(attempt, "")  # the service is there, before anything is kept
        with transaction(self._sessions) as tx:
            state, verifier = keep_attempt(tx, self._vault, provider, attempt, now=now)
            url = client.authorization_url(attempt, state)
            return Begun(url, state, verifier, now + ATTEMPT_LIFE)

    def identify(
        self, provider: str, code: str, state: str | None = None, verifier: str | None = None
    ) -> tuple[str, StaffIdentity]:
        """The programme, and who logs in. Raises UnknownStaffProvider, StaffLoginInvalid, NotStaff,
        StaffLoginUnavailable."""
        found, client = self._client(provider)
        with transaction(self._sessions) as tx:
            attempt = take_attempt(tx, self._vault, provider, state, verifier, now=clock.now())
        return found.programme, client.identify(code, attempt)

    def _client(self, code: str) -> tuple[ProviderView, StaffLoginClient]:
        with transaction(self._sessions) as tx:
            found = require_provider(tx, self._vault, code)
        if found.kind == "oidc":
            return found, OpenIdConnect(found.settings, found.secret, self._services)

        def tokens(refused: str | None, fresh: Callable[[], tuple[str, int]]) -> str:
            return self._token(code, refused, fresh)

        return found, WeCom(found.settings, found.secret, tokens, allowed_hosts=self._allowed_hosts)

    def _token(self, code: str, refused: str | None, fresh: Callable[[], tuple[str, int]]) -> str:
        """WeCom's access token, which all processes share. Two that get one at once get the same from WeCom."""
        with transaction(self._sessions) as tx:
            kept = tx.get(StaffLoginToken, code)
            token = self._opened(kept, code) if kept and clock.now() < kept.expires_at - EARLY else None
        if token is not None and token != refused:
            return token
        token, life_s = fresh()
        sealed = self._vault.house.seal(token.encode(), _context(code))
        row = {"provider": code, "sealed_token": sealed, "expires_at": clock.now() + timedelta(seconds=life_s)}
        with transaction(self._sessions) as tx:
            upsert_rows(tx, StaffLoginToken, [row], key=("provider",))
        return token

    def _opened(self, kept: StaffLoginToken, code: str) -> str | None:
        try:
            return self._vault.house.open(kept.sealed_token, _context(code)).decode()
        except Unreadable:  # of another vault key: got anew
            return None


def _context(code: str) -> bytes:
    return b"staff login token:" + code.encode()
