"""What acts earn: rules by methodology, caps, campaigns and budgets; what is cut is told, and a change counts later."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import miniprogram_api
from backend import approvals, audit, clock, create_app, ledger, points
from backend.points import Cap, NewBudget, NewRule, Rule, RuleTooLate
from methodologies import library
from tests.backend.acting import allow_every_act, settle_act
from tests.backend.operating import operator_with_token, run, signed_in
from tests.backend.world import World, cancel, days_ago, trade_in, trip

RIDE, PHONE = 579, 23_750
#: The Monday of the week of the acts.
MONDAY = date(2026, 6, 1)


def set_rule(world: World, **stated: Any) -> None:
    """Version 2 of the rule of the world, in force long enough for every act of a test."""
    with world.house.transaction() as tx:
        begins = clock.today() - timedelta(days=200)
        assert points.save_rule(tx, programme="members", version=2, in_force_from=begins, **stated)


def campaign(world: World, code: str, factor: str, **stated: Any) -> None:
    days = {"first_day": clock.today() - timedelta(days=100), "last_day": clock.today() + timedelta(days=100)}
    with world.house.transaction() as tx:
        points.save_multiplier(tx, programme="members", campaign=code, factor=factor, **days | stated)


def settle(world: World, partner: str, *told: dict[str, Any]) -> list[dict[str, Any]]:
    """Settle events together; the first line of each. The books are sound."""
    sent = [world.send(partner, one) for one in told]
    world.settle()
    world.check_books()
    return [world.lines(partner, each)[0] for each in sent]


def ride(order: str, day: int = 3, hour: int = 9) -> dict[str, Any]:
    return trip(order, "alice", at=days_ago(day, hour))


def lots(world: World, order: str) -> list[tuple[str | None, int]]:
    """Campaign and points of the lots that stand of an act."""
    query = """SELECT l.campaign, l.amount FROM points_lots l JOIN activities a
        ON a.holder_id = l.holder_id AND a.id = l.activity_id
        WHERE a.order_no = :order AND l.taken_back_at IS NULL ORDER BY l.campaign IS NOT NULL, l.campaign"""
    with world.house.transaction() as tx:
        return [(row.campaign, int(row.amount)) for row in tx.execute(text(query), {"order": order})]


def receipts(world: World, holder: UUID, kind: str) -> list[dict[str, Any]]:
    with world.house.transaction() as tx:
        found = [item for item in ledger.entries(tx, holder, limit=100) if item.transaction.kind == kind]
        return [audit.receipt(tx, holder, item.transaction.id) for item in reversed(found)]


@pytest.fixture
def alice(world: World) -> UUID:
    return world.person("alice")


# -- rates and caps ----------------------------------------------------------------------------------------------


def test_each_methodology_has_its_rate_and_acts_without_one_their_fixed_points() -> None:
    texts = {"rates": '{"metro_ride": "1/3", "bus_ride": "0"}', "fixed_points": '{"bus_ride": 10}', "caps": "[]"}
    days = {"announced_on": date(2025, 1, 1), "in_force_from": date(2025, 1, 1)}
    rule = Rule.parse(
        programme="members", version=1, points_per_gram="2", expires_after_days=1, note="", **texts, **days
    )
    earned = {code: rule.points_for(code, 299, 0) for code in ("metro_ride", "bus_ride", "bicycle_ride")}
    assert earned == {"metro_ride": 99, "bus_ride": 10, "bicycle_ride": 598}
    assert rule.points_for("bus_ride", 0, 0) == 0, "nothing was reduced"
    assert all(code in library().codes for code in earned)


@pytest.mark.parametrize(
    ("period", "first"),
    [("day", date(2026, 6, 3)), ("week", MONDAY), ("month", date(2026, 6, 1))],
)
def test_a_week_begins_on_monday(period: str, first: date) -> None:
    assert Cap("c", period, 1).starts_on(date(2026, 6, 3)) == first
    assert Cap("c", "week", 1).starts_on(date(2026, 6, 7)) == MONDAY
    assert Cap("c", "month", 1).starts_on(date(2026, 5, 31)) == date(2026, 5, 1)


def test_a_cap_gives_what_is_left_tells_so_and_makes_room_again(world: World, alice: UUID) -> None:
    """Two rides fit into 1,000 points in part; the phone of the same day is not held back by the cap of rides."""
    set_rule(world, caps=[Cap("rides", "day", 1_000, ("metro_ride",)), Cap("month", "month", 100_000)])
    first, second, third = settle(world, "transit", ride("T1"), ride("T2", hour=11), ride("T3", hour=13))
    assert [line["points"] for line in (first, second, third)] == [RIDE, 1_000 - RIDE, 0]
    assert settle(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))[0]["points"] == PHONE
    assert settle(world, "transit", ride("T4", day=4))[0]["points"] == RIDE, "another day"
    assert world.balances(alice)["reduction"] == 4 * RIDE + PHONE, "reductions are credited in full"

    _, cut, none, _ = (
        item["points"] for item in receipts(world, alice, "issue") if item["activity"]["partner"] == "transit"
    )
    assert (cut["points"], cut["rule"]["version"], cut["cuts"][0]["code"]) == (1_000 - RIDE, 2, "POINTS_CAP_DAY")
    assert "当日积分上限“rides”为 1000 积分" in cut["cuts"][0]["zh"]
    assert (none["points"], none["rule"]["version"], none["lot"], none["cuts"][0]["granted"]) == (0, 2, None, 0)
    told = receipts(world, alice, "issue")[2]["sentence_zh"]
    assert "不产生积分" in told and "应得 579 积分，实得 0 积分" in told

    settle(world, "transit", cancel("T1", "alice"))
    assert (lots(world, "T2"), lots(world, "T3")) == ([(None, 1_000 - RIDE)], []), "what was cut stays cut"
    again = ride("T5", hour=15)
    assert settle(world, "transit", again)[0]["points"] == RIDE
    settle(world, "transit", {**again, "type": "order.corrected", "data": again["data"] | {"revision": 2}})
    assert lots(world, "T5") == [(None, RIDE)], "a corrected act finds its own room"
    with world.house.transaction() as tx:
        tx.execute(text("UPDATE points_cap_counts SET points = points + 1 WHERE cap = 'rides'"))
        assert {row["fault"] for row in points.differences(tx)} == {"CAPS"}
        tx.execute(text("UPDATE points_lots SET amount = amount + 1 WHERE amount = 421"))
        (told,) = audit.replay(tx).differences
        assert (told["field"], told["recorded"], told["recomputed"]) == ("points", 422, 421), (
            "points are recomputed too"
        )
        tx.rollback()


def test_parallel_workers_never_pass_a_cap(postgresql_url: str) -> None:
    """Acts of different days of a week hold different days; the count of the week is what they wait for."""
    world = World(postgresql_url)
    alice = world.person("alice")
    allow_every_act(world.house, alice)
    with world.house.transaction() as tx:
        begins = clock.today() - timedelta(days=60)
        points.save_rule(tx, programme="members", version=3, in_force_from=begins, caps=[Cap("week", "week", 1_000)])
    last_monday = clock.today().weekday() + 7

    def settle_one(number: int) -> int:
        at = days_ago(last_monday - number)
        ride = {"distance_km": "12.4"}
        return settle_act(
            world.house, alice, "metro_ride", ride, f"R{number}", at=at, ended_at=at + timedelta(hours=1)
        ).points

    with ThreadPoolExecutor(6) as workers:
        given = list(workers.map(settle_one, range(6)))
    assert (sum(given), sorted(given, reverse=True)[:2]) == (1_000, [RIDE, 1_000 - RIDE])
    world.check_books()


# -- campaigns and budgets ---------------------------------------------------------------------------------------


def test_bonuses_are_entries_of_their_own_and_go_back_with_the_act(world: World, alice: UUID) -> None:
    """Each campaign adds to the points of the act, none to another; corrections and cancellations take all back."""
    campaign(world, "env-week", "2", title="环境周 / Environment week", methodologies=["metro_ride"])
    campaign(world, "spring", "4/3")
    campaign(world, "over", "9", last_day=clock.today() - timedelta(days=5))
    (line,) = settle(world, "transit", ride("T1"))
    assert lots(world, "T1") == [(None, RIDE), ("env-week", RIDE), ("spring", RIDE // 3)]
    assert line["points"] == world.balances(alice)["points.pending"] == 2 * RIDE + RIDE // 3
    week, spring = receipts(world, alice, "bonus")
    assert (week["points"]["points"], week["points"]["multiplier"]["factor"]) == (RIDE, "2")
    assert (
        week["sentence_zh"].startswith(f"{days_ago(3).year} 年") and "获得“环境周”加成 579 积分" in week["sentence_zh"]
    )
    assert (spring["points"]["rule"]["version"], spring["activity"]["order_no"]) == (1, "T1")
    with world.house.transaction() as tx:
        tx.execute(text("UPDATE points_lots SET taken_back_at = available_at WHERE campaign = 'spring'"))
        (told,) = audit.replay(tx).differences
        assert (told["field"], told["recorded"], told["recomputed"]) == ("points of spring", 0, RIDE // 3)
        tx.rollback()
    assert settle(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))[0]["points"] == PHONE + PHONE // 3

    longer = trip("T1", "alice", "24.8", revision=2)
    settle(world, "transit", {**longer, "type": "order.corrected"})
    assert [points for _, points in lots(world, "T1")] == [1_158, 1_158, 386]
    settle(world, "transit", cancel("T1", "alice"))
    settle(world, "zhuanzhuan", cancel("D1", "alice"))
    assert (world.balances(alice), lots(world, "T1")) == ({}, [])
    assert [item["reason"]["code"] for item in receipts(world, alice, "bonus.reversed")] == [
        *("CORRECTED", "CORRECTED", "CANCELLED", "CANCELLED", "CANCELLED")
    ]
    assert "加成" in receipts(world, alice, "bonus.reversed")[0]["sentence_zh"]


def test_a_budget_ends_at_its_limit_and_a_bonus_is_on_what_was_given(world: World, alice: UUID) -> None:
    """The programme's budget cuts the second ride, so its bonus shrinks; what is taken back can be given again."""
    campaign(world, "env-week", "2")
    with world.house.transaction() as tx:
        opened = {"first_day": clock.today() - timedelta(days=90), "last_day": None}
        for scope, code, total in (("programme", "members", 2 * RIDE + 300), ("campaign", "env-week", 10_000)):
            wanted = NewBudget("members", scope, code, "夏季预算 / Summer budget", points=total, **opened)
            points.open_budget(tx, wanted, now=clock.now())
    first, second = settle(world, "transit", ride("T1"), ride("T2", hour=11))
    assert (first["points"], second["points"]) == (2 * RIDE, 300)
    assert lots(world, "T2") == [(None, 300)]
    (told,) = [item["points"] for item in receipts(world, alice, "issue") if item["activity"]["order_no"] == "T2"]
    assert [(cut["code"], cut["campaign"], cut["earned"], cut["granted"]) for cut in told["cuts"]] == [
        ("POINTS_BUDGET_USED_UP", None, RIDE, 300),
        ("POINTS_BUDGET_USED_UP", "env-week", 300, 0),
    ]
    assert "积分预算“夏季预算”已用完" in told["cuts"][0]["zh"]
    settle(world, "transit", cancel("T1", "alice"))
    assert settle(world, "transit", ride("T3", hour=13))[0]["points"] == 2 * RIDE
    assert world.balances(alice)["points.pending"] == 2 * RIDE + 300


