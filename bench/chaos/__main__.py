"""`python -m bench.chaos`: the product under a killer. The report is on standard output; exit code 1 when anything is
not as it must be.

PostgreSQL is an own server of the run, as durable as in production. Killed with SIGKILL at random moments: workers, one
process of the web server, the web server whole. Meanwhile the scenarios go on, and consistent snapshots are looked at.
"""

import argparse
import io
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Engine, text

from backend import House, build_house, database
from backend.safe_http import OutsideFailure
from backend.sandbox import programme
from backend.sandbox.member_client import MemberClient
from backend.sandbox.platform import Unexpected
from backend.settings import Settings
from bench.chaos import checks
from bench.chaos.bystanders import Bystanders
from bench.chaos.ground import PATIENCE_S, Ground, Scenario
from bench.chaos.mirror import Mirror
from bench.chaos.orders import Orders
from bench.chaos.partners import Partners
from bench.chaos.processes import Fleet, Killer, settings_of_the_sandbox
from bench.chaos.redeeming import Redeeming
from bench.server import Databases, free_port, postgresql

#: What goes on. Another scenario is a module of its own and one entry here; the run lasts as long as the first one.
SCENARIOS: tuple[type[Scenario], ...] = (Partners, Bystanders, Mirror, Redeeming, Orders)
LOGS = Path("build/chaos")
#: Seconds between two looks at a snapshot, and between two lines about how far the run is.
LOOK_S, TOLD_EVERY_S = 10.0, 2.0
#: What a worker writes at this level when it is at a loss, and never because it or a neighbour was killed.
ALARMS = ("event_set_aside", "settling_failed", "Traceback")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000, help="of the simulated partners [10000]")
    parser.add_argument("--orders", type=int, default=1_000, help="redemptions at a platform outside [1000]")
    parser.add_argument("--kills", type=int, default=40, help="at least so many [40]")
    parser.add_argument("--seconds", type=float, default=240, help="over which events and kills are spread [240]")
    parser.add_argument("--workers", type=int, default=2, help="side by side [2]")
    parser.add_argument("--seed", type=int, help="of the events, their disorder and the kills [random]")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # everything started is stopped on the way out
    if os.environ.get("TEST_DATABASE_URL"):
        sys.exit("chaos reads when transactions were committed, which its own server keeps: unset TEST_DATABASE_URL")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    report = sys.stdout
    with postgresql(track_commit_timestamp="on") as databases, redirect_stdout(sys.stderr):
        faults = Run(given, databases, report).run()
    sys.exit(1 if faults else 0)


