"""The operator log: only grows, and a row that is changed or gone is missed, at the end too."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend import clock, operator_log, signing
from backend.operator_log import SecretInLog
from tests.backend.operating import operator, operator_with_token
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
    how: dict[str, Any] = {"operator_id": who, "subject": subject, "reason": reason, "now": clock.now()}
    if number % 2:
        how |= {"before": {"price": number, "days": (1, 2)}, "after": {"price": number + 1, "day": clock.today()}}
    return operator_log.write(tx, action="act.done", **how)


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
        "UPDATE operator_log SET before = replace(before, '1', '2') WHERE sequence = 2",
        "UPDATE operator_log SET after = before WHERE sequence = 2",
        "UPDATE operator_log SET after = NULL WHERE sequence = 4",
        "UPDATE operator_log SET before = '{}' WHERE sequence = 1",
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


def test_no_secret_and_nothing_about_a_person_is_written(world: World) -> None:
    """Whoever pastes a token into a reason is told, and nothing is done; a caller that names one is mistaken."""
    _, token = operator_with_token(world, "wang", "viewer")
    said: dict[str, Any] = {"operator_id": None, "action": "act.done", "subject": "A", "reason": "因为"}
    for spoilt in (
        {"reason": f"用 {token} 登录"},
        {"subject": signing.new_secret()},
        {"after": {"url": f"https://platform.example/{token}"}},
    ):
        with pytest.raises(SecretInLog), world.house.transaction() as tx:
            operator_log.write(tx, **(said | spoilt), now=clock.now())
    for name in ("openid", "token", "recipient"):
        with pytest.raises(ValueError, match=name), world.house.transaction() as tx:
            operator_log.write(tx, **said, before={"members": [{name: "x"}]}, now=clock.now())
    with world.house.transaction() as tx:
        assert operator_log.read(tx) == []
