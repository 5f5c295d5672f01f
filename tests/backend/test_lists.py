"""A list is the same list on both databases: every type, None, nothing, and ten thousand rows."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from backend import clock
from backend.activities.models import QuantificationBasis
from backend.database import Amount, Instant
from backend.ids import new_id
from backend.lists import Columns, insert_rows, recordset, update_rows, upsert_rows
from backend.outbox import OutboxRow

COLUMNS: Columns = {
    "uuid": Uuid(),
    "text": Text(),
    "bytes": LargeBinary(),
    "whole": Integer(),
    "small": SmallInteger(),
    "amount": Amount,
    "instant": Instant(),
    "day": Date(),
    "yes": Boolean(),
}
FULL = (
    UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    'so "quoted", \\ [1, 2] 碳普惠 🚲 \u2028 {}',
    bytes(range(256)),
    -(2**31),
    2**15 - 1,
    2**63 - 1,
    datetime(2026, 6, 5, 23, 59, 59, 999_999, tzinfo=UTC),
    date(2026, 2, 28),
    True,
)
EMPTY = (UUID(int=0), "", b"", 0, 0, -(2**63), datetime(1970, 1, 1, tzinfo=UTC), date(1, 1, 1), False)
NOTHING = (None,) * len(COLUMNS)


def read(tx: Session, rows: list[tuple[Any, ...]], columns: Columns = COLUMNS) -> list[tuple[Any, ...]]:
    given = recordset(tx, "given", columns, rows)
    return [tuple(row) for row in tx.execute(select(*(given.c[name] for name in columns)))]


@pytest.mark.parametrize("rows", [[], [FULL], [NOTHING], [FULL, NOTHING, EMPTY, FULL]])
def test_what_goes_in_comes_out(tx: Session, rows: list[tuple[Any, ...]]) -> None:
    assert read(tx, rows) == rows


def test_texts_that_look_like_something_else_stay_texts(tx: Session) -> None:
    texts = ["null", "true", "1", "1.0", "1e400", "{}", "[]", '"', "'", "\\u0041", "NULL", "x'00'", ":name", "%s", "$1"]
    assert read(tx, [(text,) for text in texts], {"text": Text()}) == [(text,) for text in texts]


def test_an_instant_is_the_same_instant_whatever_its_offset(tx: Session) -> None:
    instant = datetime(2026, 6, 5, 8, 30, tzinfo=timezone(timedelta(hours=8)))
    ((found,),) = read(tx, [(instant,)], {"instant": Instant()})
    assert (found, found.tzinfo) == (instant, UTC)


def test_a_naive_instant_is_refused(tx: Session) -> None:
    with pytest.raises((ValueError, StatementError), match="naive"):
        read(tx, [(datetime(2026, 6, 5),)], {"instant": Instant()})


def test_ten_thousand_rows_keep_their_order(tx: Session) -> None:
    rows = [(new_id(), f"行 {number}", number * 10**12) for number in range(10_000)]
    assert read(tx, rows, {"id": Uuid(), "text": Text(), "amount": Amount}) == rows


def test_two_lists_in_one_statement(tx: Session) -> None:
    one = recordset(tx, "one", {"id": Integer(), "text": Text()}, [(1, "a"), (2, "b"), (3, "c")])
    two = recordset(tx, "two", {"id": Integer(), "text": Text()}, [(2, "B"), (3, "C"), (4, "D")])
    joined = select(one.c.text, two.c.text).join_from(one, two, one.c.id == two.c.id).order_by(one.c.id)
    assert tx.execute(joined).all() == [("b", "B"), ("c", "C")]


def test_a_list_updates_rows(tx: Session) -> None:
    tallies = make_tallies(tx, {"a": 1, "b": 2, "c": 3})
    given = recordset(tx, "given", {"name": Text(), "amount": Amount}, [("a", 10), ("c", 30), ("d", 40)])
    tx.execute(update(tallies).values(amount=given.c.amount).where(tallies.c.name == given.c.name))
    assert dict(tx.execute(select(tallies)).all()) == {"a": 10, "b": 2, "c": 30}


def make_tallies(tx: Session, amounts: dict[str, int]) -> Table:
    """A table of the test's own."""
    table = Table("tallies", MetaData(), Column("name", Text, primary_key=True), Column("amount", Amount))
    table.create(tx.connection())
    tx.execute(insert(table), [{"name": name, "amount": amount} for name, amount in amounts.items()])
    return table


