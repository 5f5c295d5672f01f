"""Awards: agreed on by two, paid once whatever happens, kept while the corrected score reaches what they were for."""

from collections import Counter
from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import select

from backend import audit, campaigns, clock, ledger, points
from backend.approvals import Approval
from backend.campaigns import awards
from backend.campaigns.awards.models import CampaignAward
from backend.identity import FINANCE
from backend.ids import new_id
from backend.points import GrantNotCovered, NewBudget
from backend.settlement import register_effects
from tests.backend.campaigns.week import CODE, FIRST, LAST, Week, during
from tests.backend.operating import signed_in

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
CLOSED = clock.start_of_day_after(LAST, 3)
REWARDS = [
    {"kind": "rank", "points": 100, "board": "person-grams-campaign", "first": 1, "last": 1},
    {"kind": "rank", "points": 50, "board": "person-grams-campaign", "first": 2, "last": 3},
    {"kind": "taking_part", "points": 5, "days": 2},
]


@pytest.fixture
def week(database_url: str):
    with time_machine.travel(during(), tick=False) as traveller:
        week = Week(database_url, rewards=REWARDS, budget_points=1_000)
        week.traveller = traveller
        register_effects(week.house.sessions, [awards.CampaignAwards()])
        week.employ(dict.fromkeys(("1", "2", "3", "4"), "总部/研发"))
        for number, km in (("1", "40"), ("2", "30"), ("3", "20"), ("4", "10")):
            week.ride(number, MONDAY, km)
        for number in ("1", "4"):
            week.ride(number, TUESDAY, "1")
        yield week


def fund(week: Week, total: int) -> None:
    """Open the campaign's budget, as its announcement does."""
    title = "环境周 / Environment week"
    budget = NewBudget("acme", "campaign", CODE, title, FIRST, None, total)
    with week.house.transaction() as tx:
        named = {"programme": "acme", "campaign": CODE, "title": title, "factor": "2"}
        points.save_multiplier(tx, **named, first_day=FIRST, last_day=LAST, methodologies=["device_trade_in"])
        points.open_budget(tx, budget, now=clock.now())


def agreed(week: Week) -> Approval:
    """Close the week and let two operators agree on its rewards."""
    week.traveller.move_to(CLOSED)
    campaigns.closing.close(week.house.sessions, week.house.vault.statement_key, CODE)
    who = [signed_in(week.company.world, f"{name}-{new_id()}", FINANCE) for name in ("ada", "ben")]
    with week.house.transaction() as tx:
        asked = awards.request_awards(tx, CODE, operator=who[0], reason="the week is over", now=clock.now())
        return awards.decide_awards(tx, asked, operator=who[1], granted=True, reason="checked", now=clock.now())


def pay(week: Week, limit: int = 500) -> int:
    with week.house.transaction() as tx:
        return awards.pay(tx, now=clock.now(), limit=limit)


def given(week: Week) -> dict[str, Counter[tuple[int, str]]]:
    """Staff number → how often they have an award of so many points in which state."""
    numbers = {holder_id: number for number, holder_id in week.staff.items()}
    found: dict[str, Counter[tuple[int, str]]] = {}
    with week.house.transaction() as tx:
        for row in tx.scalars(select(CampaignAward)):
            found.setdefault(numbers[row.holder_id], Counter())[row.points, row.state] += 1
    return found


def earned(week: Week, number: str) -> dict[str, int]:
    """Account → points of a member, beside the points of the rides (one a gram)."""
    with week.house.transaction() as tx:
        held = ledger.balances(tx, week.staff[number]).get("acme", {})
    return {name.removeprefix("points."): amount for name, amount in held.items() if "points" in name and amount}


