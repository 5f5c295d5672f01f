"""`python -m bench.chaos.bank`: a million operations on points, from several processes that are killed at random.

Clerks earn, ripen, lapse, reserve, confirm, cancel, refund and reverse through the public verbs (`clerk.py`), tellers
redeem and read accounts over HTTP (`bank_rewards.py`), and a killer takes clerks, workers and web processes away with
SIGKILL. Every account that is read adds up; each 10,000 operations and at the end everything is proven in one
consistent snapshot. One operation is one transaction in the books: an act earned, a lot ripened or lapsed, a step of a
use, an act taken back. The report is on standard output; exit code 1 when anything is not as it must be.
"""

import argparse
import json
import logging
import random
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend import House, build_house, clock, database, identity, partners, points
from backend.safe_http import OutsideFailure
from backend.sandbox.platform import Unexpected
from backend.settings import Settings
from bench.chaos import bank_checks, bank_rewards
from bench.chaos.bank_rewards import Teller
from bench.chaos.clerk import COUNT, PARTNER, PROGRAMME, SCENE
from bench.chaos.processes import Fleet
from bench.server import free_port, postgresql

LOOK_EACH = 10_000
LIFE_DAYS = 20
JOURNALS = Path("build/chaos/bank")


class Staff(Fleet):
    """The product's processes, if `tellers` are to be served, and clerks beside them."""

    def __init__(self, url: str, clerks: int, arguments: Sequence[str], folder: Path, *, tellers: int) -> None:
        super().__init__({"DATABASE_URL": url}, free_port(), 1 if tellers else 0, folder)
        self.clerks = [f"clerk-{number}" for number in range(1, clerks + 1)]
        if not tellers:
            del self._commands["web"]
        for name in self.clerks:
            journal = str(folder / f"{name}.journal")
            self._commands[name] = ["bench.chaos.clerk", *arguments, "--seed", name, "--journal", journal]
        self.prey = [*self.clerks * 2, *self._commands]


