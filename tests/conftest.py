"""What every test may ask for: fresh databases on real servers, the application on top of them.

A test that takes `database_url` (or `engine`, `tx`, `app`, `client`, which build on it) runs twice, ids
`sqlite` and `postgresql`. Servers: `TEST_DATABASE_URL` and `TEST_REDIS_URL` where given, else own ones (see
servers.py), else the test is skipped and the summary says so. Tests of the API take turns, see ONE_DATABASE.
Imports of the application stay inside the fixtures: pure tests need none of it.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakSet
from zlib import crc32

import pytest

from tests import servers
from tests.databases import PostgresqlDatabases, SqliteDatabases, drop_run, run_name

KEEPER = pytest.StashKey[servers.Keeper]()
RUN = pytest.StashKey[dict[str, str]]()
NAMES = {"postgresql": "PostgreSQL", "redis": "Redis"}
VARIABLES = {"postgresql": "TEST_DATABASE_URL", "redis": "TEST_REDIS_URL"}

#: Whoever asked for no compiled files gets them all the same: to rewrite the assertions of every test for each worker,
#: and to compile the program for each process the tests start, takes longer than most tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Little of what is imported and collected is garbage; to look for it again and again took a tenth of the time.
gc.disable()

#: Begun first: what takes so long that the other worker would wait for it at the end.
LONG = ("tests/test_make_run.py", "tests/test_ten_minutes.py", "tests/bench/")


#: Nothing here speaks SQL: what these tests call in the rooms speaks it, and is tested there on both databases. So each
#: of them runs on one, half of them on either, unless TEST_EVERY_DATABASE is set.
ONE_DATABASE = "tests/miniprogram_api/"
#: Not so where a test of the API keeps a promise: the files ARCHITECTURE.md names, and what deletion and export owe
#: to members.
ON_BOTH = ("test_deletion.py", "test_export.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    if os.environ.get("TEST_EVERY_DATABASE"):
        return
    collected = {item.nodeid for item in items}
    promises = (Path(__file__).parent.parent / "ARCHITECTURE.md").read_text("utf-8")
    elsewhere = [
        item
        for item in items
        if item.nodeid.startswith(ONE_DATABASE)
        and not (item.path.name in ON_BOTH or item.path.name in promises)
        and _runs_on_the_other(item, collected)
    ]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        left_out = set(elsewhere)
        items[:] = [item for item in items if item not in left_out]


def _runs_on_the_other(item: pytest.Item, collected: set[str]) -> bool:
    """Whether this test was collected for both databases, and the other one is its turn."""
    callspec = getattr(item, "callspec", None)
    mine = callspec.params.get("database_url") if callspec else None
    if mine is None or any("database_url" in str(mark.args[0]) for mark in item.iter_markers("parametrize")):
        return False  # on none, or on those it names itself
    other = "sqlite" if mine == "postgresql" else "postgresql"
    twins = sorted((item.nodeid, item.nodeid.replace(mine, other)))
    return twins[0] in collected and twins[1] in collected and item.nodeid != twins[crc32(twins[0].encode()) % 2]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look at it again and again."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


# -- one keeper per run, known to all workers --------------------------------------------------------------


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    given = getattr(config, "workerinput", None)
    if given is not None:
        config.stash[RUN] = {"run": given["run"], "address": given["address"], "worker": given["workerid"]}
        return
    keeper = config.stash[KEEPER] = servers.Keeper()
    config.stash[RUN] = {"run": run_name(), "address": str(keeper.address), "worker": "main"}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput.update({key: node.config.stash[RUN][key] for key in ("run", "address")})


def pytest_unconfigure(config: pytest.Config) -> None:
    keeper = config.stash.get(KEEPER, None)
    if keeper is None:
        return
    keeper.close()
    if url := os.environ.get("TEST_DATABASE_URL"):
        drop_run(url, config.stash[RUN]["run"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if KEEPER not in config.stash:
        return
    status = servers.ask(config.stash[KEEPER].address, "status")
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    lines = []
    for kind, name in NAMES.items():
        untested = sum(f"no {name}: " in reason for reason in skipped)
        if VARIABLES[kind] in os.environ:
            lines.append(f"{name}: the one {VARIABLES[kind]} names")
        elif kind in status:
            lines.append(f"{name}: {status[kind]}")
        if untested:
            lines.append(f"NOT TESTED, no {name}: {untested} tests. Install it or set {VARIABLES[kind]}.")
    if lines:
        terminalreporter.section("servers")
        for line in lines:
            alarming = line.startswith("NOT TESTED")
            terminalreporter.write_line(line, red=alarming, bold=alarming)


def _server_url(config: pytest.Config, kind: str) -> str:
    """The server the environment names, else the run's own one. Raises Unavailable."""
    return os.environ.get(VARIABLES[kind]) or str(servers.ask(config.stash[RUN]["address"], kind)["url"])


# -- databases ---------------------------------------------------------------------------------------------


def _migrate(url: str) -> None:
    from backend.database import migrate

    with _nothing_left_open(url):
        migrate(url)


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> str:
    """The URL of the run's PostgreSQL, for a role that may create databases."""
    try:
        return _server_url(request.config, "postgresql")
    except servers.Unavailable as reason:
        pytest.skip(f"no PostgreSQL: {reason}")