def test_rewards_are_paid_once_page_by_page_and_prove_themselves(week: Week) -> None:
    fund(week, 1_000)
    facts = agreed(week).facts
    assert (facts["awards"], facts["points"]) == (5, 100 + 50 + 50 + 5 + 5)
    before = earned(week, "1")
    assert [pay(week, limit=2) for _ in range(4)] == [2, 2, 1, 0], "each page stands by itself: a killed worker goes on"
    assert given(week) == {
        "1": Counter({(100, "paid"): 1, (5, "paid"): 1}),
        "2": Counter({(50, "paid"): 1}),
        "3": Counter({(50, "paid"): 1}),
        "4": Counter({(5, "paid"): 1}),
    }
    assert earned(week, "1")["pending"] == before["pending"] + 105
    week.traveller.shift(timedelta(days=1))
    with week.house.transaction() as tx:
        points.ripen(tx, now=clock.now())
        (budget,) = points.budgets_of(tx, "acme")
        assert budget.drawn == 210
        entries = [item for item in ledger.entries(tx, week.staff["1"], limit=50) if item.transaction.kind == "grant"]
        (entry,) = [item for item in entries if item.transaction.transfers[0].amount == 5]
        receipt = audit.receipt(tx, week.staff["1"], entry.transaction.id)
        assert receipt["sentence_zh"] == "获得“环境周奖励” 5 积分。"
        assert (receipt["activity"], receipt["grant"]["points"], receipt["entry"]["activity_id"]) == (None, 5, None)
        assert audit.replay(tx).differences == []
    week.company.world.check_books()
    eve = signed_in(week.company.world, "eve", FINANCE)
    with week.house.transaction() as tx, pytest.raises(campaigns.NothingToAward):
        awards.request_awards(tx, CODE, operator=eve, reason="again", now=clock.now())


def test_a_budget_that_would_not_do_gives_nothing_and_is_said_before(week: Week) -> None:
    fund(week, 209)
    with pytest.raises(GrantNotCovered):
        agreed(week)
    with week.house.transaction() as tx:
        points.change_budget(tx, 1, 1, approval_id=None, now=clock.now())
    agreed(week)
    with week.house.transaction() as tx:  # somebody else drew from it before it was paid
        points.draw(tx, [points.Wanted("acme", None, CODE, LAST, 1)])
    assert (pay(week), set(map(str, given(week)["1"]))) == (0, {"(100, 'planned')", "(5, 'planned')"})


def test_a_reward_is_kept_while_the_corrected_score_reaches_its_band(week: Week) -> None:
    agreed(week)
    while pay(week):
        pass
    week.take_back("1", TUESDAY)  # the only one in its band
    assert given(week)["1"] == Counter({(100, "taken_back"): 1, (5, "taken_back"): 1})
    assert given(week)["2"] == Counter({(50, "paid"): 1}), "nobody moves up, and nobody loses for another"
    week.take_back("2", MONDAY)
    assert given(week)["2"] == Counter({(50, "taken_back"): 1})
    week.take_back("4", TUESDAY)
    assert given(week)["4"] == Counter({(5, "taken_back"): 1})
    assert given(week)["3"] == Counter({(50, "paid"): 1})
    week.company.world.check_books()


def test_what_was_spent_of_a_reward_becomes_a_debt(week: Week) -> None:
    agreed(week)
    while pay(week):
        pass
    week.traveller.shift(timedelta(days=30))
    with week.house.transaction() as tx:
        points.ripen(tx, now=clock.now())
    mine = earned(week, "4")["available"]
    with week.house.transaction() as tx:
        use = {"holder_id": week.staff["4"], "programme": "acme", "use_id": new_id(), "points": mine}
        points.spend(tx, **use, now=clock.now())
    week.take_back("4", TUESDAY)
    assert earned(week, "4") == {"debt": 46 + 5}
    week.company.world.check_books()


def test_a_score_that_fell_before_it_was_paid_is_not_paid(week: Week) -> None:
    agreed(week)
    week.take_back("1", TUESDAY)
    while pay(week):
        pass
    assert given(week)["1"] == Counter({(100, "withheld"): 1, (5, "withheld"): 1})
    with week.house.transaction() as tx:
        told = awards.awards_of(tx, CODE, week.staff["1"], now=clock.now())
    assert [item["state"] for item in told["awards"]] == ["withheld", "withheld"]
    assert told["result"]["rank_grams"] == 1
