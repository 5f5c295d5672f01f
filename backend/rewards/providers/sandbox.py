"""A platform for tests and for trying things out, which misbehaves as it is told. Never in production.

Its ledger of orders is a file of its own (`sandbox:/path`), so that several processes see the same one and nothing of
ours can change it. What it does is told by the reward's name there, behind a `#`, or for all orders with `tell`:
`slow:2`, `fail`, `refuse:OUT_OF_STOCK`, `silent` (times out before anything happened), `timeout_after_success`,
`late` (it is booked when it is asked about for the second time, unless it was withdrawn), `twice` (the order arrives
twice), `post` (accepted, shipped, delivered, a step at each question), `cancel` (accepted, and cancelled later). Over
HTTP, also nonsense: `huge`, `redirect`, `not_json`, `other_number`; each of them after it was booked.
"""

import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backend import clock
from backend.rewards.errors import SandboxOnly
from backend.rewards.interfaces import Answer, Listed, Order, Page, Target, Unknown
from backend.rewards.orders import speaking
from backend.rewards.orders.speaking import Asked
from backend.safe_http import OutsideUnavailable

SCHEME = "sandbox:"
#: How long it says nothing before it hangs up, where it is not told for how long: longer than anybody waits.
SILENT_S = 15.0
LONGEST_S = 60.0
#: What it can be told. Those with `:` take a value.
BEHAVIOURS = (
    *("", "slow", "fail", "refuse", "silent", "timeout_after_success", "late", "twice", "post", "cancel"),
    *("huge", "redirect", "not_json", "other_number"),
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    request_no TEXT PRIMARY KEY, quantity INTEGER NOT NULL, day TEXT NOT NULL, status TEXT NOT NULL,
    reference TEXT, code TEXT, booked INTEGER NOT NULL DEFAULT 0, arrivals INTEGER NOT NULL DEFAULT 0,
    questions INTEGER NOT NULL DEFAULT 0, behaviour TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS told (id INTEGER PRIMARY KEY CHECK (id = 1), behaviour TEXT NOT NULL);
"""
_STEPS = {"post": ("accepted", "shipped", "delivered"), "cancel": ("accepted", "cancelled", "cancelled")}


@dataclass(frozen=True, slots=True)
class Said:
    """What the platform says to a message: a status and a document, after so many seconds.

    `silent`: nothing at all. `manner`: what only shows over HTTP (`huge`, `redirect`, `not_json`, `other_number`).
    """

    status: int
    document: Mapping[str, Any]
    after_s: float = 0
    silent: bool = False
    manner: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """An order in the platform's ledger. `booked` counts how often it was carried out, `arrivals` how often it came."""

    request_no: str
    quantity: int
    status: str
    booked: int
    arrivals: int


class Shop:
    """The platform: its ledger in a file, and how it answers a message of the house protocol."""

    def __init__(self, path: str) -> None:
        self._path = path
        with self._open() as ledger:
            ledger.executescript(_SCHEMA)

    def tell(self, behaviour: str) -> None:
        """How every order is treated that does not say so itself."""
        if behaviour.partition(":")[0] not in BEHAVIOURS:
            raise ValueError(f"{behaviour!r} is none of {', '.join(BEHAVIOURS)}")
        with self._writing() as ledger:
            ledger.execute("INSERT OR REPLACE INTO told VALUES (1, ?)", (behaviour,))

    def orders(self) -> list[Booked]:
        """The whole ledger, by number."""
        query = "SELECT request_no, quantity, status, booked, arrivals FROM orders ORDER BY request_no"
        with self._open() as ledger:
            return [Booked(*row) for row in ledger.execute(query)]

    def listed(self, day: str, after: str, limit: int) -> tuple[list[Booked], bool]:
        """What was carried out on a day, behind this number, and whether that is all."""
        found = "SELECT request_no, quantity, status, booked, arrivals FROM orders WHERE day = ? AND request_no > ?"
        with self._open() as ledger:
            rows = [
                Booked(*row)
                for row in ledger.execute(
                    f"{found} AND booked > 0 AND status <> 'cancelled' ORDER BY request_no LIMIT ?",
                    (day, after, limit + 1),
                )
            ]
        return rows[:limit], len(rows) <= limit

    def answer(self, type: str, data: Mapping[str, Any]) -> Said:
        """What it says to `….placed`, `….asked` or `….withdrawn`, having done it."""
        verb, number = type.partition(".")[2], str(data["request_no"])
        with self._writing() as ledger:
            if verb == "placed":
                item, quantity = str(data["item"]), int(data.get("units", data.get("quantity")) or 0)
                return self._placed(ledger, number, item, quantity)
            if verb == "asked":
                return self._asked(ledger, number)
            return self._withdrawn(ledger, number)

    def _placed(self, ledger: sqlite3.Connection, number: str, item: str, quantity: int) -> Said:
        told = ledger.execute("SELECT behaviour FROM told").fetchone()
        behaviour = item.partition("#")[2] or (told[0] if told else "")
        manner, _, value = behaviour.partition(":")
        if manner == "fail":
            return Said(500, {})
        if manner == "silent":
            return Said(200, {}, _seconds(value, SILENT_S), silent=True)
        values = (number, quantity, clock.today().isoformat(), "expected", behaviour)
        ledger.execute(
            "INSERT INTO orders (request_no, quantity, day, status, behaviour) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            values,
        )
        if manner == "late":
            return Said(200, {}, _seconds(value, SILENT_S), silent=True)
        if manner == "refuse":
            ledger.execute("UPDATE orders SET status = 'refused', code = ? WHERE request_no = ?", (value, number))
        for _ in range(2 if manner == "twice" else 1):
            self._arrive(ledger, number, manner)
        tardy = {"slow": 1.0, "timeout_after_success": SILENT_S}
        after_s = _seconds(value, tardy[manner]) if manner in tardy else 0
        return self._state(ledger, number, after_s=after_s, manner=manner)

    def _arrive(self, ledger: sqlite3.Connection, number: str, manner: str) -> None:
        """The order comes in: a number that was seen before changes nothing, one that was withdrawn is refused."""
        ledger.execute("UPDATE orders SET arrivals = arrivals + 1 WHERE request_no = ?", (number,))
        status = _STEPS[manner][0] if manner in _STEPS else "done"
        ledger.execute(
            "UPDATE orders SET status = ?, booked = booked + 1, reference = 'SBX-' || upper(substr(request_no, 25))"
            " WHERE request_no = ? AND status = 'expected'",
            (status, number),
        )

    def _asked(self, ledger: sqlite3.Connection, number: str) -> Said:
        ledger.execute("UPDATE orders SET questions = questions + 1 WHERE request_no = ?", (number,))
        row = ledger.execute(
            "SELECT behaviour, questions, status FROM orders WHERE request_no = ?", (number,)
        ).fetchone()
        if row is None:
            return Said(200, {"request_no": number, "status": "not_known"})
        manner, questions = row[0].partition(":")[0], row[1]
        if row[2] == "expected":
            if questions < 2:
                return Said(200, {"request_no": number, "status": "not_known"})
            self._arrive(ledger, number, manner)
        elif manner in _STEPS and row[2] not in ("refused", "withdrawn"):
            step = _STEPS[manner][min(questions, 2)]
            ledger.execute("UPDATE orders SET status = ?, code = 'OUT_OF_STOCK' WHERE request_no = ?", (step, number))
        return self._state(ledger, number)

    def _withdrawn(self, ledger: sqlite3.Connection, number: str) -> Said:
        today = clock.today().isoformat()
        ledger.execute(
            "INSERT INTO orders (request_no, quantity, day, status, behaviour) VALUES (?, 0, ?, 'withdrawn', '')"
            " ON CONFLICT (request_no) DO UPDATE SET status = 'withdrawn' WHERE status IN ('expected', 'accepted')",
            (number, today),
        )
        return self._state(ledger, number)

    def _state(self, ledger: sqlite3.Connection, number: str, *, after_s: float = 0, manner: str = "") -> Said:
        query = "SELECT quantity, status, reference, code FROM orders WHERE request_no = ?"
        quantity, status, reference, code = ledger.execute(query, (number,)).fetchone()
        document = {"request_no": number, "status": status}
        if status in ("refused", "cancelled"):
            document["code"] = code
        elif status not in ("withdrawn", "expected"):
            document |= {"reference": reference, "units": quantity, "quantity": quantity}
        return Said(200, document, after_s, manner == "timeout_after_success", manner)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        ledger = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        ledger.execute("PRAGMA synchronous=OFF")
        try:
            yield ledger
        finally:
            ledger.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            yield ledger
            ledger.execute("COMMIT")


def _seconds(value: str, otherwise: float) -> float:
    """How long it takes; ValueError for what is no such time, or longer than anybody's thread is to be kept."""
    given = float(value) if value else otherwise
    if not 0 <= given <= LONGEST_S:
        raise ValueError(f"0 to {LONGEST_S:g} seconds")
    return given


class Sandbox:
    kind = "sandbox"

    def check_url(self, url: str, *, allowed_hosts: Collection[str], sandbox: bool) -> None:
        """`sandbox:` and the path of its file, in a sandbox only."""
        if not sandbox or not url.startswith(SCHEME + "/"):
            raise SandboxOnly(kind=self.kind)

    def place(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """Order it; the platform is as difficult about it as it is told."""
        return self._ask("order.placed", order, target, {"item": order.item, "quantity": order.quantity})

    def query(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """Ask about it."""
        return self._ask("order.asked", order, target, {})

    def withdraw(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """Take it back."""
        return self._ask("order.withdrawn", order, target, {})

    def listed_after(self, target: Target, day: date, request_no: str | None, *, limit: int, now: datetime) -> Page:
        """Its list of a day."""
        if not target.sandbox:
            raise OutsideUnavailable("a sandbox's provider")
        found, complete = Shop(target.url.removeprefix(SCHEME)).listed(day.isoformat(), request_no or "", limit)
        return Page(tuple(Listed(row.request_no, row.quantity, row.status) for row in found), complete)

    def _ask(self, type: str, order: Order, target: Target, data: Mapping[str, Any]) -> Answer:
        if not target.sandbox:
            return Unknown("a sandbox's provider")
        said = Shop(target.url.removeprefix(SCHEME)).answer(type, {"request_no": order.request_no, **data})
        if said.silent or said.after_s > target.deadline_s:
            return Unknown("the deadline passed")
        time.sleep(said.after_s)
        if said.status != 200:
            return Unknown(f"answered {said.status}")
        return speaking.meaning(said.document, Asked(type, order.request_no, data, {}))


PROVIDER = Sandbox()
