"""The reference of the settlement benchmark: rows that are known beforehand, written by hand with psycopg.

Per batch and table one `INSERT … SELECT FROM unnest(…)`, one upsert of the balances, one update of the inbox, one
commit, into the same tables with the same indexes and constraints. The rows are those that settling wrote: `Recorder`
finds them by the number of the transaction that wrote them, so a new table needs no word here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backend.database import Base

Row = tuple[Any, ...]
Sizes = dict[str, tuple[int, int]]
Connection = psycopg.Connection[Row]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch wrote: new rows by table, the changed columns of the inbox (the id first), and what was added to
    balances (their key, then the amount)."""

    added: dict[str, list[Row]]
    finished: list[Row]
    credited: list[Row]


@dataclass(slots=True)
class Round:
    """The inbox before a round, what its batches wrote, and which columns of the inbox they changed."""

    waiting: list[Row]
    batches: list[Batch] = field(default_factory=list)


#: The columns of the inbox that settling changes, and the key of a balance.
FINISHED = ("id", "state", "sealed_body", "holder_id", "order_no", "outcome")
BALANCE = ("holder_id", "programme", "account")
TABLES = tuple(table.name for table in Base.metadata.sorted_tables if table.name not in ("inbox", "balances"))


class Recorder:
    """Finds out what settling writes into a database."""

    def __init__(self, source: Connection) -> None:
        self._source = source
        self._balances = self._read_balances()

    def begin_round(self) -> Round:
        """A round whose events wait in the inbox."""
        return Round(self._rows("SELECT * FROM inbox WHERE state = 'waiting' ORDER BY ctid"))

    def watch(self, settle: Callable[[], int]) -> Batch | None:
        """What one call of `settle` writes; None when nothing was left to settle."""
        snapshot = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295"
        [(horizon,)] = self._rows(snapshot)
        if not settle():
            return None
        written = "WHERE xmin::text::bigint >= %s ORDER BY ctid"
        added = {table: self._rows(f"SELECT * FROM {table} {written}", horizon) for table in TABLES}
        finished = self._rows(f"SELECT {', '.join(FINISHED)} FROM inbox {written}", horizon)
        before, self._balances = self._balances, self._read_balances()
        credited = [
            (*key, amount - before.get(key, 0))
            for key, amount in sorted(self._balances.items())
            if amount != before.get(key)
        ]
        return Batch({table: rows for table, rows in added.items() if rows}, finished, credited)

    def _read_balances(self) -> dict[Row, int]:
        return {row[:-1]: row[-1] for row in self._rows(f"SELECT {', '.join(BALANCE)}, amount FROM balances")}

    def _rows(self, statement: str, *values: object) -> list[Row]:
        return self._source.execute(cast(Any, statement), values or None).fetchall()


class Writer:
    """Writes batches, sending arrays as `text` or in `binary`."""

    def __init__(self, target: Connection, encoding: str) -> None:
        self._target = target
        self._placeholder = {"text": "%s", "binary": "%b"}[encoding]
        self._inserts = {table: self._insert(table) for table in (*TABLES, "inbox")}
        types: dict[str, str] = dict(cast(Any, self._columns("inbox")))
        self._finish = SQL("UPDATE inbox SET {} FROM {} WHERE inbox.id = given.id").format(
            SQL(", ").join(SQL("{0} = given.{0}").format(Identifier(name)) for name in FINISHED[1:]),
            self._unnest([(name, types[name]) for name in FINISHED]),
        )
        key = SQL(", ").join(map(Identifier, BALANCE))
        self._credit = SQL(
            "INSERT INTO balances ({0}, amount) SELECT * FROM {1} "
            "ON CONFLICT ({0}) DO UPDATE SET amount = balances.amount + excluded.amount"
        ).format(key, self._unnest(self._columns("balances")))

    def receive(self, waiting: Sequence[Row]) -> None:
        """Fill the inbox, as it was before the round."""
        self._execute(self._inserts["inbox"], waiting)
        self._target.commit()

    def write(self, batch: Batch) -> None:
        """Write one batch and commit."""
        for table, rows in batch.added.items():
            self._execute(self._inserts[table], rows)
        self._execute(self._credit, batch.credited)
        self._execute(self._finish, batch.finished)
        self._target.commit()

    def _execute(self, statement: Composed, rows: Sequence[Row]) -> None:
        if rows:
            self._target.execute(statement, [list(values) for values in zip(*rows, strict=True)])

    def _insert(self, table: str) -> Composed:
        columns = self._columns(table)
        names = SQL(", ").join(Identifier(name) for name, _ in columns)
        return SQL("INSERT INTO {} ({}) SELECT * FROM {}").format(Identifier(table), names, self._unnest(columns))

    def _unnest(self, columns: Sequence[Row]) -> Composed:
        names = SQL(", ").join(Identifier(name) for name, _ in columns)
        arrays = SQL(", ").join(SQL(cast(Any, f"{self._placeholder}::{kind}[]")) for _, kind in columns)
        return SQL("unnest({}) AS given({})").format(arrays, names)

    def _columns(self, table: str) -> list[Row]:
        """Names and types, in order."""
        return self._target.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        ).fetchall()


def sizes(connection: Connection) -> Sizes:
    """Rows and bytes of every table."""
    found = {}
    for table in sorted((*TABLES, "inbox", "balances")):
        row = connection.execute(
            SQL("SELECT count(*), coalesce(sum(pg_column_size(t.*)), 0)::bigint FROM {} AS t").format(Identifier(table))
        ).fetchone()
        assert row
        found[table] = (row[0], row[1])
    return found
