"""A fresh, migrated database for every test, quickly.

PostgreSQL: the first worker migrates a template; every worker copies it once and afterwards only deletes
what the last test wrote, and puts back what the migrations had written. Where that is not enough (a test
changed the schema), the copy is made anew. SQLite: one migrated file, copied per test to the same place.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

Migrate = Callable[[str], None]

#: What these answer stays the same as long as nobody changes the schema, a trigger or a sequence.
STRUCTURE = (
    "SELECT concat(count(*), '/', max(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "SELECT concat(count(*), '/', max(oid)) FROM pg_trigger WHERE tgenabled = 'O'",
    "SELECT sum(last_value) FROM pg_sequences",
)


class PostgresqlDatabases:
    """The databases of one worker on one server. `run` names the test run, `worker` the worker."""

    def __init__(self, server_url: str, run: str, worker: str, migrate: Migrate) -> None:
        self._server = make_url(server_url).set(drivername="postgresql+psycopg")
        self.template = _prefix(run) + "template"
        self.name = _prefix(run) + worker
        self._admin = psycopg.connect(_conninfo(self._server), autocommit=True)
        try:
            self._make_template(migrate)
        except BaseException:
            self._admin.close()
            raise
        self._inside: psycopg.Connection[Any] | None = None  # our own connection to the copy, once there is one
        self._pristine = ""
        self._seeded: list[str] = []
        self._empty: list[str] = []

    def fresh(self) -> str:
        """The URL of this worker's database, as the migrations left it."""
        if not self._emptied():
            self._copy()
        return self._url(self.name)

    def close(self) -> None:
        """Drop this worker's database; the template may still serve others, see `drop_run`."""
        self._leave()
        self._drop(self.name)
        self._admin.close()

    def _make_template(self, migrate: Migrate) -> None:
        lock = int.from_bytes(hashlib.sha256(self.template.encode()).digest()[:7], "big")
        self._admin.execute("SELECT pg_advisory_lock(%s)", [lock])  # one worker migrates, the others wait
        try:
            there = self._admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.template])
            if not there.fetchone():
                self._admin.execute(f'CREATE DATABASE "{self.template}"')
                try:
                    migrate(self._url(self.template))
                except BaseException:
                    self._drop(self.template)
                    raise
                self._disconnect_everybody(self.template)
        finally:
            self._admin.execute("SELECT pg_advisory_unlock(%s)", [lock])

    def _copy(self) -> None:
        self._leave()
        self._drop(self.name)
        # Copying files is twice as fast as copying through the log (PostgreSQL 15 and later let one choose).
        how = "STRATEGY FILE_COPY" if self._admin.info.server_version >= 150000 else ""
        self._admin.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}" {how}')
        inside = self._inside = psycopg.connect(_conninfo(self._server.set(database=self.name)), autocommit=True)
        inside.execute("SET session_replication_role = replica")  # append-only triggers and foreign keys step aside
        tables = inside.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        filled = {table: bool(inside.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone()) for (table,) in tables}
        self._seeded = [table for table in filled if filled[table]]
        self._empty = [table for table in filled if not filled[table]]
        inside.execute("CREATE SCHEMA pristine")
        for table in self._seeded:
            inside.execute(f'CREATE TABLE pristine."{table}" AS TABLE "{table}"')
        # As functions, so that a hundred statements are planned once, not for every test.
        # A handful of rows is deleted in a fraction of the time it takes to truncate a table.
        deletes = " ".join(f'DELETE FROM public."{table}";' for table in self._empty)
        inside.execute(f"CREATE FUNCTION pristine.emptied() RETURNS void LANGUAGE plpgsql AS $$BEGIN {deletes} END$$")
        marks = ", ', ', ".join(f"({query})" for query in (*STRUCTURE, *map(_rows_of, self._seeded)))
        told = f"BEGIN RETURN concat({marks}); END"
        inside.execute(f"CREATE FUNCTION pristine.fingerprint() RETURNS text LANGUAGE plpgsql AS $${told}$$")
        self._pristine = self._fingerprint(inside)

    def _leave(self) -> None:
        if self._inside is not None:
            self._inside.close()
            self._inside = None

    def _emptied(self) -> bool:
        """Undo what a test's rows did; False when that was not enough, or when there is no copy yet."""
        if self._inside is None:
            return False
        try:
            self._disconnect_everybody(self.name, self._inside.info.backend_pid)
            self._inside.execute("SELECT pristine.emptied()")
            if self._fingerprint(self._inside) == self._pristine:
                return True
            self._put_back(self._inside)
            return self._fingerprint(self._inside) == self._pristine
        except psycopg.Error:
            return False

    def _put_back(self, connection: psycopg.Connection[Any]) -> None:
        """Give tables that the migrations filled their rows again, and sequences their beginning."""
        for table in self._seeded:
            connection.execute(f'DELETE FROM "{table}"; INSERT INTO "{table}" SELECT * FROM pristine."{table}"')
        used = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
        for (name,) in connection.execute(used).fetchall():
            connection.execute(f'ALTER SEQUENCE "{name}" RESTART')

    def _fingerprint(self, connection: psycopg.Connection[Any]) -> str:
        """Changes when the schema, a trigger, a sequence or the rows of a filled table do."""
        (found,) = connection.execute("SELECT pristine.fingerprint()").fetchone() or ("",)
        return str(found)

    def _disconnect_everybody(self, name: str, but: int = 0) -> None:
        end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
        self._admin.execute(end, [name, but])

    def _drop(self, name: str) -> None:
        self._admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)


def drop_run(server_url: str, run: str) -> None:
    """Drop every database a test run made on a server that outlives the run."""
    try:
        admin = psycopg.connect(_conninfo(make_url(server_url)), autocommit=True)
    except psycopg.OperationalError:
        return  # it could not be reached for the tests either, and they said so
    with admin:
        mine = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        for (name,) in admin.execute(mine, [_prefix(run)]).fetchall():
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _rows_of(table: str) -> str:
    return f'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM public."{table}" t'


def _prefix(run: str) -> str:
    return f"carbon_test_{run}_"


def _conninfo(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


class SqliteDatabases:
    """The database of one worker in `folder`: a copy of one migrated file, made anew whenever a fresh one is due."""

    def __init__(self, folder: Path, migrate: Migrate) -> None:
        self._path = folder / "test.sqlite3"
        self._template = folder / "template.sqlite3"
        working = folder / "migrating.sqlite3"
        migrate(f"sqlite:///{working}")
        # A backup also holds what a connection left open still has in its log; a file copy would not.
        source, target = sqlite3.connect(working), sqlite3.connect(self._template)
        source.backup(target)
        target.execute("PRAGMA journal_mode = WAL")
        source.close()
        target.close()

    def fresh(self) -> str:
        """The URL of this worker's database, as the migrations left it."""
        for last in self._path.parent.glob(f"{self._path.name}*"):  # the database, its log and the log's index
            last.unlink()
        shutil.copyfile(self._template, self._path)
        return f"sqlite:///{self._path}"


def run_name() -> str:
    """Short, unique to this run on this machine, and good inside a database name."""
    return f"{os.getpid()}_{os.urandom(3).hex()}"
