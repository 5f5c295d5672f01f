"""Two operators: one asks, another decides, and it is done once, also when several try at the same moment."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend import approvals, clock
from backend.approvals import (
    LIFE,
    ApprovalDecided,
    ApprovalExecuted,
    ApprovalExpired,
    NotApproved,
    SecondOperatorNeeded,
)
from backend.errors import NotFound, Refusal
from backend.ids import new_id
from tests.backend.operating import operator
from tests.backend.world import World


class Desk:
    """One request and three operators."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asker, self.second, self.third = (operator(world, name, "finance") for name in ("wang", "li", "zhao"))
        with world.house.transaction() as tx:
            self.request = approvals.request(
                tx, kind="gift", facts={"points": 5}, reason="生日", operator_id=self.asker, now=clock.now()
            )

    def decide(self, who: UUID, *, granted: bool = True, later: timedelta = timedelta()) -> None:
        now = clock.now() + later
        with self.world.house.transaction() as tx:
            approvals.decide(tx, self.request, operator_id=who, granted=granted, reason="", now=now)

    def execute(self, *, later: timedelta = timedelta(), kind: str = "gift") -> None:
        with self.world.house.transaction() as tx:
            approvals.execute(tx, self.request, kind, now=clock.now() + later)

    def status(self, *, later: timedelta = timedelta()) -> str:
        with self.world.house.transaction() as tx:
            (found,) = approvals.newest(tx, now=clock.now() + later)
        return found.status


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_asked_granted_done(desk: Desk) -> None:
    assert desk.status() == "pending"
    desk.decide(desk.second)
    assert desk.status() == "granted"
    desk.execute()
    assert desk.status() == "executed"
    with pytest.raises(ApprovalExecuted):
        desk.execute()


def test_who_asks_does_not_decide(desk: Desk) -> None:
    with pytest.raises(SecondOperatorNeeded):
        desk.decide(desk.asker)
    assert desk.status() == "pending"


@pytest.mark.parametrize("requested_by", ["asker", "second"])
def test_the_database_itself_wants_two(desk: Desk, requested_by: str) -> None:
    """Neither the same operator, nor a decision that says another one had asked."""
    row = {"r": desk.request, "a": getattr(desk, requested_by), "d": desk.asker, "t": clock.now()}
    statement = "INSERT INTO approval_decisions VALUES (:r, :a, :d, :g, '', :t)"
    with pytest.raises(DBAPIError), desk.world.house.transaction() as tx:
        binds = {name: value.hex if isinstance(value, UUID) else value for name, value in row.items()}
        tx.execute(text(statement), binds | {"g": True})


def test_the_first_decision_stands(desk: Desk) -> None:
    desk.decide(desk.second, granted=False)
    with pytest.raises(ApprovalDecided):
        desk.decide(desk.third)
    with pytest.raises(NotApproved):
        desk.execute()
    assert desk.status() == "refused"


def test_nothing_is_done_before_the_decision(desk: Desk) -> None:
    with pytest.raises(NotApproved):
        desk.execute()


def test_what_is_allowed_is_what_was_asked_for(desk: Desk) -> None:
    desk.decide(desk.second)
    with pytest.raises(NotFound):
        desk.execute(kind="another")
    with pytest.raises(NotFound), desk.world.house.transaction() as tx:
        approvals.find(tx, new_id(), now=clock.now())


def test_a_request_does_not_wait_for_ever(desk: Desk) -> None:
    with pytest.raises(ApprovalExpired):
        desk.decide(desk.second, later=LIFE)
    desk.decide(desk.second, later=LIFE - timedelta(seconds=1))
    with pytest.raises(ApprovalExpired):
        desk.execute(later=LIFE)
    assert desk.status(later=LIFE) == "expired"


@pytest.mark.parametrize("table", ["approval_requests", "approval_decisions", "approval_executions"])
def test_the_database_refuses_to_change_it(desk: Desk, table: str) -> None:
    desk.decide(desk.second)
    desk.execute()
    with pytest.raises(DBAPIError, match="append-only"), desk.world.house.transaction() as tx:
        tx.execute(text(f"DELETE FROM {table}"))


def at_once(*jobs: Callable[[], None]) -> list[str]:
    """Run them at the same moment; what became of each, sorted."""
    outcomes: list[str] = []
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        barrier.wait()
        try:
            job()
            outcomes.append("done")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_two_deciders_at_once(world: World) -> None:
    desk = Desk(world)
    jobs = [lambda: desk.decide(desk.second), lambda: desk.decide(desk.third, granted=False)] * 3
    assert at_once(*jobs) == ["APPROVAL_DECIDED"] * 5 + ["done"]


def test_done_once_by_many(world: World) -> None:
    desk = Desk(world)
    desk.decide(desk.second)
    assert at_once(*[desk.execute] * 6) == ["APPROVAL_EXECUTED"] * 5 + ["done"]
