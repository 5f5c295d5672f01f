"""A programme may count commutes on working days only, from a day it announced before."""

from datetime import date, timedelta

from flask import Flask

from backend import calendar_days, clock, settlement
from backend.calendar_days import ANNOUNCED, COUNTRY, Day, Plan
from tests.backend.operating import Acting, logged, run
from tests.backend.world import World, days_ago, trade_in, trip

CUT = 5


def enter(world: World, **kinds: str) -> None:
    """What these days before today are, `d3="rest_day"`."""
    today = clock.today()
    entered = tuple(
        Day(today - timedelta(days=int(name[1:])), kind, ANNOUNCED, "notice") for name, kind in kinds.items()
    )
    with world.house.transaction() as tx:
        calendar_days.apply(tx, Plan(COUNTRY, entered, 0, ()), now=clock.now())


def terms(world: World, begins: date, version: int = 1, commute_days: str = settlement.WORKING_DAYS) -> None:
    with world.house.transaction() as tx:
        settlement.save_commute_terms(
            tx, programme="members", version=version, commute_days=commute_days, in_force_from=begins
        )


def test_a_commute_on_a_day_off_is_refused_where_the_programme_says_so(world: World) -> None:
    world.person("lin")
    today = clock.today()
    enter(world, d2="rest_day", d3="make_up_working_day", d4="public_holiday", d6="rest_day")
    terms(world, today - timedelta(days=CUT))
    terms(world, today - timedelta(days=2), version=2, commute_days=settlement.EVERY_DAY)
    late = days_ago(4, hour=23, minute=50)
    sent = {
        "before the terms": world.send("transit", trip("R6", "lin", at=days_ago(6))),
        "a holiday": world.send("transit", trip("R4", "lin", at=late, minutes=30)),
        "a make-up day": world.send("transit", trip("R3", "lin", at=days_ago(3))),
        "every day again": world.send("transit", trip("R2", "lin", at=days_ago(2))),
        "no commute": world.send("zhuanzhuan", trade_in("T4", "lin", "356938035643809", occurred_at=days_ago(4))),
    }
    world.settle()
    partner = {"no commute": "zhuanzhuan"}
    lines = {name: world.lines(partner.get(name, "transit"), id)[0] for name, id in sent.items()}
    assert {name: line["status"] for name, line in lines.items()} == {
        "before the terms": "issued",
        "a holiday": "refused",
        "a make-up day": "issued",
        "every day again": "issued",
        "no commute": "issued",
    }
    assert lines["a holiday"]["code"] == "NOT_A_WORKING_DAY", "by the day it began on in Shanghai"
    world.check_books()


def test_two_operators_announce_the_terms_before_they_begin(world: World, app: Flask) -> None:
    wang, li = Acting(app, world, "wang"), Acting(app, world, "li")
    today = clock.today()
    tomorrow = (today + timedelta(days=1)).isoformat()
    ask = ("calendar", "commute", "propose", "members", "--days", "working_days", "--from")
    assert "COMMUTE_TERMS_TOO_LATE" in wang(*ask, today.isoformat()).stderr
    first, second = (wang(*ask, tomorrow).stdout.strip() for _ in range(2))
    assert "SECOND_OPERATOR_NEEDED" in wang("approval", "decide", first, "--grant").stderr
    assert li("approval", "decide", first, "--grant").exit_code == 0
    assert "COMMUTE_TERMS_CHANGED_MEANWHILE" in li("approval", "decide", second, "--grant").stderr
    assert li("approval", "decide", second, "--refuse").exit_code == 0
    assert f'"in_force_from": "{tomorrow}"' in run(app, "calendar", "commute", "list").stdout
    verdicts = [row["action"].rpartition("_")[2] for row in logged(app, "settlement.commute_terms")]
    assert verdicts == ["requested", "requested", "granted", "refused"]
