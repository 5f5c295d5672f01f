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
ENDINGS = ("consent.withdrawn", "account.forgotten")


class Accounts:
    """Every balance of every account. In your platform the dictionaries are tables, changed in one transaction."""

    def __init__(self) -> None:
        self.told: dict[Account, dict[int, dict[str, Any]]] = {}
        self.ended: dict[Account, int] = {}

    def take(self, message: dict[str, Any]) -> None:
        """Keep a notice under its number, in whatever order and however often it comes; after an ending, delete."""
        data = message["data"]
        account, number = (data["holder"], data["programme"]), data["sequence"]
        if number <= self.ended.get(account, 0):
            return
        told = self.told.setdefault(account, {})
        told[number] = data
        if message["type"] in ENDINGS:
            self.ended[account] = number
            self.told[account] = {later: told[later] for later in told if later > number}
        if not self.told[account]:
            del self.told[account]

    def balances(self, account: Account) -> dict[str, int]:
        """What was stated last, and every change with a higher number."""
        told, begin = self.told[account], self._begin(account)
        sums = dict(told[begin]["balances"]) if begin in told else {}
        for number in told:
            for name, change in told[number].get("changes", {}).items() if number > begin else ():
                sums[name] = sums.get(name, 0) + change
        return {name: amount for name, amount in sums.items() if amount}

    def missing(self, account: Account) -> list[int]:
        """Numbers below the highest that have not come yet: they are still on their way."""
        told = self.told[account]
        return sorted(set(range(self._begin(account) + 1, max(told))) - set(told))

    def page(self, after: str | None, limit: int) -> dict[str, Any]:
        """What is held of the next holders behind one of them, for a comparison."""
        holders = sorted({holder for holder, _ in self.told if holder > (after or "")})
        accounts = [
            {
                "holder": holder,
                "programme": programme,
                "sequence": max(self.told[holder, programme]),
                "missing": self.missing((holder, programme)),
                "balances": self.balances((holder, programme)),
            }
            for holder, programme in sorted(self.told)
            if holder in holders[:limit]
        ]
        return {"accounts": accounts, "complete": len(holders) <= limit}

    def answer(self, message: dict[str, Any]) -> bytes:
        """Take a notice, or answer a question."""
        if message["type"] == "balances.asked":
            return json.dumps(self.page(message["data"]["after"], message["data"]["limit"])).encode()
        self.take(message)
        return b""

    def _begin(self, account: Account) -> int:
        """The number of the last statement of balances: what came before it does not matter any more."""
        told = self.told[account]
        return max((number for number in told if "balances" in told[number]), default=self.ended.get(account, 0))


def serve(secrets: list[str], port: int) -> None:
    accounts = Accounts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = 200, b""
            try:
                said = accounts.answer(verify(secrets, headers, body, time.time()))
            except (KeyError, ValueError):
                status = 401
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1].split(","), int(sys.argv[2]) if len(sys.argv) > 2 else 9000)
