"""`flask redemption` and `flask member steward`: what operators decide is done once, told to the member, and logged."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from backend import clock, identity, operator_log, rewards
from backend.rewards import Limits
from backend.rewards.redemptions.limits import limits_on
from tests.backend.operating import operator_with_token, run
from tests.backend.rewards.redeeming import Redeemer
from tests.backend.rewards.stocked import stock_up
from tests.backend.world import World


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_operators_decide(world: World, app: Any) -> None:
    roles = {"rita": "reviewer", "finn": "finance", "fay": "finance", "ada": "administrator"}
    tokens = {name: operator_with_token(world, name, role)[1] for name, role in roles.items()}
    stock_up(world, codes=("AAA-1", "AAA-2"), mugs=2, per_person=None)
    today, alice = clock.today(), Redeemer(world, "alice", 1_000)
    with world.house.transaction() as tx:
        limits = Limits(review_count=1, review_minutes=60)
        rewards.save_limits(tx, "members", limits, in_force_from=today, announced_on=today)
    coffee = alice.redeem("coffee", 100)[1]["id"]
    waiting = [alice.redeem("mug", 300)[1]["id"] for _ in range(2)]

    def act(by: str, *arguments: str, code: str = "") -> str:
        """A command of an operator; with a `code` it is refused with that."""
        done = run(app, *arguments, "--operator", by, "--reason", "because", token=tokens[by])
        assert done.exit_code == (1 if code else 0) and done.stderr.startswith(code), done.output + done.stderr
        return str(done.stdout.strip())

    listed = [json.loads(line) for line in run(app, "redemption", "review").stdout.splitlines()]
    assert [(item["id"], item["why"]) for item in listed] == [(one, "MANY_AT_ONCE") for one in waiting]
    act("finn", "redemption", "approve", waiting[0], code="OPERATOR_NOT_ALLOWED")
    act("rita", "redemption", "approve", waiting[0])
    act("rita", "redemption", "refuse", waiting[1], "--told", "请联系客服")
    act("rita", "redemption", "refuse", waiting[1], code="REDEMPTION_CHANGED")
    act("rita", "redemption", "refund", coffee, "--told", "门店关闭", code="OPERATOR_NOT_ALLOWED")
    act("finn", "redemption", "refund", coffee, "--told", "门店关闭")
    shown = run(app, "redemption", "show", coffee)
    assert json.loads(shown.stdout)["steps"][-1]["told"] == "门店关闭" and "AAA-1" not in shown.output
    assert run(app, "redemption", "show", str(alice.holder)).exit_code == 1
    assert alice.points == {"available": 700}
    begins = (today + timedelta(days=1)).isoformat()
    asked = act("finn", "redemption", "limits", "members", "points_per_day=300", "--from", begins)
    act("finn", "approval", "decide", asked, "--grant", code="SECOND_OPERATOR_NEEDED")
    act("fay", "approval", "decide", asked, "--grant")
    act("finn", "redemption", "limits", "members", "per_hour=1", "--from", begins, code="INVALID_REDEMPTION_LIMITS")
    with world.house.transaction() as tx:
        assert limits_on(tx, "members", today + timedelta(days=1)) == Limits(points_per_day=300)
        class_id = identity.open_class_account(tx, world.house.vault, "members", now=clock.now())
    act("ada", "member", "steward", str(class_id), str(alice.holder), "--until", begins)
    may_see(world, alice.holder, class_id)
    act("ada", "member", "steward", str(class_id), str(alice.holder), "--end")
    act("ada", "member", "steward", str(class_id), str(alice.holder), "--end", code="NOT_FOUND")
    with world.house.transaction() as tx:
        log = list(operator_log.read(tx))
        assert list(operator_log.differences(tx)) == []
    assert [row.action for row in log] == [
        *("redemption.approved", "redemption.refused", "redemption.refunded"),
        *("rewards.limits_requested", "rewards.limits_granted", "steward.appointed", "steward.ended"),
    ]
    appointed, ended = ({"before": row.before, "after": row.after} for row in log[-2:])
    assert appointed["before"] is None and ended["before"] == appointed["after"] != ended["after"]
    assert '"until":null' not in str(ended["after"]) and appointed["after"] is not None
    world.check_books()


def may_see(world: World, person: UUID, account: UUID) -> None:
    with world.house.transaction() as tx:
        identity.may_see(tx, person, account, now=clock.now())
