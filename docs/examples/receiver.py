"""Receiving notices, with nothing but the standard library. `python receiver.py whsec_… [port]` runs it."""

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def verify(secrets: list[str], headers: Mapping[str, str], body: bytes, now: float) -> dict[str, Any]:
    """The message, if one of our secrets signed exactly these bytes within five minutes; ValueError otherwise.

    `headers` has lower-case names; `secrets` are two during a rotation.
    """
    sent_at = headers["webhook-timestamp"]
    if not sent_at.isdecimal() or abs(now - int(sent_at)) > 300:
        raise ValueError("signed too long ago, or too far ahead")
    text = b"%s.%s.%s" % (headers["webhook-id"].encode(), sent_at.encode(), body)
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = "v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
        if any(hmac.compare_digest(wanted.encode(), one.encode()) for one in headers["webhook-signature"].split(" ")):
            message: dict[str, Any] = json.loads(body)
            return message
    raise ValueError("no signature fits")


Account = tuple[str, str]


class Accounts:
    """Every balance of every account. In your platform the dictionaries are tables, changed in one transaction."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.balances: dict[Account, dict[str, int]] = {}
        self.numbers: dict[Account, set[int]] = {}

    def take(self, notice_id: str, message: dict[str, Any]) -> None:
        """Count a notice once, in whatever order notices come."""
        if notice_id in self.seen:
            return
        data = message["data"]
        account = data["holder"], data["programme"]
        balances = self.balances.setdefault(account, {})
        for name, change in data.get("changes", {}).items():
            balances[name] = balances.get(name, 0) + change
        self.numbers.setdefault(account, set()).add(data["sequence"])
        self.seen.add(notice_id)

    def missing(self, account: Account) -> list[int]:
        """Numbers below the highest that have not come yet: they are still on their way."""
        numbers = self.numbers.get(account, set())
        return sorted(set(range(1, max(numbers, default=0))) - numbers)


def serve(secrets: list[str], port: int) -> None:
    accounts = Accounts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                accounts.take(headers["webhook-id"], verify(secrets, headers, body, time.time()))
                status = 204
            except (KeyError, ValueError):
                status = 401
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1].split(","), int(sys.argv[2]) if len(sys.argv) > 2 else 9000)