def test_points_that_lapsed_are_counted_once_when_their_act_goes(world: World, alice: UUID) -> None:
    """Points that all lapsed leave nothing to give back, but the room they took under a cap is free again."""
    set_rule(world, caps=[Cap("day", "day", 10**6)])
    settle(world, "transit", ride("T1"))
    with time_machine.travel(clock.now() + timedelta(days=900), tick=False):
        world.ripen()
        with world.house.transaction() as tx:
            points.lapse(tx, now=clock.now())
    settle(world, "transit", cancel("T1", "alice"))
    with world.house.transaction() as tx:
        assert tx.scalar(text("SELECT points FROM points_cap_counts")) == 0


def test_counts_of_long_ago_are_removed_and_made_again_from_the_lots(world: World, alice: UUID) -> None:
    """Half a year later nothing is asked of them; when an act still goes, or comes, the cap holds as it did."""
    set_rule(world, caps=[Cap("day", "day", 1_000), Cap("month", "month", 10**6)])
    settle(world, "transit", ride("T1"), ride("T2", hour=11), ride("T3", day=4))

    def counts() -> list[int]:
        with world.house.transaction() as tx:
            return [int(row[0]) for row in tx.execute(text("SELECT points FROM points_cap_counts ORDER BY 1 DESC"))]

    before, at = counts(), days_ago(3, 13)
    assert before == ([1_579, 1_000, 579] if days_ago(3).month == days_ago(4).month else [1_000, 1_000, 579, 579])
    with time_machine.travel(clock.now() + timedelta(days=220), tick=False):
        with world.house.transaction() as tx:
            removed = [points.purge_cap_counts(tx, now=clock.now(), limit=2) for _ in range(3)]
        assert (sum(removed), counts()) == (len(before), [])
        settle(world, "transit", cancel("T1", "alice"))
        assert counts()[-1] == 1_000 - RIDE, "what T2 was given, which stays cut"
        assert settle(world, "transit", trip("T4", "alice", at=at))[0]["points"] == RIDE
        assert counts()[-1] == 1_000
        assert settle(world, "transit", trip("T5", "alice", at=at + timedelta(hours=2)))[0]["points"] == 0


