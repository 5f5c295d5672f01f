"""The product's own processes, and a killer who takes them away without warning and puts them back."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import psycopg

from backend.sandbox.running import HOST

START_S = 60.0
#: What is killed, and how often in relation to the others: one worker, both at once, one process of the web server,
#: the web server whole.
PREY = {"worker": 6, "all workers": 2, "web process": 3, "web": 2}


def settings_of_the_sandbox(environment: Mapping[str, str]) -> dict[str, str]:
    """What a process of the product is told: these, and nothing that was meant for another house."""
    own = {key: value for key, value in os.environ.items() if key not in ("ENV", "REDIS_URL")}
    return {**own, "LOG_LEVEL": "WARNING", **environment}


class Fleet:
    """A web server (gunicorn, two processes) and workers, each a process group that writes its own log."""

    def __init__(self, environment: Mapping[str, str], port: int, workers: int, folder: Path) -> None:
        self.url = f"http://{HOST}:{port}"
        self.workers = [f"worker-{number}" for number in range(1, workers + 1)]
        self._environment = settings_of_the_sandbox(environment)
        self._folder = folder
        self._commands = {name: ["flask", "--app", "wsgi", "worker"] for name in self.workers}
        self._commands["web"] = [
            *("gunicorn", "--worker-class", "gthread", "--workers", "2", "--threads", "8"),
            *("--bind", f"{HOST}:{port}", "--no-control-socket", "--log-level", "warning", "wsgi:app"),
        ]
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a process; sessions in the database carry its name."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "backend.sandbox.child", *self._commands[name]],  # ends when we are gone
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment | {"PGAPPNAME": name},
                process_group=0,
            )

    def start_all(self) -> None:
        for name in self._commands:
            self.start(name)

    def kill(self, name: str) -> None:
        """SIGKILL, with everything it started. Raises RuntimeError when it had ended by itself."""
        process = self._running.pop(name)
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended by itself with {process.returncode}; see {self._folder / name}.log")
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def kill_one_web_process(self, chance: random.Random) -> bool:
        """SIGKILL to one of the web server's own processes, which it replaces itself; False when none was found."""
        parent = self._running["web"].pid
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            os.kill(int(chance.choice(children)), signal.SIGKILL)
        except (OSError, IndexError):
            return False
        return True

    def stop(self) -> None:
        """End all of them as an operator would."""
        for process in self._running.values():
            process.terminate()
        for name, process in self._running.items():
            try:
                process.communicate(timeout=START_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                raise RuntimeError(f"{name} did not end when told to") from None
        self._running.clear()


class Killer(threading.Thread):
    """Kills about `kills` times within `seconds`, at moments that chance chooses; half of a worker's when it is busy.

    `killed` counts what; `struck` how often a transaction was open at that moment; `enough` is set at the end.
    """

    def __init__(self, fleet: Fleet, conninfo: str, chance: random.Random, *, kills: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self.killed: Counter[str] = Counter()
        self.struck = 0
        self._failed: Exception | None = None
        self.enough = threading.Event()
        self._fleet, self._chance, self._conninfo = fleet, chance, conninfo
        self._kills, self._pause_s = kills, seconds / max(kills, 1)
        self._peace = threading.Event()

    def run(self) -> None:
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as watch:
                while not self._peace.wait(self._chance.uniform(0.3, 1.7) * self._pause_s):
                    if self.killed.total() < self._kills:
                        self._kill(watch)
                    if self.killed.total() >= self._kills:
                        self.enough.set()
        except Exception as error:
            self._failed = error
            self.enough.set()

    def make_peace(self) -> list[str]:
        """Kill nothing any more; when everything runs again, returns what went wrong with killing."""
        self._peace.set()
        self.join()
        return [f"the killer failed: {self._failed!r}"] if self._failed else []

    def _kill(self, watch: "psycopg.Connection[tuple[int]]") -> None:
        prey = self._chance.choices(list(PREY), list(PREY.values()))[0]
        if prey == "web process":
            self.killed[prey] += self._fleet.kill_one_web_process(self._chance)
            return
        single = self._chance.choice(self._fleet.workers)
        names = {"worker": [single], "all workers": self._fleet.workers, "web": ["web"]}[prey]
        if prey != "web" and self._chance.random() < 0.5:
            self._wait_until_busy(watch, single)
        self.struck += sum(open_transactions(watch, name) > 0 for name in names)
        for name in names:
            self._fleet.kill(name)
            self.killed[name] += 1
        time.sleep(self._chance.choice([0, 0, self._chance.uniform(0, 2)]))
        for name in names:
            self._fleet.start(name)

    def _wait_until_busy(self, watch: "psycopg.Connection[tuple[int]]", name: str) -> None:
        ends = time.monotonic() + 3
        while not open_transactions(watch, name) and time.monotonic() < ends and not self._peace.is_set():
            time.sleep(0.002)
        time.sleep(self._chance.uniform(0, 0.1))


def open_transactions(watch: "psycopg.Connection[tuple[int]]", name: str) -> int:
    """How many of a process's sessions are in the middle of a transaction that writes."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND backend_xid IS NOT NULL"
    row = watch.execute(query, (name,)).fetchone()
    assert row is not None
    return row[0]
