"""A member's side: log in as the mini-program does, and look at what one has."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from backend import safe_http
from backend.sandbox.platform import DEADLINE_S, MAX_BYTES, Unexpected
from backend.sandbox.retrying import retrying


class MemberClient:
    """A sandbox member who is logged in at a server, e.g. `http://127.0.0.1:8000`."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._headers: dict[str, str] = {}
        self.log_in()

    def log_in(self) -> None:
        """Get an access token, at first or when the one before has expired."""
        self._headers = {}
        tokens = self._call("POST", "/auth/wechat", {"code": f"sandbox:{self._name}"})
        self._headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    def activities(self) -> Iterator[dict[str, Any]]:
        """What became of the member's acts, newest first."""
        return self._pages("/activities")

    def entries(self) -> Iterator[dict[str, Any]]:
        """Everything posted to the member's accounts, newest first."""
        return self._pages("/me/entries")

    def get(self, path: str) -> dict[str, Any]:
        """Whatever the member may read."""
        return self._call("GET", path)

    def account(self, programme: str) -> dict[str, Any]:
        """What the member has in a programme."""
        accounts: list[dict[str, Any]] = self._call("GET", "/me/accounts")["accounts"]
        return next(account for account in accounts if account["programme"] == programme)

    def link(self, ticket: str, programme: str) -> None:
        """Let the user of a platform whom this ticket names be this member."""
        self._call("POST", "/me/partner-links", {"ticket": ticket, "programme": programme})

    def consent(self, partner: str) -> None:
        """Agree to everything a platform may pass on, in the words in force."""
        shown = self._call("GET", "/me/consents")
        for consent in shown["consents"]:
            if consent["partner"] == partner:
                agreed = {"partner": partner, "scene": consent["scene"], "granted": True}
                self._call("PUT", "/me/consents", agreed | {"text_version": shown["text"]["version"]})

    def log_out(self) -> None:
        self._call("POST", "/auth/logout")

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        query = {"limit": "100"}
        while True:
            page = self._call("GET", f"{path}?{urlencode(query)}")
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def _call(self, method: str, path: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = retrying(lambda: self._ask(method, path, said))
        if not answer.ok:
            raise Unexpected(f"{method} {path} was answered {answer.status}: {answer.body.decode()[:300]}")
        document = answer.json() if answer.body else {}
        assert isinstance(document, dict)
        return document

    def _ask(
        self, method: str, path: str, said: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> safe_http.Answer:
        """One request, once. Raises OutsideUnavailable where no whole answer came."""
        body = None if said is None else json.dumps(said).encode()
        own = self._headers | ({"Content-Type": "application/json"} if body else {})
        return safe_http.call(
            method,
            f"{self._url}/api/v1{path}",
            body=body,
            headers=own | dict(headers or {}),
            deadline_s=DEADLINE_S,
            max_bytes=MAX_BYTES,
            allowed_hosts=(urlsplit(self._url).netloc,),
        )