# -- changing them -----------------------------------------------------------------------------------------------


def test_two_operators_change_a_rule_from_a_later_day(world: World, alice: UUID) -> None:
    """Announced today, in force tomorrow: acts until then earn as before, also when they arrive later."""
    app = create_app(world.house.settings)
    wang, li = (operator_with_token(world, name, "finance")[1] for name in ("wang", "li"))
    who, tomorrow = ["--operator", "wang", "--reason", "contract"], clock.today() + timedelta(days=1)
    limits = ["--per-gram", "2", "--rate", "bus_ride=1/3", "--cap", "rides=week:100:metro_ride", "--note", "更正"]

    def propose(begins: date, *more: str) -> Any:
        return run(app, "points", "rule", "propose", "members", "--from", str(begins), *limits, *more, *who, token=wang)

    late = propose(clock.today())
    assert (late.exit_code, late.stderr.split(":")[0]) == (1, "POINTS_RULE_TOO_LATE")
    assert propose(tomorrow, "--fixed", "flying=3").exit_code == 2
    for wrong in (("--per-gram", "1e3"), ("--rate", "bus_ride=1001"), ("--cap", "x=year:5"), ("--cap", "rides=day:1")):
        assert "INVALID_POINTS_RULE" in propose(tomorrow, *wrong).stderr, wrong
    asked, rival = (propose(tomorrow).stdout.strip() for _ in range(2))
    decide = ["approval", "decide", asked, "--grant", "--reason", "as agreed", "--operator"]
    assert "SECOND_OPERATOR_NEEDED" in run(app, *decide, "wang", token=wang).stderr
    done = run(app, *decide, "li", token=li)
    assert done.exit_code == 0, done.stderr
    decide[2] = rival
    assert "POINTS_RULE_CHANGED_MEANWHILE" in run(app, *decide, "li", token=li).stderr

    told = [json.loads(line) for line in run(app, "points", "rule", "list").stdout.splitlines()]
    assert [(rule["version"], rule["points_per_gram"]) for rule in told] == [(1, "1"), (2, "2")]
    with time_machine.travel(clock.now() - timedelta(days=2), tick=False):
        sooner = propose(clock.today() + timedelta(days=1)).stderr
        assert sooner.startswith("INVALID_POINTS_RULE") and str(tomorrow) in sooner, "version 2 would take over again"
        assert propose(tomorrow).exit_code == 0, "what was announced may be replaced on the day it begins"
    assert (told[1]["announced_on"], told[1]["in_force_from"]) == (str(clock.today()), str(tomorrow))
    log = [json.loads(line) for line in run(app, "operator", "log").stdout.splitlines()]
    (granted,) = [row for row in log if row["action"] == "points.rule_granted"]
    assert (granted["before"]["version"], granted["after"]["rates"]) == (1, {"bus_ride": "1/3"})
    assert settle(world, "transit", ride("T1"))[0]["points"] == RIDE
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        assert settle(world, "transit", ride("T2", day=4, hour=11))[0]["points"] == RIDE, "late, and of a day before"
        assert settle(world, "transit", ride("T3", day=1))[0]["points"] == 100, "of a day behind the announcement"
    miniprogram_api.register(app)
    page = app.test_client().get("/api/v1/points-rules/members").json
    assert [rule["version"] for rule in page["rules"]] == [2, 1]
    assert page["rules"][0]["caps"] == [
        {"code": "rides", "period": "week", "points": 100, "methodologies": ["metro_ride"]}
    ]
    assert app.test_client().get("/api/v1/points-rules/nobody").status_code == 404


