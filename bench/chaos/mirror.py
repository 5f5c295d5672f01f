"""Scenario: a third-party platform keeps everybody's balances from what it is told, and ends with ours.

Notices come at least once and in any order; workers die while they send them. What comes twice must be the same to the
byte, the numbers of an account must have no gap, and what they add up to must be the balances in the books.
"""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from backend import clock, sync
from backend.ledger import CHART, all_balances
from backend.sandbox.running import HOST
from bench.chaos.ground import Ground

CODE = "mirror"
FORGOTTEN = "account.forgotten"
Account = tuple[str, str]  # holder as this platform knows them, programme


class Mirror:
    name = "mirror"

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}
        self._again = 0
        self._faults: list[str] = []
        self._lock = threading.Lock()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mirror._take_in({name.lower(): value for name, value in self.headers.items()}, body)
                try:
                    self.send_response(204)
                    self.end_headers()
                except OSError:
                    self.close_connection = True  # whoever called was killed

            def log_message(self, format: str, *arguments: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.host = f"{HOST}:{self._server.server_address[1]}"

    def environment(self) -> dict[str, str]:
        return {"SANDBOX_HOSTS": self.host}

    def prepare(self, ground: Ground) -> None:
        self._held_before = _books(ground)
        with ground.house.transaction() as tx:
            self._secret = sync.add_destination(
                tx,
                ground.house.vault,
                code=CODE,
                url=f"http://{self.host}/notices",
                basis="entrusted",
                allowed_hosts=(self.host,),
                now=clock.now(),
            )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def play(self, ground: Ground) -> None:
        """It only listens."""

    def _take_in(self, headers: dict[str, str], body: bytes) -> None:
        try:
            Webhook(self._secret).verify(body, headers)
        except Exception as error:
            self._faults.append(f"a notice does not verify: {error!r}")
        with self._lock:
            known = self._bodies.setdefault(headers["webhook-id"], body)
            self._again += known is not body
        if known != body:
            self._faults.append(f"{headers['webhook-id']} came again with another body")

    def faults(self, ground: Ground) -> list[str]:
        accounts: defaultdict[Account, dict[int, Any]] = defaultdict(dict)
        for body in self._bodies.values():
            message = json.loads(body)
            data = message["data"]
            if accounts[data["holder"], data["programme"]].setdefault(data["sequence"], message) is not message:
                self._faults.append(f"two notices about {data['holder']} have the number {data['sequence']}")
        ours = _books(ground)
        gone = {account for account, notices in accounts.items() if notices[max(notices)]["type"] == FORGOTTEN}
        found = []
        for account in sorted((accounts.keys() | ours.keys()) - gone):
            notices = accounts[account]
            if sorted(notices) != list(range(1, len(notices) + 1)):
                found.append(f"the notices about {account} have gaps: {sorted(notices)}")
            if not notices and ours[account] == self._held_before.get(account):
                continue  # nothing happened to it since the platform was added
            if (told := _balances(notices)) != ours[account]:
                found.append(f"{account}: the books hold {ours[account]}, the notices say {told}")
        return self._faults + found

    def figures(self) -> dict[str, Any]:
        return {"notices": len(self._bodies), "came again": self._again}


def _books(ground: Ground) -> defaultdict[Account, dict[str, int]]:
    """What each account holds, by the name it has for the platform."""
    names = [account.name for account in CHART.values() if not account.system]
    held: defaultdict[Account, dict[str, int]] = defaultdict(dict)
    with ground.house.transaction() as tx:
        for (holder, programme, name), amount in all_balances(tx, names).items():
            if amount:
                held[sync.holder_pseudonym(ground.house.vault, CODE, holder), programme][name] = amount
    return held


def _balances(notices: Mapping[int, Any]) -> dict[str, int]:
    """What an account holds by its notices: the last statement, and every change with a higher number."""
    amounts: Counter[str] = Counter()
    for number in sorted(notices):
        data = notices[number]["data"]
        if "balances" in data:
            amounts = Counter(data["balances"])
        for name, change in data.get("changes", {}).items():
            amounts[name] += change
    return {name: amount for name, amount in amounts.items() if amount}
