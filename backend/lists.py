"""Whole lists as one statement: the only place where PostgreSQL and SQLite are spoken to differently.

Every stage of the settlement pipeline works on a list with a few statements, never with a loop of them. A list reaches
PostgreSQL as arrays through `unnest` and SQLite as one JSON text through `json_each`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import (
    ARRAY,
    Connection,
    Dialect,
    FromClause,
    LargeBinary,
    Row,
    Select,
    Table,
    TypeDecorator,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.sqltypes import NullType
from sqlalchemy.sql.type_api import TypeEngine

from backend.database import Base

#: What runs statements: a session, or a bare connection where every microsecond counts.
Runner = Session | Connection

#: The fields of a list of rows: name and type, in order.
Columns = Mapping[str, TypeEngine[Any]]

_POSTGRESQL: Dialect = postgresql.dialect()
_SQLITE: Dialect = sqlite.dialect()


class _Array(list[Any]):
    """A column of a list on its way to PostgreSQL, in the binary format: ten times cheaper to write than text."""


psycopg.adapters.register_dumper(_Array, ListBinaryDumper)


def recordset(tx: Runner, name: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> FromClause:
    """A list of rows as something a statement can select from, join with and update from.

    `columns` names and types the fields of each row, in order. The order of the rows is kept by both databases when
    they are read without a sort.
    """
    dialect = _dialect(tx)
    return _source(dialect, name, columns, _parameters(dialect, name, columns, rows))


def insert_rows(
    tx: Runner,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    on_conflict: tuple[str, ...] | None = None,
    returning: tuple[str, ...] = (),
) -> list[Row[Any]]:
    """Insert a list in one statement, in the order given.

    All rows have the same keys. With `on_conflict` (the columns of a unique key), rows that are there already are left
    alone; `returning` then tells which rows were really inserted: never ask `rowcount` for that.
    """
    if not rows:
        return []
    connection = _connection(tx)
    dialect = connection.dialect.name
    names = tuple(rows[0])
    if len(rows) == 1:
        result = connection.execute(_single_insertion(dialect, table, on_conflict, returning), dict(rows[0]))
        return list(result) if returning else []
    statement = _insertion(dialect, table, names, on_conflict, returning)
    columns = _column_types(table, names)
    parameters = _parameters(dialect, "given", columns, [tuple(row[name] for name in names) for row in rows])
    result = connection.execute(statement, parameters)
    return list(result) if returning else []


def insert_together(tx: Runner, *rows: tuple[type[Base], Mapping[str, Any]]) -> None:
    """Insert a row into each of several tables, those that are referred to first; on PostgreSQL in one statement."""
    connection = _connection(tx)
    if connection.dialect.name != "postgresql":
        for table, row in rows:
            insert_rows(connection, table, [row])
        return
    statement = _insertions(tuple((table, tuple(row)) for table, row in rows))
    values = {f"{name}_{number}": value for number, (_, row) in enumerate(rows) for name, value in row.items()}
    connection.execute(statement, values)


def upsert_rows(
    tx: Runner, table: type[Base], rows: Sequence[Mapping[str, Any]], *, key: tuple[str, ...], add: bool = False
) -> None:
    """Insert a list, in the order given; where the key is there already, the other fields take its place.

    With `add` they are added to what is there instead. Every row is locked until commit, in the order given.
    """
    if not rows:
        return
    connection = _connection(tx)
    dialect = connection.dialect.name
    names = tuple(rows[0])
    if len(rows) == 1:
        connection.execute(_single_upsertion(dialect, table, names, key, add), dict(rows[0]))
        return
    statement = _upsertion(dialect, table, names, key, add)
    values = [tuple(row[name] for name in names) for row in rows]
    connection.execute(statement, _parameters(dialect, "given", _column_types(table, names), values))


def update_rows(
    tx: Runner,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: tuple[str, ...],
    add: bool = False,
    returning: tuple[str, ...] = (),
) -> list[Row[Any]]:
    """Update the rows of these keys in one statement: the other fields take the place of theirs, or are added to them.

    Rows are locked in no particular order: whoever needs one holds them before. `returning` tells which were there.
    """
    if not rows:
        return []
    connection = _connection(tx)
    dialect = connection.dialect.name
    names = tuple(rows[0])
    statement = _updating(dialect, table, names, key, add, returning)
    values = [tuple(row[name] for name in names) for row in rows]
    result = connection.execute(statement, _parameters(dialect, "given", _column_types(table, names), values))
    return list(result) if returning else []


def _connection(tx: Runner) -> Connection:
    """What the session runs statements on: they are Core, and need nothing of the session's."""
    return tx.connection() if isinstance(tx, Session) else tx


def _dialect(tx: Runner) -> str:
    return (tx.get_bind() if isinstance(tx, Session) else tx).dialect.name


@lru_cache(maxsize=256)
def _insertion(
    dialect: str,
    table: type[Base],
    names: tuple[str, ...],
    on_conflict: tuple[str, ...] | None,
    returning: tuple[str, ...],
) -> Any:
    """The INSERT … SELECT for these columns; built once, run with other parameters each time."""
    return _idempotent(_insert_selected(dialect, table, names), table, on_conflict, returning)


@lru_cache(maxsize=256)
def _single_insertion(
    dialect: str, table: type[Base], on_conflict: tuple[str, ...] | None, returning: tuple[str, ...]
) -> Any:
    """The INSERT … VALUES for a list of one."""
    return _idempotent(_dialect_insert(dialect, table), table, on_conflict, returning)


