"""Two databases, the same manners: instants are aware, references hold, a block that raises leaves nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from backend.database import make_engine, session_factory, transaction
from backend.ids import new_id
from backend.outbox import Announcement, OutboxRow, announce

NOW = datetime(2026, 6, 5, 0, 30, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def sessions(engine: Engine) -> Iterator[Any]:
    yield session_factory(engine)


def test_a_block_that_raises_leaves_nothing(sessions: Any) -> None:
    with pytest.raises(RuntimeError), transaction(sessions) as tx:
        announce(tx, [Announcement("t", None, {})], now=NOW)
        raise RuntimeError
    with transaction(sessions) as tx:
        assert tx.scalars(select(OutboxRow)).all() == []


def test_what_was_committed_is_there_for_the_next_one(sessions: Any) -> None:
    with transaction(sessions) as tx:
        announce(tx, [Announcement("reduction.issued", None, {"名": "甲", "b": 1})], now=NOW)
    with transaction(sessions) as tx:
        (row,) = tx.scalars(select(OutboxRow))
    assert (row.topic, row.payload, row.announced_at) == ("reduction.issued", '{"b":1,"名":"甲"}', NOW)


def test_a_connection_that_was_cut_is_replaced_before_it_is_used(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as other:
        engine = make_engine(postgresql_url)
        for _ in range(2):
            with transaction(session_factory(engine)) as tx:
                number = tx.scalar(text("SELECT pg_backend_pid()"))
            assert other.execute("SELECT pg_terminate_backend(%s, 10000)", [number]).fetchone() == (True,)
        engine.dispose()


def test_a_savepoint_goes_back_alone(sessions: Any) -> None:
    with transaction(sessions) as tx:
        announce(tx, [Announcement("kept", None, {})], now=NOW)
        inner = tx.begin_nested()
        announce(tx, [Announcement("undone", None, {})], now=NOW)
        inner.rollback()
    with transaction(sessions) as tx:
        assert tx.scalars(select(OutboxRow.topic)).all() == ["kept"]


def test_a_naive_instant_never_reaches_the_database(sessions: Any) -> None:
    with pytest.raises(StatementError, match="naive"), transaction(sessions) as tx:
        tx.add(OutboxRow(id=new_id(), topic="t", holder_id=None, payload="{}", announced_at=datetime(2026, 6, 5)))


def test_references_hold(sessions: Any) -> None:
    with pytest.raises(IntegrityError), transaction(sessions) as tx:
        tx.execute(text("INSERT INTO person_keys (holder_id, wrapped_key) VALUES (:id, NULL)"), {"id": new_id().hex})


def test_sqlite_is_set_up_to_survive_a_power_cut(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/made/on/the/way.sqlite3")
    with engine.connect() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")]
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    engine.dispose()
    assert (found, synchronous) == (["wal", 1], 2)
