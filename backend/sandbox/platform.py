"""A platform's side of the contract: sign an event, send it, and ask what became of it."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from standardwebhooks import Webhook

from backend import clock, safe_http, signing
from backend.sandbox.retrying import retrying
from backend.signing import SecretKey, SigningKey

DEADLINE_S = 30.0
MAX_BYTES = 4_194_304
_NOT_THEIR_SECRET = b"a secret that is nobody's at all."
_STALE = timedelta(minutes=10)
#: Headers and body, after signing → what goes over the wire.
OnTheWay = Callable[[Mapping[str, str], bytes], tuple[Mapping[str, str], bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """How the house answered. `code` is the problem's when it refused; `tries` is how often we had to ask."""

    status: int
    document: dict[str, Any]
    tries: int = 1

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def duplicate(self) -> bool:
        return self.ok and self.document.get("status") == "duplicate"

    @property
    def code(self) -> str:
        return str(self.document.get("code", ""))


class Unexpected(Exception):
    """The house answered something a platform cannot work with."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform and the server it sends to, e.g. `http://127.0.0.1:8000`."""

    url: str
    code: str
    secret: SecretKey
    signing_key: SigningKey | None = None

    def send(
        self,
        event_id: str,
        body: bytes,
        *,
        signed: str = "v1",
        skew: timedelta = timedelta(),
        on_the_way: OnTheWay | None = None,
    ) -> Reply:
        """Send one event, signed anew at each attempt; a failed attempt is repeated, as a platform would.

        `signed`: see `Recorded`; `skew`: how far ahead our clock is; `on_the_way` changes what was signed.
        """
        tries = 0

        def attempt() -> safe_http.Answer:
            nonlocal tries
            tries += 1
            headers: Mapping[str, str] = {"Content-Type": "application/json"}
            headers, sent = {**headers, **self._headers(event_id, body, signed, skew)}, body
            if on_the_way is not None:
                headers, sent = on_the_way(headers, sent)
            return self._call("POST", f"/webhooks/{self.code}", headers, sent)

        answer = retrying(attempt)
        document = answer.json()
        return Reply(answer.status, document if isinstance(document, dict) else {}, tries)

    def delivery(self, event_id: str) -> dict[str, Any] | None:
        """What became of one event; None when it never came."""
        found = self._deliveries(f"event_id={quote(event_id, safe='')}")
        return found[0] if found else None

    def deliveries(self) -> Iterator[dict[str, Any]]:
        """What became of every event this platform ever sent, newest first."""
        page = self._deliveries("")
        while page:
            yield from page
            page = self._deliveries(f"before={page[-1]['id']}")

    def _deliveries(self, query: str) -> list[dict[str, Any]]:
        path = "/partners/v1/deliveries" + (f"?{query}" if query else "")

        def attempt() -> safe_http.Answer:
            headers = self._headers(f"ask_{secrets.token_hex(8)}", path.encode(), "v1")
            return self._call("GET", path, {"webhook-partner": self.code, **headers})

        answer = retrying(attempt)
        document = answer.json()
        if not answer.ok or not isinstance(document, dict):
            raise Unexpected(f"GET {path} for {self.code} was answered {answer.status}: {answer.body.decode()[:300]}")
        found: Any = document["deliveries"]
        return list(found)

    def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> safe_http.Answer:
        return safe_http.call(
            method,
            self.url + path,
            body=body,
            headers=headers,
            deadline_s=DEADLINE_S,
            max_bytes=MAX_BYTES,
            allowed_hosts=(urlsplit(self.url).netloc,),
        )

    def _headers(self, message_id: str, content: bytes, signed: str, skew: timedelta = timedelta()) -> dict[str, str]:
        """The three headers. `v1` by the public package, so that our verifier is not only tried on our own signing."""
        now = clock.now() + skew - (_STALE if signed == "stale" else timedelta())
        if signed == "v1a":
            assert self.signing_key is not None, f"{self.code} has no ed25519 key"
            return signing.sign(message_id, now, content, [self.signing_key])
        secret = _NOT_THEIR_SECRET if signed == "wrong_key" else self.secret.secret
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, now, content.decode()),
        }
