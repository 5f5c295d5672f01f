"""One engine, one declarative base, two databases: PostgreSQL in production, SQLite embedded, the same answers."""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from backend import clock
from backend.settings import ensure_sqlite_folder

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

T = TypeVar("T")
#: Whole numbers that may exceed 32 bits.
Amount = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored in UTC and always read back aware. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive instant must not reach the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; constraint names are fixed so that migrations on both databases can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def make_engine(database_url: str) -> Engine:
    """An engine with the house's settings: durable WAL on SQLite, READ COMMITTED and live connections on PostgreSQL."""
    if database_url.startswith("sqlite"):
        ensure_sqlite_folder(database_url)
        engine = create_engine(database_url, connect_args={"timeout": 30}, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    engine = create_engine(_psycopg(database_url), **_POOL)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", partial(_require_alive, engine))
    return engine


def _note_use(_connection: Any, record: Any) -> None:
    record.info[_USED_AT] = clock.now()


def _require_alive(engine: Engine, connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a pooled connection whether it lives; one that was in use just now has to be without a word from the server.

    Nothing is asked of such a connection, so all there can be to read is that the server hung up.
    """
    used_at = record.info.get(_USED_AT)
    if used_at is None:  # made just now
        return
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    if clock.now() - used_at < _JUST_NOW and not said.poll(0):
        return
    try:
        engine.dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def make_statement_engine(database_url: str) -> Engine:
    """An engine for acts that are one idempotent statement, where every round trip counts.

    On PostgreSQL it commits each statement by itself and does not ask first whether a pooled connection still lives:
    the caller says its statement again when it did not.
    """
    if database_url.startswith("sqlite"):
        return make_engine(database_url)
    return create_engine(_psycopg(database_url), isolation_level="AUTOCOMMIT", **_POOL)


_USED_AT, _JUST_NOW = "used_at", timedelta(seconds=1)
#: Parameters stay out of errors and logs: they are personal data.
_POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 10, "hide_parameters": True}


def _psycopg(database_url: str) -> str:
    url = database_url.replace("postgres://", "postgresql://", 1)
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event opens the transaction, see _begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("from_hex", 1, lambda text: None if text is None else bytes.fromhex(text))


def _begin_immediate(connection: Any) -> None:
    # A read that later writes must not be overtaken: take the write lock at once, wait for it, never deadlock.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """Sessions that keep objects readable after commit and flush only when told or queried."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """One database transaction: committed when the block ends, rolled back when it raises."""
    with sessions() as tx, tx.begin():
        yield tx


def retried(
    sessions: sessionmaker[Session],
    act: Callable[[Session], T],
    *,
    tries: int = 5,
    also_after: tuple[type[Exception], ...] = (),
) -> T:
    """What `act` returns, in a transaction of its own; begun again when it was chosen to end a deadlock.

    `also_after`: what else says that another transaction was in its way.
    """
    in_the_way: tuple[type[Exception], ...] = (OperationalError, *also_after)
    for _ in range(tries - 1):
        try:
            with transaction(sessions) as tx:
                return act(tx)
        except in_the_way:
            continue
    with transaction(sessions) as tx:
        return act(tx)


def read_one_moment(tx: Session) -> None:
    """Let everything this transaction reads be of one moment. Comes before its first statement.

    On SQLite it is so anyway: a transaction holds the write lock from its beginning.
    """
    if tx.get_bind().dialect.name == "postgresql":
        tx.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def reading(sessions: sessionmaker[Session], *, one_moment: bool = False) -> Iterator[Session]:
    """A transaction in which the database itself refuses to write; `one_moment` as `read_one_moment`."""
    with transaction(sessions) as tx:
        if tx.get_bind().dialect.name == "postgresql":
            level = {"isolation_level": "REPEATABLE READ"} if one_moment else {}
            tx.connection(execution_options={"postgresql_readonly": True, **level})
            yield tx
            return
        connection = tx.connection()
        connection.exec_driver_sql("PRAGMA query_only = ON")
        try:
            yield tx
        finally:
            connection.exec_driver_sql("PRAGMA query_only = OFF")


def migrate(database_url: str) -> None:
    """Bring a database to the newest schema."""
    from alembic import command

    command.upgrade(alembic_config(database_url), "head")


def alembic_config(database_url: str) -> Any:
    """Alembic's configuration without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database_url"] = database_url
    return config
