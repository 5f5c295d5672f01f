"""What a programme owes in points: measured once a Shanghai day, and shown to everybody where it is switched on."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from backend import clock, points
from backend.points import NewBudget
from tests.backend.operating import operator_with_token, run
from tests.miniprogram_api.conftest import NOW
from tests.miniprogram_api.world import World, trip

COVER, PAGE = "/api/v1/programmes/members/cover", "/programmes/members/cover"


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=clock.SHANGHAI)


def snapshots(world: World) -> int:
    return points.snapshot_liabilities(world.house.sessions, clock.now())


def told(app: Any, *how: str) -> Any:
    said = run(app, "points", "liability", "members", "--json", *how)
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def test_snapshots_are_taken_once_a_shanghai_day_and_agree_with_the_books(world: World, moment: Any, app: Any) -> None:
    alice = world.active_member("alice")
    world.send("transit", trip("alice", 1, NOW - timedelta(hours=2)))
    world.settle()
    (first,) = {item["points"]["pending"] + item["points"]["available"] for item in [alice.account()]}
    with world.house.transaction() as tx:
        budget = NewBudget("members", "programme", "members", "会员预算 / Budget", date(2026, 1, 1), None, 1_000_000)
        points.open_budget(tx, budget, now=clock.now())
    moment.move_to(at(9, 0, 9))
    assert snapshots(world) == 0, "what was posted as yesterday may still commit"
    moment.move_to(at(9, 0, 10))
    assert (snapshots(world), snapshots(world)) == (2, 0), "one for each programme"
    said = told(app)
    assert (said["day"], said["outstanding"]["points"], said["granted"]) == (
        "2026-06-09",
        first,
        {"points": first, "days": 1},
    )
    assert said["days_left"] == said["budget"]["left"] // first
    world.send("transit", trip("alice", 2, NOW + timedelta(hours=6)))
    world.settle()
    second = told(app, "--now")["outstanding"]["points"] - first
    assert second > 0 and told(app)["outstanding"]["points"] == first, "a snapshot stays as it was taken"
    moment.move_to(at(11, 23, 59))
    assert snapshots(world) == 2
    moment.move_to(at(12, 0, 30))
    assert snapshots(world) == 2
    said = told(app)
    assert said["granted"] == {"points": first + second, "days": 4}, "a day without a snapshot is not lost"
    assert sum(item["points"] for item in said["expiring"]) + said["expiring_later"] == first + second
    assert [item["month"] for item in said["expiring"]][::23] == ["2026-06", "2028-05"]
    moment.move_to(at(12, 0, 30) + timedelta(days=731))
    world.ripen()
    said = told(app, "--now")
    assert (said["outstanding"]["points"], said["expected_lapse"]) == (
        0,
        {"points": 0, "lapsed": first + second, "ended": first + second},
    )


def test_the_cover_page_is_shown_while_it_is_switched_on_and_names_what_nobody_stated(
    world: World, moment: Any, app: Any
) -> None:
    tokens = {name: operator_with_token(world, name, "finance")[1] for name in ("zhao", "sun")}
    ask = ("--reason", "公示", "--operator")
    moment.move_to(at(9, 1))
    snapshots(world)
    assert [world.client.get(path).status_code for path in (COVER, PAGE)] == [404, 404]
    assert run(app, "points", "cover", "members", "--show", *ask, "zhao", token=tokens["zhao"]).exit_code == 0
    first = world.client.get(COVER)
    assert first.status_code == 200 and set(first.json["not_stated"]) == {"funded", "set_aside"}
    assert world.client.get(COVER, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert world.client.get("/api/v1/programmes/nobody/cover").json["code"] == "NOT_FOUND"

    open_it = ("--title", "会员预算 <b> / Budget", "--first-day", "2026-06-10", "--points", "5000")
    asked = run(app, "points", "budget", "open", "members", *open_it, *ask, "zhao", token=tokens["zhao"])
    unknown = run(
        app, "points", "budget", "open", "members", "--partner", "x", *open_it, *ask, "sun", token=tokens["sun"]
    )
    assert unknown.stderr.startswith("UNKNOWN_PARTNER"), "a budget that nothing draws from is no stop"
    campaign = ("points", "budget", "open", "members", "--campaign", "week", *open_it, *ask, "sun")
    assert run(app, *campaign, token=tokens["sun"]).stderr.startswith("UNKNOWN_MULTIPLIER"), "nor from this one"
    today = ("points", "budget", "open", "members", *open_it[:3], "2026-06-09", *open_it[4:], *ask, "sun")
    late = run(app, *today, token=tokens["sun"]).stderr
    assert late.startswith("POINTS_RULE_TOO_LATE") and "2026-06-10" in late, "what is done already is not cut"
    stated = ("--fen", "150", "--from", "2026-06-10")
    aside = run(app, "points", "set-aside", "members", *stated, *ask, "zhao", token=tokens["zhao"])
    for request in (asked, aside):
        decide = ("approval", "decide", request.stdout.strip(), "--grant", *ask)
        assert run(app, *decide, "zhao", token=tokens["zhao"]).stderr.startswith("SECOND_OPERATOR_NEEDED")
        assert run(app, *decide, "sun", token=tokens["sun"]).exit_code == 0
        assert run(app, *decide, "sun", token=tokens["sun"]).stderr.startswith("APPROVAL_DECIDED")
    change = ("points", "budget", "change", "1", *ask, "sun", "--points")
    assert run(app, *change, "-6000", token=tokens["sun"]).stderr.startswith("BUDGET_BELOW_DRAWN")
    less = run(app, *change, "-1000", token=tokens["sun"]).stdout.strip()
    refused = ("approval", "decide", less, "--refuse", *ask, "zhao")
    assert run(app, *refused, token=tokens["zhao"]).exit_code == 0
    assert "5,000" in run(app, "points", "budgets").stdout
    assert b'points_budget_total{budget="1"' in world.client.get("/metrics").data
    moment.move_to(at(10, 1))
    snapshots(world)
    said = world.client.get(COVER).json
    assert said["not_stated"] == {} and said["set_aside"] == {"fen_per_1000_points": 150, "fen": 0}
    assert said["budget"] == {"points": 5000, "drawn": 0, "left": 5000}
    page = world.client.get(PAGE)
    assert page.status_code == 200 and "<svg" in page.text and "<script" not in page.text and "<b>" not in page.text
    assert page.text.index("积分公示") < page.text.index("points and what stands behind them")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    rows = [json.loads(line) for line in run(app, "operator", "log").stdout.splitlines()]
    (granted,) = [row for row in rows if row["action"] == "points.budget_granted"]
    *_, changed, refused_row = [row for row in rows if row["action"].startswith("points.budget_re")]
    assert (changed["before"]["total"], changed["after"]["points"]) == (5000, -1000)
    assert (refused_row["before"], refused_row["after"]) == ({"status": "pending"}, {"status": "refused"})
    assert (granted["before"], granted["after"]["total"]) == ({"status": "pending"}, 5000)
    assert run(app, "points", "cover", "members", "--hide", *ask, "sun", token=tokens["sun"]).exit_code == 0
    assert world.client.get(PAGE).status_code == 404


def test_members_are_told_in_words_and_operators_once(world: World, moment: Any, app: Any) -> None:
    day = clock.today()
    own = NewBudget("members", "programme", "members", "会员预算 / Members' budget", day, None, 100)
    next_one = replace(own, scope="campaign", scope_code="week", title="环境周 / Week", last_day=day, points=10)
    with world.house.transaction() as tx:
        week: dict[str, Any] = {"programme": "members", "campaign": "week", "factor": "2"}
        points.save_multiplier(tx, **week, first_day=day, last_day=day + timedelta(9))
        points.open_budget(tx, own, now=clock.now())
        points.open_budget(tx, next_one, now=clock.now())
        points.open_budget(
            tx, replace(next_one, first_day=day + timedelta(3), last_day=None, points=5), now=clock.now()
        )
        points.draw(tx, [points.Wanted("members", None, None, day, 79)])
        assert (points.budget_notices(tx, "members", day), points.warn_of_budgets(tx, now=clock.now())) == ([], 0)
        points.draw(tx, [points.Wanted("members", None, "week", day, 10)])
        assert [points.warn_of_budgets(tx, now=clock.now()) for _ in range(2)] == [3, 0], "two low, one of them used up"
        low, used_up = points.budget_notices(tx, "members", day)
        (ended,) = points.budget_notices(tx, "members", day + timedelta(1))[1:]
    (standing,) = world.login("alice").get("/me/points").json["programmes"]
    assert standing["notices"] == [low, used_up]
    assert (low["state"], used_up["state"], ended["state"]) == ("low", "used_up", "ended")
    assert low["sentence"]["zh"].startswith("“会员预算”已使用 80% 以上")
    assert used_up["sentence"] == {
        "zh": "“环境周”已用完：行为的减排量照常入账，但在 2026-06-11 下一期预算开始之前不再获得该活动的积分。",
        "en": "“Week” is used up: acts are credited in grams, but earn no points of this campaign until the next "
        "budget begins on 2026-06-11.",
    }
