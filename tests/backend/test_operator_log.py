"""The operator log: only grows, and a row that is changed or gone is missed, at the end too."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend import clock, operator_log
from tests.backend.operating import operator
from tests.backend.world import World


@pytest.fixture
def logged(world: World) -> Iterator[World]:
    wang = operator(world, "wang", "reviewer")
    for number in range(4):
        with world.house.transaction() as tx:
            note(tx, number, None if number == 0 else wang)
    yield world


def note(tx: Session, number: int, who: object = None) -> int:
    reason = f"因为 {number}"
    subject = f"A{number}"
    now = clock.now()
    return operator_log.write(tx, operator_id=who, action="act.done", subject=subject, reason=reason, now=now)  # type: ignore[arg-type]


def faults(world: World) -> list[dict[str, object]]:
    with world.house.transaction() as tx:
        return list(operator_log.differences(tx))


def tamper(world: World, *statements: str) -> None:
    """What somebody does who owns the database: triggers off, then write."""
    with world.house.transaction() as tx:
        if tx.get_bind().dialect.name == "postgresql":
            tx.execute(text("ALTER TABLE operator_log DISABLE TRIGGER ALL"))
        else:
            for verb in ("update", "delete"):
                tx.execute(text(f"DROP TRIGGER operator_log_no_{verb}"))
        for statement in statements:
            tx.execute(text(statement))


def test_rows_are_read_in_order(logged: World) -> None:
    with logged.house.transaction() as tx:
        rows = operator_log.read(tx, after=1, limit=2)
    assert [(row.sequence, row.subject, row.reason) for row in rows] == [(2, "A1", "因为 1"), (3, "A2", "因为 2")]
    assert faults(logged) == []


@pytest.mark.parametrize("statement", ["UPDATE operator_log SET reason = 'x'", "DELETE FROM operator_log"])
def test_the_database_refuses_to_change_it(logged: World, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), logged.house.transaction() as tx:
        tx.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operator_log SET reason = 'x' WHERE sequence = 2",
        "UPDATE operator_log SET operator_id = NULL WHERE sequence = 4",
        "DELETE FROM operator_log WHERE sequence = 1",
        "DELETE FROM operator_log WHERE sequence = 3",
        "DELETE FROM operator_log WHERE sequence = 4",
        "DELETE FROM operator_log",
    ],
)
def test_what_is_changed_or_gone_is_missed(logged: World, statement: str) -> None:
    tamper(logged, statement)
    assert faults(logged)


def test_what_is_undone_was_never_logged(logged: World) -> None:
    with pytest.raises(RuntimeError), logged.house.transaction() as tx:
        note(tx, 9)
        raise RuntimeError
    with logged.house.transaction() as tx:
        assert note(tx, 4) == 5
    assert faults(logged) == []


def test_many_at_once_make_one_chain(world: World) -> None:
    def write() -> None:
        for number in range(10):
            with world.house.transaction() as tx:
                note(tx, number)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults(world) == []
    with world.house.transaction() as tx:
        assert [row.sequence for row in operator_log.read(tx)] == list(range(1, 41))
