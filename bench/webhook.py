"""One webhook over HTTP, against a bare Flask view that inserts the same body, under the same server.

The bare view (`bench.bare`) comes twice: inserting through SQLAlchemy Core in a transaction, as Flask programs do, and
through psycopg in autocommit. Everything runs under gunicorn (gthread, 2 workers × 8 threads) beside the same
PostgreSQL, driven by the same load generator over 16 keep-alive connections, in alternating rounds. Every event is
distinct and signed beforehand.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from sqlalchemy import create_engine

from backend import clock, signing
from bench.events import SECRET, events, populated_house
from bench.load import drive, request_bytes
from bench.report import Progress, Rounds
from bench.server import Databases

PER_ROUND, ROUNDS, MEMBERS = 2_000, 7, 100
WORKERS, THREADS = 2, 8
TARGET = 0.6
REFERENCES = {"/core": "webhook", "/psycopg": "webhook, reference in psycopg"}


def run(databases: Databases) -> None:
    """Measure and report."""
    progress = Progress("webhook", ROUNDS + 2)
    progress.step("two servers")
    for name in ("webhook", "bare"):
        databases.make(name)
    populated_house(databases.url("webhook"), MEMBERS).sessions.kw["bind"].dispose()
    rounds = {path: Rounds(PER_ROUND) for path in REFERENCES}
    with ExitStack() as servers:
        ours = servers.enter_context(under_gunicorn("wsgi:app", {"DATABASE_URL": databases.url("webhook")}))
        database = {"BENCH_DATABASE_URL": _bare_database(databases)}
        bare = servers.enter_context(under_gunicorn("bench.bare:app", database))
        for number in range(ROUNDS + 1):
            progress.step(f"round {number} of {ROUNDS}" if number else "warming up")
            signed = list(signed_events(number * PER_ROUND, PER_ROUND))
            took = drive(ours, [request_bytes(f"/webhooks/{partner}", *event) for partner, event in signed])
            for path in REFERENCES:
                _forget(databases)
                theirs = drive(bare, [request_bytes(path, *event) for _, event in signed])
                if number:
                    rounds[path].add(took, theirs)
    _require_all_on_disk(databases)
    for path, name in REFERENCES.items():
        rounds[path].report(name, TARGET, unit="requests/s")


def signed_events(first: int, count: int) -> Iterator[tuple[str, tuple[dict[str, str], bytes]]]:
    """The partner, and (headers, body), of a round's events, signed now."""
    key = signing.parse_signing_key(SECRET)
    now = clock.now()
    for partner, event_id, body in events(count, MEMBERS, first=first):
        yield partner, (signing.sign(event_id, now, body, [key]), body)


@contextmanager
def under_gunicorn(application: str, settings: dict[str, str]) -> Iterator[int]:
    """An application served on a free port; the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    command += ["--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)]
    server = subprocess.Popen(command, env=os.environ | settings, stdout=sys.stderr)
    try:
        _await(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            sys.exit("gunicorn did not start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("gunicorn did not start in time")


def _bare_database(databases: Databases) -> str:
    """The database of the bare view, with its table; its URL."""
    os.environ["BENCH_DATABASE_URL"] = url = databases.url("bare")
    from bench.bare import received

    engine = create_engine(url)
    received.metadata.create_all(engine)
    engine.dispose()
    return url


def _forget(databases: Databases) -> None:
    with psycopg.connect(databases.conninfo("bare"), autocommit=True) as connection:
        connection.execute("TRUNCATE received")


def _require_all_on_disk(databases: Databases) -> None:
    with psycopg.connect(databases.conninfo("webhook")) as connection:
        row = connection.execute("SELECT count(*) FROM inbox").fetchone()
    assert row == ((ROUNDS + 1) * PER_ROUND,), row
