"""Points that are owed: told in words, and written off by two operators, once, within what is owed and a limit."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from backend import approvals, audit, clock, ledger, operator_log, points, settlement
from backend.approvals import ApprovalDecided, SecondOperatorNeeded
from backend.errors import NotFound, Refusal
from backend.identity import OperatorNotAllowed, OperatorView
from backend.points import WriteOffLimit, WriteOffTooLarge
from tests.backend.operating import operator_with_token, run, signed_in
from tests.backend.spending import spend
from tests.backend.world import World, cancel, days_ago, trade_in

PHONE, LIMIT = 23_750, 30_000


class Owing:
    """Alice, who spent the points of a phone whose sale was cancelled (or what else is told), and two operators."""

    def __init__(self, world: World, undone_by: dict[str, Any] | None = None) -> None:
        self.world, self.alice = world, world.person("alice")
        world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
        world.settle()
        with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
            world.ripen()
        spend(world, self.alice, PHONE)
        world.send("zhuanzhuan", undone_by or cancel("D1", "alice"))
        world.settle()
        self.zhao, self.sun = self.operator("zhao"), self.operator("sun")

    def operator(self, name: str, role: str = "finance") -> OperatorView:
        return signed_in(self.world, name, role)

    def ask(self, amount: int, by: OperatorView | None = None, limit: int = LIMIT) -> UUID:
        how = {"operator": by or self.zhao, "reason": "合作方失误", "limit": limit, "now": clock.now()}
        with self.world.house.transaction() as tx:
            return points.request_write_off(tx, self.alice, "members", amount, **how)  # type: ignore[arg-type]

    def decide(self, asked: UUID, by: OperatorView | None = None, *, granted: bool = True, limit: int = LIMIT) -> None:
        how = {"operator": by or self.sun, "reason": "已核实", "limit": limit, "now": clock.now()}
        with self.world.house.transaction() as tx:
            points.decide_write_off(tx, asked, granted=granted, **how)  # type: ignore[arg-type]

    @property
    def debt(self) -> int:
        return self.world.balances(self.alice).get("points.debt", 0)


@pytest.fixture
def owing(world: World) -> Iterator[Owing]:
    found = Owing(world)
    assert found.debt == PHONE
    yield found
    world.check_books()


def test_what_two_agree_on_is_written_off_and_told(owing: Owing) -> None:
    owing.decide(owing.ask(PHONE - 50))
    assert owing.debt == 50
    with owing.world.house.transaction() as tx:
        assert ledger.system_balances(tx)["written_off.points"] == PHONE - 50
        entry = ledger.entries(tx, owing.alice)[0]
        told = audit.receipt(tx, owing.alice, entry.transaction.id)["sentence_zh"]
        rows = [(row.action, row.reason, row.before, row.after) for row in operator_log.read(tx)]
    assert told == f"经审批，您的 {PHONE - 50} 待扣回积分已核销，不再从之后的积分中扣回。"
    wanted = f'{{"holder_id":"{owing.alice}","points":{PHONE - 50},"programme":"members","status":"pending"}}'
    assert rows == [
        ("points.write_off_requested", "合作方失误", f'{{"owed":{PHONE}}}', wanted),
        (
            *("points.write_off_granted", "已核实"),
            *(f'{{"owed":{PHONE},"status":"pending"}}', '{"owed":50,"status":"executed"}'),
        ),
    ]


def test_what_is_refused_changes_nothing(owing: Owing) -> None:
    asked = owing.ask(100)
    owing.decide(asked, granted=False)
    with pytest.raises(ApprovalDecided):
        owing.decide(asked)
    assert owing.debt == PHONE


def test_nobody_writes_off_alone_or_without_the_role(owing: Owing) -> None:
    asked = owing.ask(100)
    with pytest.raises(SecondOperatorNeeded):
        owing.decide(asked, owing.zhao)
    li = owing.operator("li", "reviewer")
    with pytest.raises(OperatorNotAllowed):
        owing.decide(asked, li)
    with pytest.raises(OperatorNotAllowed):
        owing.ask(100, li)
    assert owing.debt == PHONE


@pytest.mark.parametrize("granted", [True, False])
def test_only_write_offs_are_decided_here(owing: Owing, granted: bool) -> None:
    with owing.world.house.transaction() as tx:
        how = {"facts": {}, "reason": "", "operator_id": owing.zhao.id, "now": clock.now()}
        other = approvals.request(tx, kind="another", **how)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        owing.decide(other, granted=granted)
    with owing.world.house.transaction() as tx:
        assert approvals.find(tx, other, now=clock.now()).status == "pending"


def test_no_more_than_is_owed_then(owing: Owing) -> None:
    with pytest.raises(WriteOffTooLarge):
        owing.ask(PHONE + 1)
    first, second = owing.ask(PHONE), owing.ask(PHONE)
    owing.decide(first)
    with pytest.raises(WriteOffTooLarge):
        owing.decide(second)
    assert owing.debt == 0
    with owing.world.house.transaction() as tx:
        assert approvals.find(tx, second, now=clock.now()).status == "pending", "the decision was undone as well"


def test_no_more_than_the_limit_of_a_person(owing: Owing) -> None:
    owing.decide(owing.ask(600, limit=1_000), limit=1_000)
    with pytest.raises(WriteOffLimit):
        owing.ask(401, limit=1_000)
    owing.decide(owing.ask(400, limit=1_000), limit=1_000)
    assert owing.debt == PHONE - 1_000


def test_two_write_offs_at_once_stay_within_the_limit(world: World) -> None:
    owing = Owing(world)
    asked = [owing.ask(600, limit=1_000) for _ in range(4)]
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def decide(request: UUID) -> None:
        barrier.wait()
        try:
            owing.decide(request, limit=1_000)
            outcomes.append("done")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=decide, args=(request,)) for request in asked * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("done") == 1 and set(outcomes) <= {"done", "WRITE_OFF_LIMIT", "APPROVAL_DECIDED"}
    assert owing.debt == PHONE - 600
    world.check_books()


def test_debt_is_paid_from_later_points_once(owing: Owing) -> None:
    """What was written off is not taken again, and an act taken back later owes only its own."""
    owing.decide(owing.ask(PHONE - 100))
    sent = owing.world.send("zhuanzhuan", trade_in("D2", "alice", "SN-2"))
    owing.world.settle()
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        owing.world.ripen()
    assert owing.world.balances(owing.alice) == {"reduction": PHONE, "points.available": PHONE - 100}
    key = owing.alice, UUID(owing.world.lines("zhuanzhuan", sent)[0]["activity_id"])
    with owing.world.house.transaction() as tx:
        settlement.reverse(tx, [key], now=clock.now())
    assert owing.debt == 100


def test_what_was_written_off_is_not_given_twice_when_what_was_spent_comes_back(owing: Owing) -> None:
    """As if the refund had come first: no points, no debt and nothing written off are left of it."""
    owing.decide(owing.ask(PHONE))
    owing.world.send("zhuanzhuan", trade_in("D2", "alice", "SN-2"))
    owing.world.settle()
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        owing.world.ripen()
        assert owing.world.balances(owing.alice)["points.available"] == PHONE, "another act pays nothing back"
    with owing.world.house.transaction() as tx:
        (use_id,) = tx.scalars(text("SELECT id FROM points_uses")).all()
        asked = {"holder_id": owing.alice, "use_id": UUID(str(use_id)), "reason": "CANCELLED"}
        points.refund(tx, **asked, now=clock.now())  # type: ignore[arg-type]
    assert owing.debt == 0
    assert owing.world.balances(owing.alice)["points.available"] == PHONE
    with owing.world.house.transaction() as tx:
        held = ledger.system_balances(tx)
        assert {name: held[name] for name in ("written_off.points", "owed.points", "spent.points")} == {
            "written_off.points": 0,
            "owed.points": 0,
            "spent.points": 0,
        }
        entry = ledger.entries(tx, owing.alice)[0]
        assert entry.transaction.kind == "write_off.recovered"
        told = audit.receipt(tx, owing.alice, entry.transaction.id)["sentence_zh"]
    assert f"其中 {PHONE} 积分抵回此前为同一行为核销的待扣回积分" in told


def test_what_was_written_off_is_not_given_twice_when_its_act_is_credited_again(world: World) -> None:
    """Alice's phone is Bob's by an earlier claim until his is cancelled; meanwhile most of her debt is written off."""
    bob = world.person("bob")
    owing = Owing(world, trade_in("B1", "bob", "SN-1", occurred_at=days_ago(5)))
    assert owing.debt == PHONE
    owing.decide(owing.ask(PHONE - 750))
    world.send("zhuanzhuan", cancel("B1", "bob"))
    world.settle()
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        world.ripen()
    assert owing.debt == 0 and world.balances(bob) == {}
    assert world.balances(owing.alice) == {"reduction": PHONE}, "one phone's points, which were spent"
    with world.house.transaction() as tx:
        assert ledger.system_balances(tx)["written_off.points"] == 0
    world.check_books()


def test_the_commands(owing: Owing, app: Any) -> None:
    tokens = {name: operator_with_token(owing.world, name, "finance")[1] for name in ("wu", "zheng")}
    ask = ("debt", "write-off", str(owing.alice), "members", "300", "--operator", "wu", "--reason", "失误")
    asked = run(app, *ask, token=tokens["wu"]).stdout.strip()
    decide = ("approval", "decide", asked, "--grant", "--reason", "已核实", "--operator")
    assert run(app, *decide, "wu", token=tokens["wu"]).stderr.startswith("SECOND_OPERATOR_NEEDED")
    assert "points.write_off 已批准并执行" in run(app, *decide, "zheng", token=tokens["zheng"]).stdout
    assert run(app, *decide, "zheng", token=tokens["zheng"]).stderr.startswith("APPROVAL_DECIDED")
    (told,) = [json.loads(line) for line in run(app, "approval", "list").stdout.splitlines()]
    assert json.loads(run(app, "approval", "show", asked).stdout) == told
    assert run(app, "approval", "list", "--pending").stdout == ""
    assert (told["facts"]["points"], told["requested_by"], told["decided_by"], told["status"]) == (
        300,
        "wu",
        "zheng",
        "executed",
    )
    too_many = run(app, *ask[:4], "20000", *ask[5:], token=tokens["wu"])
    assert too_many.stderr.startswith("WRITE_OFF_LIMIT") and owing.debt == PHONE - 300
