"""Budgets: drawn to exactly their limit, given back what went back to the issuer, and provable from lots and books."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from backend import approvals, clock, identity, points
from backend.errors import Refusal
from backend.points import BudgetBelowDrawn, NewBudget, Returned, RuleTooLate, Wanted
from tests.backend.operating import signed_in
from tests.backend.spending import spend
from tests.backend.world import World, cancel, trade_in

PHONE = 23_750
DAY = date(2026, 6, 1)
MEMBERS = NewBudget("members", "programme", "members", "会员计划积分预算 / Members' budget", DAY, None, 100)
WEEK = replace(MEMBERS, scope="partner", scope_code="transit", last_day=DAY + timedelta(days=6), points=70)


def wanted(amount: int, partner: str | None = "transit", day: date = DAY, campaign: str | None = None) -> Wanted:
    return Wanted("members", partner, campaign, day, amount)


def open_budgets(tx: Any, *budgets: NewBudget) -> list[int]:
    return [points.open_budget(tx, budget, now=clock.now()) for budget in budgets]


def drawn(tx: Any) -> list[int]:
    return [budget.drawn for budget in points.budgets_of(tx, "members")]


def test_a_wish_gets_the_least_of_what_is_left_and_budgets_end_at_their_limit(world: World) -> None:
    with world.house.transaction() as tx:
        assert [item.points for item in points.draw(tx, [wanted(10**9)])] == [10**9], "no budget, no limit"
        whole, week = open_budgets(tx, MEMBERS, WEEK)
        wishes = [wanted(40), wanted(0), wanted(40), wanted(1), wanted(50, "shop"), wanted(9, day=DAY - timedelta(1))]
        answers = points.draw(tx, wishes)
        assert [item.points for item in answers] == [40, 0, 30, 0, 30, 9], "nothing before a budget begins is bound"
        assert [item.drawn_from for item in answers] == [f"{whole} {week}", None, f"{whole} {week}", None, "1", None]
        cuts = [item.cut and (item.cut.budget, item.cut.why) for item in answers]
        assert cuts == [None, None, (week, "used_up"), (week, "used_up"), (whole, "used_up"), None]
        assert drawn(tx) == [100, 70]
        points.give_back(tx, [Returned(f"{whole} {week}", 25), Returned(None, 5), Returned(str(whole), 5)])
        assert drawn(tx) == [70, 45]
        assert [item.points for item in points.draw(tx, [wanted(60)])] == [25], "what went back is drawn at once"
        points.give_back(tx, [Returned(f"{whole} {week}", 10)])
        assert points.take_up_returned(tx) == 2
        assert (points.take_up_returned(tx), drawn(tx)) == (0, [85, 60])
        late = points.draw(tx, [wanted(5, day=DAY + timedelta(days=7)), wanted(5, "shop", DAY + timedelta(days=7))])
        assert [(item.points, item.cut and item.cut.why) for item in late] == [(0, "ended"), (5, None)]


def test_points_spent_before_their_act_was_taken_back_stay_drawn_until_the_debt_is_paid(world: World) -> None:
    alice = world.person("alice")

    def after(days: int) -> int:
        """What is drawn once so many days have passed; the books agree."""
        with time_machine.travel(clock.now() + timedelta(days=days), tick=False):
            world.ripen()
        world.check_books()
        with world.house.transaction() as tx:
            return drawn(tx)[0]

    with world.house.transaction() as tx:
        open_budgets(tx, replace(MEMBERS, first_day=date(2025, 1, 1), points=PHONE + 10_000))
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    world.settle()
    assert after(30) == PHONE
    spend(world, alice, PHONE)
    world.send("zhuanzhuan", cancel("D1", "alice"))
    world.send("zhuanzhuan", trade_in("D2", "alice", "SN-2"))
    world.settle()
    assert world.balances(alice)["points.debt"] == PHONE
    assert after(0) == PHONE + 10_000, "returning what was paid for with points does not reopen a budget"
    assert after(30) == PHONE, "what pays the debt can be drawn again"
    assert world.balances(alice)["points.debt"] == PHONE - 10_000


def test_a_budget_is_not_lowered_below_what_is_drawn_and_its_faults_are_found(world: World) -> None:
    with world.house.transaction() as tx:
        (number,) = open_budgets(tx, MEMBERS)
        points.draw(tx, [wanted(60)])
        with pytest.raises(BudgetBelowDrawn):
            points.change_budget(tx, number, -41, now=clock.now())
        points.change_budget(tx, number, -40, now=clock.now())
        assert points.draw(tx, [wanted(1)])[0].points == 0
        points.change_budget(tx, number, 7, now=clock.now())
        assert points.draw(tx, [wanted(9)])[0].points == 7
        assert list(points.differences(tx)) == [
            {"fault": "BUDGET", "budget": number, "what": "drawn", "stored": 67, "proven": 0}
        ], "what no lot drew is found"


def test_a_budget_limits_no_act_of_a_day_before_it_was_agreed_upon(world: World) -> None:
    """Asked for in time and decided too late: what is done and not settled yet is not cut by what nobody knew of."""
    zhao, sun = signed_in(world, "zhao", "finance"), signed_in(world, "sun", "finance")
    first = clock.today() + timedelta(days=1)
    with world.house.transaction() as tx:
        new = replace(MEMBERS, first_day=first)
        late, asked = (
            points.request_new_budget(tx, new, operator=zhao, reason="resolution", now=clock.now()) for _ in range(2)
        )

    def grant(request: Any, now: Any) -> None:
        with world.house.transaction() as tx:
            points.decide_budget(tx, request, operator=sun, granted=True, reason="as resolved", now=now)

    with pytest.raises(RuleTooLate):
        grant(late, clock.start_of(first) - timedelta(minutes=9))
    grant(asked, clock.now())
    with world.house.transaction() as tx:
        assert approvals.find(tx, late, now=clock.now()).status == "pending"
        (opened,) = points.budgets_of(tx)
        answers = points.draw(tx, [wanted(150, day=first - timedelta(days=1)), wanted(150, day=first)])
    assert (opened.announced_on, [item.points for item in answers]) == (clock.today(), [150, 100])


def test_a_campaign_has_a_budget_only_where_it_draws_from_it(world: World) -> None:
    days = {"first_day": DAY, "last_day": DAY + timedelta(days=6)}

    def refused(**changed: Any) -> tuple[str, Any]:
        with pytest.raises(Refusal) as refusal, world.house.transaction() as tx:
            open_budgets(tx, replace(MEMBERS, **({"scope": "campaign", "scope_code": "week"} | changed)))
        return refusal.value.code, refusal.value.facts.get("wrong")

    with world.house.transaction() as tx:
        identity.save_programme(tx, code="other", kind="consumer", title_zh="另", title_en="O", profile="CN-DEFAULT")
        points.save_multiplier(tx, programme="members", campaign="week", factor="2", **days)
        open_budgets(tx, replace(MEMBERS, scope="campaign", scope_code="week", last_day=DAY))
    assert refused(scope_code="month") == ("UNKNOWN_MULTIPLIER", None)
    assert refused(programme="other") == ("UNKNOWN_MULTIPLIER", None)
    assert refused(first_day=DAY + timedelta(days=7)) == ("INVALID_BUDGET", ["first_day"])
    day_before = DAY - timedelta(days=1)
    assert refused(first_day=day_before, last_day=day_before) == ("INVALID_BUDGET", ["last_day"])