def test_a_decision_that_comes_too_late_changes_nothing(world: World) -> None:
    """Asked for in time, decided on the day it should begin: what was announced to nobody does not count."""
    wang, li = signed_in(world, "wang", "finance"), signed_in(world, "li", "finance")
    begins = clock.today() + timedelta(days=1)
    with world.house.transaction() as tx:
        new = NewRule("members", begins, "5")
        asked = points.request_rule(tx, new, operator=wang, reason="more", now=clock.now())
    midnight = clock.start_of(begins) - timedelta(minutes=9)
    for moment in (midnight, midnight + timedelta(hours=1)):
        with pytest.raises(RuleTooLate), world.house.transaction() as tx:
            points.decide_rule(tx, asked, operator=li, granted=True, reason="yes", now=moment)
    with world.house.transaction() as tx:
        assert approvals.find(tx, asked, now=clock.now()).status == "pending"
        refused = points.decide_rule(tx, asked, operator=li, granted=False, reason="too late", now=clock.now())
        assert refused.status == "refused" and len(points.rules(tx)) == 1


def test_a_campaign_is_ended_early_but_never_for_days_that_were(world: World, alice: UUID) -> None:
    app = create_app(world.house.settings)
    wang, li = (operator_with_token(world, name, "finance")[1] for name in ("wang", "li"))
    today = clock.today()

    def ask(*said: str) -> Any:
        return run(app, "points", "multiplier", *said, "--operator", "wang", "--reason", "plan", token=wang)

    def grant(asked: Any) -> Any:
        decide = ["approval", "decide", asked.stdout.strip(), "--grant", "--operator", "li", "--reason", "yes"]
        return run(app, *decide, token=li)

    week = ["members", "week", "--from", str(today + timedelta(days=1)), "--to", str(today + timedelta(days=20))]
    assert "INVALID_POINTS_RULE" in ask("propose", *week, "--factor", "11", "--title", "周").stderr
    assert grant(ask("propose", *week, "--factor", "2", "--title", "周 / Week")).exit_code == 0
    assert "POINTS_RULE_CHANGED_MEANWHILE" in ask("propose", *week, "--factor", "3", "--title", "周").stderr
    with time_machine.travel(clock.now() + timedelta(days=5), tick=False):
        yesterday, now = clock.today() - timedelta(days=1), clock.today()
        assert "POINTS_RULE_TOO_LATE" in ask("end", "members", "week", "--on", str(yesterday)).stderr
        ended = ask("end", "members", "week", "--on", str(now))
        assert grant(ended).exit_code == 0
        settle(world, "transit", ride("T1", day=1))
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        settle(world, "transit", ride("T2", day=4, hour=11), ride("T3", day=2))
    assert [lots(world, order) for order in ("T1", "T2", "T3")] == [
        *([(None, RIDE), ("week", RIDE)], [(None, RIDE), ("week", RIDE)], [(None, RIDE)])
    ]
    (told,) = (json.loads(line) for line in run(app, "points", "multiplier", "list").stdout.splitlines())
    assert (told["version"], told["last_day"]) == (2, str(now))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE points_rules SET points_per_gram = '1000'",
        "DELETE FROM points_multipliers",
        "INSERT INTO points_rules SELECT programme, 2, in_force_from, in_force_from, '9', rates, fixed_points, caps,"
        " expires_after_days, note, approval_id FROM points_rules",
        "INSERT INTO points_multipliers SELECT programme, campaign, 2, last_day, first_day, announced_on, factor,"
        " methodologies, title, approval_id FROM points_multipliers",
        "UPDATE points_budgets SET announced_on = first_day",
    ],
)
def test_the_database_refuses_what_counts_backwards(world: World, statement: str) -> None:
    campaign(world, "env-week", "2")
    with world.house.transaction() as tx:
        points.open_budget(tx, NewBudget("members", "programme", "members", "预算", MONDAY, None, 1), now=clock.now())
    with pytest.raises(Exception) as refused, world.house.transaction() as tx:
        tx.execute(text(statement))
    assert isinstance(refused.value, IntegrityError) or "append-only" in str(refused.value)
