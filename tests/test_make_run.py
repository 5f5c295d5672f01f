"""`flask sandbox run`, which `make run` calls, as a visitor sees it: a real process on a real port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskCliRunner

from backend import create_app
from backend.sandbox import send
from backend.settings import Settings
from tests.house_rules import ROOT

PATIENCE_S = 60


class Run:
    """`flask sandbox run` with what it printed so far."""

    def __init__(self, database_url: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.printed: list[str] = []
        environment = {**os.environ, "DATABASE_URL": database_url, "PORT": str(port)}
        for name in ("ENV", "LOG_LEVEL", "PYTHONWARNINGS", "REDIS_URL"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "sandbox", "run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_until_ready(self) -> str:
        """What it printed until it was ready; the end of its output when it never was."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line)
            if line == f"ready {self.url}\n":
                break
        return "".join(self.printed)

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; returns the exit code and what was printed after it was ready."""
        assert self.process.stdout is not None
        self.process.send_signal(number)
        rest = self.process.stdout.read()
        return self.process.wait(PATIENCE_S), rest


def descendants(pid: int) -> set[int]:
    """The processes a process started, and those they started."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found: set[int] = set()
    layer = {pid}
    while layer := {child for child, parent in parents.items() if parent in layer}:
        found |= layer
    return found


def all_gone(pids: set[int]) -> bool:
    return not any(state_of(pid) not in ("", "Z") for pid in pids)


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def call(url: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def balance(url: str, name: str) -> dict[str, Any]:
    """What a member sees of the sandbox programme after logging in."""
    token = call(f"{url}/api/v1/auth/wechat", {"code": f"sandbox:{name}"})["access_token"]
    accounts = call(f"{url}/api/v1/me/accounts", token=token)["accounts"]
    found: dict[str, Any] = next(account for account in accounts if account["programme"] == "members")
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Run]]:
    """Starts the command on a port and a database of this test's own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    runs: list[Run] = []

    def begin() -> Run:
        runs.append(Run(f"sqlite:///{tmp_path}/carbon.sqlite3", port))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.communicate()


@pytest.fixture
def commands(tmp_path: Path) -> FlaskCliRunner:
    """The commands of an application on the same database."""
    app = create_app(Settings.for_tests(database_url=f"sqlite:///{tmp_path}/carbon.sqlite3"))
    return app.test_cli_runner()


TABLE = """\
  收到 received                            176
  收下 accepted                            157
  重复 duplicate                             8
  拒收 refused 400 DUPLICATE_KEY             1
"""
ISSUED = "合计 total"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_visitor_s_day(start: Callable[[], Run], commands: FlaskCliRunner, tmp_path: Path) -> None:
    # The first run replays the day, and what it says is what members and auditors find.
    first = start()
    printed = first.read_until_ready()
    assert first.printed[-1] == f"ready {first.url}\n", printed
    assert TABLE in printed
    children = descendants(first.process.pid)
    assert len(children) >= 4  # worker, gunicorn and its two
    lin = balance(first.url, "lin")
    assert lin["reduction_g"] > 0 and lin["points"]["pending"] + lin["points"]["available"] > 0
    assert balance(first.url, "he")["reduction_g"] == balance(first.url, "luo")["reduction_g"] == 0

    # Somebody tries an event of their own.
    send_one(first, commands, tmp_path)
    assert balance(first.url, "lin")["reduction_g"] == lin["reduction_g"] + 467
    code, rest = first.end(signal.SIGINT)
    assert (code, rest) == (0, "stopped\n")
    assert all_gone(children)

    # The second run replays nothing and comes to the same end, and is killed the hard way.
    second = start()
    again = second.read_until_ready()
    assert "accepted before" in again and "回放 replay" not in again
    assert scenarios(again) == scenarios(printed)
    children = descendants(second.process.pid)
    second.end(signal.SIGKILL)
    wait_for(lambda: all_gone(children))

    for command in (("ledger", "trial-balance"), ("audit", "replay")):
        done = commands.invoke(args=command)
        assert done.exit_code == 0, done.output

    # A third one is stopped before it is ready.
    third = start()
    wait_for(lambda: len(descendants(third.process.pid)) >= 2)
    children = descendants(third.process.pid)
    code, rest = third.end(signal.SIGTERM)
    assert code == 0 and "Traceback" not in rest
    assert all_gone(children)


def scenarios(printed: str) -> str:
    """The table from the scenarios on."""
    assert ISSUED in printed
    return printed[printed.index("场景 scenario") : printed.index("ready ")]


def send_one(run: Run, commands: FlaskCliRunner, tmp_path: Path) -> None:
    """`flask partner send`: a metro trip of 10 km for lin, which is 467 g."""
    trip: dict[str, object] = {"order_no": "MT-OWN-1", "user_ref": "tr-lin", "occurred_at": "2026-06-06T08:00:00+08:00"}
    trip |= {"trip_id": "MT-OWN-1", "mode": "metro", "distance_km": 10}
    trip |= {"started_at": "2026-06-06T08:00:00+08:00", "ended_at": "2026-06-06T08:20:00+08:00"}
    event = tmp_path / "event.json"
    event.write_text(
        json.dumps({"type": "trip.completed", "timestamp": "2026-06-06T08:20:05+08:00", "data": trip}), "utf-8"
    )
    app = create_app(Settings.for_tests(database_url=f"sqlite:///{tmp_path}/carbon.sqlite3"))
    result = app.test_cli_runner().invoke(send, ["transit", str(event), "--base-url", run.url])
    assert result.exit_code == 0, result.output
    assert '"http_status": 202' in result.output and '"reduction_g": 467' in result.output