def _keep(tx: Session, contents: dict[bytes, str]) -> None:
    insert_rows(tx, QuantificationBasis, [{"hash": key, "content": value} for key, value in contents.items()])


def _kept(tx: Session) -> dict[bytes, str]:
    return {row.hash: row.content for row in tx.execute(select(QuantificationBasis.__table__))}


# -- inserting ---------------------------------------------------------------------------------------------------


def test_no_rows_are_no_statement(tx: Session) -> None:
    assert insert_rows(tx, QuantificationBasis, [], on_conflict=("hash",), returning=("hash",)) == []
    upsert_rows(tx, QuantificationBasis, [], key=("hash",))


def test_returning_tells_what_was_really_inserted(tx: Session) -> None:
    _keep(tx, {b"b": "old"})
    rows = [{"hash": key, "content": "new"} for key in (b"a", b"b", b"c", b"a")]
    inserted = insert_rows(tx, QuantificationBasis, rows, on_conflict=("hash",), returning=("hash",))
    assert [row.hash for row in inserted] == [b"a", b"c"]
    assert _kept(tx) == {b"a": "new", b"b": "old", b"c": "new"}


def test_ten_thousand_rows_are_inserted_at_once(tx: Session) -> None:
    now = clock.now()
    row = {"topic": "t", "holder_id": None, "payload": "{}", "announced_at": now}
    rows = [{"id": new_id()} | row for _ in range(10_000)]
    inserted = insert_rows(tx, OutboxRow, rows, returning=("id",))
    assert [row.id for row in inserted] == [row["id"] for row in rows]
    assert tx.scalar(select(func.count()).select_from(OutboxRow)) == 10_000
    assert {row.announced_at for row in tx.scalars(select(OutboxRow).limit(3))} == {now}


def test_the_order_of_keys_does_not_matter_only_their_names(tx: Session) -> None:
    insert_rows(tx, QuantificationBasis, [{"hash": b"a", "content": "1"}, {"content": "2", "hash": b"b"}])
    assert _kept(tx) == {b"a": "1", b"b": "2"}
    with pytest.raises(KeyError):
        insert_rows(tx, QuantificationBasis, [{"hash": b"c", "content": "3"}, {"hash": b"d"}])


def test_an_upsert_replaces_or_adds(tx: Session) -> None:
    tallies = make_tallies(tx, {"a": 5})
    model: Any = type("Tally", (), {"__table__": tallies})
    upsert_rows(tx, model, [{"name": "a", "amount": 2}, {"name": "b", "amount": 7}], key=("name",), add=True)
    assert dict(tx.execute(select(tallies)).all()) == {"a": 7, "b": 7}
    upsert_rows(tx, model, [{"name": "a", "amount": 1}], key=("name",))
    assert dict(tx.execute(select(tallies)).all()) == {"a": 1, "b": 7}


def test_rows_are_updated_or_added_to_by_their_keys(tx: Session) -> None:
    tallies = make_tallies(tx, {"a": 5, "b": 6, "c": 7})
    model: Any = type("Tally", (), {"__table__": tallies})
    assert update_rows(tx, model, [{"name": "b", "amount": 1}, {"name": "a", "amount": 2}], key=("name",)) == []
    more = [{"name": "a", "amount": 10}, {"name": "x", "amount": 10}]
    there = update_rows(tx, model, more, key=("name",), add=True, returning=("name", "amount"))
    assert [tuple(row) for row in there] == [("a", 12)]
    assert update_rows(tx, model, [], key=("name",), returning=("name",)) == []
    assert dict(tx.execute(select(tallies)).all()) == {"a": 12, "b": 1, "c": 7}