class Run:
    """One run, from an empty database to the report."""

    def __init__(self, given: argparse.Namespace, databases: Databases, report: TextIO) -> None:
        self._seed = secrets.randbelow(10**6) if given.seed is None else given.seed
        self._given, self._databases, self._report = given, databases, report
        self._began = time.monotonic()

    def run(self) -> list[str]:
        """What was not as it must be, after it was reported."""
        self._say(f"seed {self._seed}, {self._given.events:,} events, {self._given.kills} kills")
        self._databases.make("chaos")
        url = self._databases.url("chaos")
        database.migrate(url)
        house = build_house(Settings.for_tests(database_url=url))
        programme.load(house)
        engine: Engine = house.sessions.kw["bind"]
        scenarios = [scenario() for scenario in SCENARIOS]
        environment = _told(scenarios)
        watch = checks.Watch(engine, LOOK_S)
        with _fleet(environment | {"DATABASE_URL": url}, self._given.workers) as fleet:
            given = self._given
            ground = Ground(house, fleet.url, self._seed, given.events, given.seconds, orders=given.orders)
            how = {"kills": self._given.kills, "seconds": self._given.seconds}
            killer = Killer(fleet, self._databases.conninfo("chaos"), ground.chance("kills"), **how)
            faults = self._play(ground, scenarios, killer, watch, engine)
        faults += watch.faults + self._verify(house, engine)
        self._show(scenarios, killer, watch, faults)
        return faults

    def _play(
        self, ground: Ground, scenarios: Sequence[Scenario], killer: Killer, watch: checks.Watch, engine: Engine
    ) -> list[str]:
        _wait_until_ready(ground.url)
        for scenario in scenarios:
            self._say(f"preparing {scenario.name}")
            scenario.prepare(ground)
        self._say("everything goes on, and is killed")
        failed: list[str] = []
        with redirect_stdout(io.StringIO()):  # many bars at once would be none
            players = [_thread(scenario, ground, failed) for scenario in scenarios]
            watch.start()
            killer.start()
            while not failed and (players[0].is_alive() or not killer.enough.is_set()):
                time.sleep(TOLD_EVERY_S)
                self._tell(engine, killer, watch)
            ground.over.set()
            failed += killer.make_peace()
            for player in players:
                player.join()
        if failed:
            return failed
        self._say("peace: what waits is settled")
        _wait_until_ready(ground.url)
        checks.wait_until_settled(engine)
        watch.stop()
        return [fault for scenario in scenarios for fault in scenario.faults(ground)]

    def _verify(self, house: House, engine: Engine) -> list[str]:
        """When every process has ended: nothing in limbo, the commands of the house, and who withdrew got nothing."""
        faults = checks.limbo(engine) + checks.seen(engine, checks.NEVER | checks.NEVER_BOTH)
        for command in (("ledger", "trial-balance"), ("audit", "replay")):
            done = subprocess.run(
                [sys.executable, "-m", "flask", "--app", "wsgi", *command],
                env=settings_of_the_sandbox({"DATABASE_URL": house.settings.database_url}),
                capture_output=True,
                text=True,
            )
            self._say(f"flask {' '.join(command)}: {done.stdout.splitlines()[0] if done.stdout else done.stderr}")
            if done.returncode:
                faults.append(f"flask {' '.join(command)} found: {done.stdout[:500]}{done.stderr[-500:]}")
        for log in sorted(LOGS.glob("*.log")):
            alarming = [line for line in log.read_text(errors="replace").splitlines() if any(a in line for a in ALARMS)]
            faults += [f"{log}: {line[:300]}" for line in alarming[:3]]
        return faults

    def _tell(self, engine: Engine, killer: Killer, watch: checks.Watch) -> None:
        """How far it is, in a line."""
        with engine.connect() as connection:
            states = connection.execute(text("SELECT state, count(*) FROM inbox GROUP BY state ORDER BY state")).all()
        inbox = ", ".join(f"{count} {state}" for state, count in states)
        self._say(f"inbox {inbox or 'empty'}; {killer.killed.total()} killed, {watch.looks} looks")

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {what}", file=sys.stderr, flush=True)

    def _show(self, scenarios: Sequence[Scenario], killer: Killer, watch: checks.Watch, faults: Sequence[str]) -> None:
        """The report, as JSON."""
        report: dict[str, Any] = {"seed": self._seed, "seconds": round(time.monotonic() - self._began)}
        report["killed"] = dict(sorted(killer.killed.items())) | {"all": killer.killed.total()}
        report["killed in the middle of a transaction"] = killer.struck
        report["consistent looks"] = watch.looks
        report |= {scenario.name: scenario.figures() for scenario in scenarios}
        report["faults"] = list(faults)
        print(json.dumps(report, ensure_ascii=False, indent=2), file=self._report, flush=True)


@contextmanager
def _fleet(environment: Mapping[str, str], workers: int) -> Iterator[Fleet]:
    """Web and workers, running; ended at the end."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in LOGS.glob("*.log"):
        old.unlink()
    fleet = Fleet(environment, free_port(), workers, LOGS)
    fleet.start_all()
    try:
        yield fleet
    finally:
        fleet.stop()


def _told(scenarios: Sequence[Scenario]) -> dict[str, str]:
    """What the product's processes have to be told by all of them: lists are joined."""
    told: dict[str, list[str]] = {}
    for scenario in scenarios:
        for name, value in scenario.environment().items():
            told.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in told.items()}


def _thread(scenario: Scenario, ground: Ground, failed: list[str]) -> threading.Thread:
    def play() -> None:
        try:
            scenario.play(ground)
        except Exception as error:
            failed.append(f"{scenario.name} failed: {error!r}")

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    return thread


def _wait_until_ready(url: str) -> None:
    """Until a login works."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            MemberClient(url, "he")
            return
        except (OutsideFailure, Unexpected):
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