class Bank:
    """One run on a database that is migrated and empty. `faults`: what was not as it must be."""

    def __init__(self, url: str, given: argparse.Namespace, folder: Path = JOURNALS) -> None:
        self._url, self._given, self._folder = url, given, folder
        self._house: House = build_house(Settings.for_tests(database_url=url))
        self._engine: Engine = self._house.sessions.kw["bind"]
        self._chance = random.Random(f"{given.seed} bank")
        self._killed: Counter[str] = Counter()
        self._over = threading.Event()
        self._began = time.monotonic()
        self.faults: list[str] = []
        self.reads: Counter[str] = Counter()
        self.redeemed: Counter[str] = Counter()
        self._ledger = folder.absolute() / "platform.sqlite"  # of the platform that points are transferred to
        self.looks = 0

    def run(self) -> dict[str, Any]:
        """Open, work, close; the report."""
        self._say(f"seed {self._given.seed}, {self._given.operations:,} operations, {self._given.clerks} clerks")
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in (*self._folder.glob("*.journal"), *self._folder.glob("*.log"), *self._folder.glob("*.sqlite*")):
            old.unlink()
        self._open()
        arguments = ["--epoch", str(clock.now().timestamp()), "--day-s", str(self._given.day_s)]
        arguments += ["--operations-a-day", str(self._given.operations_a_day)]
        staff = Staff(self._url, self._given.clerks, arguments, self._folder, tellers=self._given.tellers)
        helpers = [threading.Thread(target=self._read_accounts, daemon=True)]
        helpers += [
            threading.Thread(target=self._tell, args=(staff.url, number), daemon=True)
            for number in range(self._given.tellers)
        ]
        began = time.monotonic()
        staff.start_all()
        try:
            for helper in helpers:
                helper.start()
            made = self._work(staff)
            seconds = time.monotonic() - began
            self._over.set()
            for helper in helpers:
                helper.join()
            if self._given.tellers:
                bank_rewards.wait_until_settled(self._engine)
        finally:
            self._over.set()
            staff.stop()
        self._close()
        return self._report(made, seconds)

    def _open(self) -> None:
        """The programme, its rule, and members who agree."""
        with self._house.transaction() as tx:
            title = {"title_zh": "银行", "title_en": "Bank", "profile": "CN-DEFAULT"}
            identity.save_programme(tx, code=PROGRAMME, kind="consumer", **title)
            points.save_rule(
                tx, programme=PROGRAMME, version=1, in_force_from=date(2025, 1, 1), expires_after_days=LIFE_DAYS
            )
            partners.save_partner(tx, code=PARTNER, adapter="transit", title="Bank", return_days=0)
        if self._given.tellers:
            bank_rewards.stock(self._house, PROGRAMME, self._ledger)
        for number in range(self._given.members):
            now = clock.now()
            with self._house.transaction() as tx:
                found = self._house.wechat.exchange(f"sandbox:bank-{number}")
                who = [("wechat_openid", f"{found.appid}|{found.openid}"), ("wechat_unionid", found.unionid or "")]
                holder = identity.recognise_person(tx, self._house.vault, who, now=now)
                identity.enrol_in_consumer_programmes(tx, holder, now=now)
                how = {"partner": PARTNER, "scene": SCENE, "granted": True, "now": now}
                identity.set_consent(tx, holder_id=holder, **how)
        with self._engine.connect() as connection:
            self._holders = list(connection.scalars(text("SELECT holder_id FROM enrolments ORDER BY holder_id")))

    def _work(self, staff: Staff) -> int:
        """Count, look and kill until there are enough operations."""
        began, due = time.monotonic(), LOOK_EACH
        pause = self._given.operations_between_kills or self._given.seconds_between_kills
        kill_at = self._so_far(0) + pause
        while True:
            time.sleep(0.5)
            with self._engine.connect() as connection:
                made = int(connection.scalar(text(COUNT)) or 0)
            over = self._given.minutes is not None and time.monotonic() - began > self._given.minutes * 60
            if made >= self._given.operations or over or self.faults:
                return made
            if made >= due:
                self._look()
                due = made // LOOK_EACH * LOOK_EACH + LOOK_EACH
                left = (self._given.operations - made) * (time.monotonic() - began) / made
                self._say(f"{made:,} operations, {self._killed.total()} killed, about {left:.0f} s to go")
            if self._so_far(made) >= kill_at:
                self._kill(staff)
                kill_at = self._so_far(made) + pause * self._chance.uniform(0.3, 1.7)

    def _so_far(self, made: int) -> float:
        """What kills are spaced by: operations where that was asked for, so that no more are killed by a slow machine
        than by a fast one; else seconds."""
        return made if self._given.operations_between_kills else time.monotonic()

    def _kill(self, staff: Staff) -> None:
        name = self._chance.choice(staff.prey)
        if name == "web" and self._chance.random() < 0.6:
            self._killed["web process"] += staff.kill_one_web_process(self._chance)
            return
        staff.kill(name)
        self._killed[name.rstrip("-0123456789")] += 1
        staff.start(name)

    def _look(self) -> None:
        self.faults += bank_checks.look(self._engine)
        self.looks += 1

    def _read_accounts(self) -> None:
        """Accounts of anybody, in the database: each adds up at every moment."""
        while not self._over.is_set():
            holder: UUID = self._chance.choice(self._holders)
            self.faults += bank_checks.account(self._engine, holder)
            self.reads["in the database"] += 1
            time.sleep(self._given.read_every_s)

    def _tell(self, url: str, number: int) -> None:
        """A member who redeems and reads their account over HTTP, again when the server was killed."""
        chance, client = random.Random(f"{self._given.seed} teller {number}"), None
        while not self._over.is_set():
            try:
                client = client or Teller(url, f"bank-{number}")
                self.faults += client.redeem(chance, PROGRAMME, self.redeemed)
                self.faults += bank_checks.told(client, PROGRAMME)
                self.reads["over HTTP"] += 1
            except (OutsideFailure, Unexpected):
                self.reads["without an answer"] += 1
                time.sleep(0.5)
            except Exception as error:
                self.faults.append(f"a teller failed: {error!r}")
                return

    def _close(self) -> None:
        """Everything, from scratch, and everything that a clerk was told is done."""
        self._say("closed: the books are proven from the first to the last transaction")
        with Session(self._engine) as tx:
            database.read_one_moment(tx)
            self.faults += bank_checks.everything(tx)
        self.looks += 1
        if self._given.tellers:
            self.faults += bank_rewards.faults(self._engine, self._ledger)
        self.faults += bank_checks.forgotten(self._engine, self._folder.glob("*.journal"))

    def _report(self, made: int, seconds: float) -> dict[str, Any]:
        with self._engine.connect() as connection:
            kinds = "SELECT kind, count(*) FROM ledger_transactions GROUP BY kind ORDER BY kind"
            operations = {row[0]: row[1] for row in connection.execute(text(kinds))}
            deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            ended = connection.scalar(text(deadlocks))
        return {
            "seed": self._given.seed,
            "operations": made,
            "seconds": round(seconds, 1),
            "operations/s": round(made / seconds),
            "by kind": operations,
            "killed": dict(sorted(self._killed.items())) | {"all": self._killed.total()},
            "accounts read": dict(sorted(self.reads.items())),
            "redeemed over HTTP": dict(sorted(self.redeemed.items())),
            "deadlocks that PostgreSQL ended": ended,
            "everything proven, times": self.looks,
            "faults": self.faults[:20],
        }

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {what}", file=sys.stderr, flush=True)


def arguments(*told: str) -> argparse.Namespace:
    """What a run is told; everything has a default, the seed a random one."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos.bank", description=__doc__)
    parser.add_argument("--operations", type=int, default=1_000_000, help="at least so many [1000000]")
    parser.add_argument("--minutes", type=float, help="closes after so many, however few operations there were [none]")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of what is done [random]")
    parser.add_argument("--clerks", type=int, default=2, help="processes side by side [2]")
    parser.add_argument("--tellers", type=int, default=2, help="members who redeem and read over HTTP [2]")
    parser.add_argument("--members", type=int, default=2_000, help="who have accounts [2000]")
    parser.add_argument("--day-s", type=float, default=2.0, help="seconds that a day of the bank lasts [2]")
    parser.add_argument(
        "--operations-a-day", type=int, default=0, help="that make a day of the bank, instead of seconds"
    )
    parser.add_argument("--seconds-between-kills", type=float, default=15.0, help="on average [15]")
    parser.add_argument("--operations-between-kills", type=int, default=0, help="on average, instead of seconds")
    parser.add_argument("--read-every-s", type=float, default=0.1, help="between two accounts that are read [0.1]")
    return parser.parse_args(told or None)


def main() -> None:
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with postgresql() as databases:
        databases.make("bank")
        database.migrate(databases.url("bank"))
        report = Bank(databases.url("bank"), given).run()
    print(json.dumps(report, ensure_ascii=False, indent=2))
    sys.exit(1 if report["faults"] else 0)


if __name__ == "__main__":
    main()
