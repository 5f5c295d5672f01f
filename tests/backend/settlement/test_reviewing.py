"""An operator takes an activity back: once, as one chain, with who and why; and sees who claims what."""

import json
import threading
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import activities, ledger, operator_log, settlement
from backend.errors import NotFound
from backend.identity import OperatorNotAllowed, OperatorView
from backend.ids import new_id
from backend.settlement import NothingToReverse, ReversalIsFinal
from tests.backend.operating import Acting, logged, operator_with_token, run, signed_in
from tests.backend.world import World, cancel, days_ago, trade_in, trip

PHONE = 23_750


def reviewer(world: World, name: str = "li", role: str = "reviewer") -> OperatorView:
    return signed_in(world, name, role)


def settled(world: World, partner: str, event: dict[str, Any]) -> UUID:
    sent = world.send(partner, event)
    world.settle()
    return UUID(world.lines(partner, sent)[0]["activity_id"])


def reverse(world: World, activity_id: UUID, by: OperatorView, reason: str = "伪造序列号") -> bool:
    done = settlement.reverse_after_review(world.house.sessions, activity_id, operator=by, reason=reason)
    world.check_books_at_the_end()
    return done


def log(world: World) -> list[tuple[str, str, str]]:
    with world.house.transaction() as tx:
        assert list(operator_log.differences(tx)) == []
        return [(row.action, row.subject, row.reason) for row in operator_log.read(tx)]


def test_a_decision_takes_the_chain_back_once_and_is_logged(world: World) -> None:
    alice, li = world.person("alice"), reviewer(world)
    activity = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    assert reverse(world, activity, li)
    assert world.balances(alice) == {}
    assert not reverse(world, activity, li, reason="again")
    assert log(world) == [("activity.reversed", f"activity {activity}", "伪造序列号")]


def test_who_lost_the_claim_comes_to_their_right(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    activity = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)))
    settled(world, "zhuanzhuan", trade_in("D2", "bob", "SN-1"))
    assert reverse(world, activity, reviewer(world))
    assert (world.balances(alice), world.balances(bob)["reduction"]) == ({}, PHONE)


def test_a_reversal_is_final(world: World) -> None:
    alice, li = world.person("alice"), reviewer(world)
    activity = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    reverse(world, activity, li)
    with world.house.transaction() as tx:
        issue, back = ledger.entries_of_activities(tx, [(alice, activity)])
    with pytest.raises(ReversalIsFinal):
        reverse(world, back.transaction.id, li)
    for unknown in (issue.transaction.id, new_id()):
        with pytest.raises(NotFound):
            reverse(world, unknown, li)
    assert len(log(world)) == 1


def test_what_was_refused_has_nothing_to_give_back(world: World) -> None:
    world.person("alice")
    activity = settled(world, "transit", trip("T1", "alice", at=days_ago(-2)))
    with pytest.raises(NothingToReverse):
        reverse(world, activity, reviewer(world))
    assert log(world) == []


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_only_a_reviewer_decides(world: World, role: str) -> None:
    alice = world.person("alice")
    activity = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    with pytest.raises(OperatorNotAllowed):
        reverse(world, activity, reviewer(world, role=role))
    assert world.balances(alice)["reduction"] == PHONE


def test_many_decide_at_once_while_the_partner_cancels(world: World) -> None:
    """Whoever is first takes it back; nobody's second decision is logged, and nothing goes back twice."""
    alice, li = world.person("alice"), reviewer(world)
    acts = [settled(world, "zhuanzhuan", trade_in(f"D{n}", "alice", f"SN-{n}")) for n in range(6)]
    for number in range(0, 6, 2):
        world.send("zhuanzhuan", cancel(f"D{number}", "alice"))
    decided: list[UUID] = []

    def decide() -> None:
        for activity in acts:
            if settlement.reverse_after_review(world.house.sessions, activity, operator=li, reason="x"):
                decided.append(activity)

    threads = [threading.Thread(target=job) for job in (decide, decide, decide, world.settle)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.settle()
    world.check_books()
    assert world.balances(alice) == {}
    assert len(decided) == len(set(decided)) and set(acts[1::2]) <= set(decided)
    assert sorted(log(world)) == sorted(("activity.reversed", f"activity {act}", "x") for act in decided)
    with world.house.transaction() as tx:
        reasons = {activities.load(tx, [(alice, act)])[alice, act].status for act in acts}
        twice = "SELECT reverses_id FROM ledger_transactions GROUP BY reverses_id HAVING COUNT(reverses_id) > 1"
        assert (reasons, tx.execute(text(twice)).all()) == ({"taken_back"}, [])


def test_the_commands(world: World, app: Any) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    _, token = operator_with_token(world, "li", "reviewer")
    look = Acting(app, world, "sun", "viewer")
    first = settled(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(5)))
    second = settled(world, "zhuanzhuan", trade_in("D2", "bob", "SN-1"))
    for activity in (first, second):
        told = [line.split() for line in look("activity", "claims", str(activity)).stdout.splitlines()][1:]
        owners = [row for row in told if row[1] == "owner"]
        waiting = [row for row in told if row[1] == "waits"]
        assert str(alice) in owners[0] and str(first) in owners[0] and "zhuanzhuan" in owners[0]
        assert str(bob) in waiting[0] and str(second) in waiting[0] and waiting[0][-1] == "ALREADY_CLAIMED"
    asked = (("claims", str(first)), ("conflicts",))
    said = [json.loads(look("activity", *each, "--json").stdout) for each in asked]
    assert said[0] == said[1]  # the one claim that is contested
    assert (said[0]["owner"]["activity_id"], said[0]["owner"]["status"]) == (str(first), "issued")
    (waits,) = said[0]["contenders"]
    assert (waits["holder_id"], waits["order_no"], waits["reason"]) == (str(bob), "D2", "ALREADY_CLAIMED")
    assert said[0]["contested_since"] == waits["claimed_at"] >= said[0]["owner"]["claimed_at"]
    assert look("activity", "conflicts", "--partner", "shop").stdout == "没有争用 nothing is contested\n"
    command = ("activity", "reverse", str(first), "--operator", "li", "--reason", "伪造")
    assert run(app, *command, token="op_wrong").stderr.startswith("UNKNOWN_OPERATOR")
    assert "taken back" in run(app, *command, token=token).stdout
    again = run(app, *command, token=token)
    assert (again.exit_code, "nothing changed" in again.stdout) == (0, True)
    assert look("activity", "claims", str(new_id())).stderr.startswith("NOT_FOUND")
    assert world.balances(bob)["reduction"] == PHONE
    assert [row["subject"] for row in logged(app, "activity.claims_read")] == [
        f"activity {act}" for act in (first, second, first)
    ]
    (reversed_row,) = logged(app, "activity.reversed")
    assert (reversed_row["before"], reversed_row["after"]) == ({"status": "issued"}, {"status": "taken_back"})