@pytest.fixture(scope="session")
def postgresql_databases(request: pytest.FixtureRequest, postgresql_server: str) -> Iterator[PostgresqlDatabases]:
    run = request.config.stash[RUN]
    databases = PostgresqlDatabases(postgresql_server, run["run"], run["worker"], _migrate)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"), _migrate)


@pytest.fixture(scope="session")
def compiled_once() -> Iterator[None]:
    """Engines on one database share their pool and what SQLAlchemy compiled; each has event listeners of its own.

    Compiling every statement anew took half the time of a test. SQLite waits for no disk: what was written may be lost.
    """
    from backend import database

    with pytest.MonkeyPatch.context() as patch:
        for name in ("make_engine", "make_statement_engine"):
            patch.setattr(database, name, _handing_out_one(getattr(database, name)))
        yield


def _handing_out_one(make: Any) -> Any:
    @cache
    def made(url: str) -> Any:
        from sqlalchemy import event

        engine = make(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        return engine

    return lambda url: made(url).execution_options()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, compiled_once: None) -> Iterator[str]:
    """A migrated, otherwise empty database of the test's own."""
    url = request.getfixturevalue(f"{request.param}_databases").fresh()
    with _nothing_left_open(url):
        yield url


@pytest.fixture
def postgresql_url(postgresql_databases: PostgresqlDatabases, compiled_once: None) -> Iterator[str]:
    """As `database_url`, on PostgreSQL only: for races and for what SQLite does not promise."""
    url = postgresql_databases.fresh()
    with _nothing_left_open(url):
        yield url


@contextmanager
def _nothing_left_open(url: str) -> Iterator[None]:
    """Close what a test leaves open on its database: a forgotten connection must not break a later test."""
    from sqlalchemy import Connection, Engine, event, make_url

    engines: set[Engine] = set()
    connections: WeakSet[Connection] = WeakSet()

    def note(connection: Connection) -> None:
        if connection.engine.url.database == make_url(url).database:
            engines.add(connection.engine)
            connections.add(connection)

    event.listen(Engine, "engine_connect", note)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", note)
        for connection in list(connections):
            connection.close()
        for engine in engines:
            engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Any]:
    """An engine of `backend.database` on the test's database."""
    from backend.database import make_engine

    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def tx(engine: Any) -> Iterator[Any]:
    """A session in an open transaction; it is rolled back unless the test commits."""
    from backend.database import session_factory

    with session_factory(engine)() as session:
        session.begin()
        yield session
        session.rollback()


# -- Redis -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_database(request: pytest.FixtureRequest) -> str | None:
    """The URL of this worker's own Redis database, or None when there is no Redis."""
    import redis

    try:
        base = _server_url(request.config, "redis")
    except servers.Unavailable as reason:
        request.config.stash[RUN]["no_redis"] = str(reason)
        return None
    scheme_and_host, _, number = base.rpartition("/") if base.count("/") > 2 else (base, "/", "0")
    worker = request.config.stash[RUN]["worker"]
    url = f"{scheme_and_host}/{int(number or 0) + int(worker.removeprefix('gw') if worker != 'main' else 0)}"
    with redis.Redis.from_url(url) as connection:
        if "TEST_REDIS_URL" in os.environ and connection.dbsize():
            pytest.exit("TEST_REDIS_URL names a database that holds keys; the tests would delete them")
    return url


@pytest.fixture
def redis_url(request: pytest.FixtureRequest, redis_database: str | None) -> Iterator[str]:
    """A real, empty Redis database."""
    import redis

    if redis_database is None:
        pytest.skip(f"no Redis: {request.config.stash[RUN]['no_redis']}")
    with redis.Redis.from_url(redis_database) as connection:
        yield redis_database
        connection.flushdb()


# -- the application ---------------------------------------------------------------------------------------


@pytest.fixture
def settings(request: pytest.FixtureRequest, database_url: str) -> Any:
    """Test settings: SQLite goes without Redis, PostgreSQL with it if one can be had; both answer alike."""
    from backend.settings import Settings

    on_postgresql = not database_url.startswith("sqlite")
    with_redis = on_postgresql and request.getfixturevalue("redis_database") is not None
    redis_url = request.getfixturevalue("redis_url") if with_redis else None
    return Settings.for_tests(database_url=database_url, redis_url=redis_url)


@pytest.fixture(scope="session")
def composed() -> Any:
    """The whole application by its settings, composed once: describing the API takes as long as many a test."""
    import miniprogram_api
    from backend import create_app

    @cache
    def compose(settings: Any) -> Any:
        made = create_app(settings)
        miniprogram_api.register(made)
        made.testing = True
        return made

    return compose


@pytest.fixture
def app(settings: Any, composed: Any) -> Any:
    """The whole application, as wsgi.py composes it, with a house of the test's own."""
    from backend import build_house

    made = composed(settings)
    made.extensions["house"] = build_house(settings)
    return made


@pytest.fixture
def client(app: Any) -> Any:
    """Flask's test client of `app`."""
    return app.test_client()