def _idempotent(
    statement: Any, table: type[Base], on_conflict: tuple[str, ...] | None, returning: tuple[str, ...]
) -> Any:
    if on_conflict is not None:
        statement = statement.on_conflict_do_nothing(index_elements=on_conflict)
    return statement.returning(*(table.__table__.c[name] for name in returning)) if returning else statement


def _dialect_insert(dialect: str, table: type[Base]) -> Any:
    dialect_insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return dialect_insert(table.__table__)  # Core, not ORM: rows are parameters


@lru_cache(maxsize=256)
def _insertions(tables: tuple[tuple[type[Base], tuple[str, ...]], ...]) -> Any:
    """One INSERT with the others in its WITH: foreign keys are looked at when all have been carried out."""
    made = []
    for number, (table, names) in enumerate(tables):
        types = _column_types(table, names)
        values = {name: bindparam(f"{name}_{number}", type_=types[name]) for name in names}
        made.append(_dialect_insert("postgresql", table).values(values))
    *before, last = made
    return last.add_cte(*(statement.cte(f"given_{number}") for number, statement in enumerate(before)))


@lru_cache(maxsize=256)
def _upsertion(dialect: str, table: type[Base], names: tuple[str, ...], key: tuple[str, ...], add: bool) -> Any:
    return _or_update(_insert_selected(dialect, table, names), table, names, key, add)


@lru_cache(maxsize=256)
def _single_upsertion(dialect: str, table: type[Base], names: tuple[str, ...], key: tuple[str, ...], add: bool) -> Any:
    """The INSERT … VALUES … ON CONFLICT for a list of one."""
    return _or_update(_dialect_insert(dialect, table), table, names, key, add)


def _or_update(statement: Any, table: type[Base], names: tuple[str, ...], key: tuple[str, ...], add: bool) -> Any:
    given = statement.excluded
    changes = {name: table.__table__.c[name] + given[name] if add else given[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=changes)


@lru_cache(maxsize=256)
def _updating(
    dialect: str, table: type[Base], names: tuple[str, ...], key: tuple[str, ...], add: bool, returning: tuple[str, ...]
) -> Any:
    target: Any = table.__table__
    columns = target.c
    given = _source(dialect, "given", _column_types(table, names)).c
    changes = {name: columns[name] + given[name] if add else given[name] for name in names if name not in key}
    statement = update(target).values(changes).where(*(columns[name] == given[name] for name in key))
    return statement.returning(*(columns[name] for name in returning)) if returning else statement


def _insert_selected(dialect: str, table: type[Base], names: tuple[str, ...]) -> Any:
    values = _source(dialect, "given", _column_types(table, names))
    source: Select[Any] = select(*(values.c[name] for name in names))
    if dialect == "sqlite":
        source = source.where(true())  # SQLite parses INSERT … SELECT … ON CONFLICT only after a WHERE
    return _dialect_insert(dialect, table).from_select(names, source)


@lru_cache(maxsize=256)
def _column_types(table: type[Base], names: tuple[str, ...]) -> Columns:
    target = table.__table__
    assert isinstance(target, Table)
    return {name: target.c[name].type for name in names}


def _parameters(dialect: str, name: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The list as statement parameters: an array per column, or one JSON text."""
    if dialect == "postgresql":
        lists: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
        return {
            f"{name}_{key}": _Array(map(_binder(kind, dialect), values))
            for (key, kind), values in zip(columns.items(), lists, strict=True)
        }
    binders = [_binder(kind, dialect) for kind in columns.values()]
    plain = [[bind(value) for bind, value in zip(binders, row, strict=True)] for row in rows]
    return {f"{name}_rows": json.dumps(plain, ensure_ascii=False)}


def _source(dialect: str, name: str, columns: Columns, values: Mapping[str, Any] | None = None) -> FromClause:
    """The list as a FROM clause; without values its parameters are left for the execution."""
    if dialect == "postgresql":
        arrays = [cast(_parameter(f"{name}_{key}", values), ARRAY(kind)) for key, kind in columns.items()]
        fields = (column(key, kind) for key, kind in columns.items())
        return func.unnest(*arrays).table_valued(*fields, name=name).render_derived()
    each = func.json_each(_parameter(f"{name}_rows", values)).table_valued("value", "key")
    extracted = []
    for position, (key, kind) in enumerate(columns.items()):
        field: Any = func.json_extract(each.c.value, f"$[{position}]")
        if isinstance(kind, LargeBinary):
            field = func.from_hex(field)
        extracted.append(type_coerce(field, kind).label(key))
    return select(*extracted).select_from(each).subquery(name)


def _parameter(key: str, values: Mapping[str, Any] | None) -> Any:
    if values is None:
        return bindparam(key, type_=NullType())
    return bindparam(key, values[key], type_=NullType(), unique=True)


def _binder(kind: TypeEngine[Any], dialect: str) -> Callable[[Any], Any]:
    """What makes a value ready for the driver (PostgreSQL) or for JSON (SQLite)."""
    if dialect == "postgresql":
        # psycopg knows our plain types; a decorated one such as `Instant` has its say first.
        return partial(kind.process_bind_param, dialect=_POSTGRESQL) if isinstance(kind, TypeDecorator) else _same
    if isinstance(kind, LargeBinary):
        return lambda value: None if value is None else bytes(value).hex()
    return kind.dialect_impl(_SQLITE).bind_processor(_SQLITE) or _same


def _same(value: Any) -> Any:
    return value
