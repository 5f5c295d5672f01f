"""One engine, one declarative base, two databases.

PostgreSQL is production; SQLite is the embedded default and owes the same answers. `recordset` is the one place where
they differ for whole lists: arrays through `unnest` on PostgreSQL, one JSON text through `json_each` on SQLite. Every
stage of the settlement pipeline is a statement over such a list, never a loop of statements.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    FromClause,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    column,
    create_engine,
    event,
    func,
    insert,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql.type_api import TypeEngine

from backend.settings import ensure_sqlite_folder

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

#: The fields of a list of rows: name and type, in order.
Columns = Mapping[str, TypeEngine[Any]]

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
    """An engine with the house's settings: durable WAL on SQLite, READ COMMITTED and a ping on PostgreSQL."""
    if database_url.startswith("sqlite"):
        ensure_sqlite_folder(database_url)
        engine = create_engine(database_url, connect_args={"timeout": 30})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    url = database_url.replace("postgres://", "postgresql://", 1)
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True, pool_size=10, max_overflow=10
    )


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


def is_postgresql(tx: Session) -> bool:
    return tx.get_bind().dialect.name == "postgresql"


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


# -- whole lists -------------------------------------------------------------------------------------------------


def recordset(tx: Session, name: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> FromClause:
    """A list of rows as something a statement can select from, join with and insert from.

    `columns` names and types the fields of each row, in order. The order of the rows is kept by both databases when
    they are read without a sort.
    """
    if is_postgresql(tx):
        return _unnest(name, columns, rows)
    return _json_each(tx.get_bind().dialect, name, columns, rows)


def _unnest(name: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> FromClause:
    lists: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [[] for _ in columns]
    arrays = [
        bindparam(f"{name}_{key}", list(values), type_=ARRAY(_plain(kind)), unique=True)
        for (key, kind), values in zip(columns.items(), lists, strict=True)
    ]
    return (
        func.unnest(*arrays)
        .table_valued(*(column(key, kind) for key, kind in columns.items()), name=name)
        .render_derived()
    )


def _json_each(dialect: Dialect, name: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> FromClause:
    binders = [_json_binder(kind, dialect) for kind in columns.values()]
    text = json.dumps(
        [[bind(value) for bind, value in zip(binders, row, strict=True)] for row in rows], ensure_ascii=False
    )
    each = func.json_each(bindparam(f"{name}_json", text, type_=Text(), unique=True)).table_valued("value", "key")
    fields = []
    for position, (key, kind) in enumerate(columns.items()):
        field: Any = func.json_extract(each.c.value, f"$[{position}]")
        if isinstance(kind, LargeBinary):
            field = func.from_hex(field)
        fields.append(type_coerce(field, kind).label(key))
    return select(*fields).select_from(each).subquery(name)


def _json_binder(kind: TypeEngine[Any], dialect: Dialect) -> Any:
    if isinstance(kind, LargeBinary):
        return lambda value: None if value is None else bytes(value).hex()
    bind = kind.dialect_impl(dialect).bind_processor(dialect)
    return bind or (lambda value: value)


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The element type of a PostgreSQL array (a variant for SQLite is dropped, `Instant` keeps its checks)."""
    return kind if isinstance(kind, TypeDecorator) else kind.dialect_impl(postgresql.dialect())


def column_types(table: Table, names: Sequence[str]) -> dict[str, TypeEngine[Any]]:
    return {name: table.c[name].type for name in names}


def insert_rows(
    tx: Session,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    on_conflict: Sequence[str] | None = None,
    returning: Sequence[str] = (),
) -> list[Row[Any]]:
    """Insert a list in one statement, in the order given.

    All rows have the same keys. With `on_conflict` (the columns of a unique key), rows that are there already are left
    alone; `returning` then tells which rows were really inserted: never ask `rowcount` for that.
    """
    if not rows:
        return []
    target = table.__table__
    assert isinstance(target, Table)
    names = list(rows[0])
    values = recordset(tx, "given", column_types(target, names), [tuple(row[name] for name in names) for row in rows])
    source: Select[Any] = select(*(values.c[name] for name in names))
    if not is_postgresql(tx):
        source = source.where(true())  # SQLite parses INSERT … SELECT … ON CONFLICT only after a WHERE
    dialect_insert = postgresql.insert if is_postgresql(tx) else sqlite.insert
    statement: Any = insert(target).from_select(names, source)
    if on_conflict is not None:
        statement = dialect_insert(target).from_select(names, source).on_conflict_do_nothing(index_elements=on_conflict)
    if returning:
        return list(tx.execute(statement.returning(*(target.c[name] for name in returning))))
    tx.execute(statement)
    return []
