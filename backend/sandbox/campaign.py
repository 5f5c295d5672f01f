"""Campaigns of the sandbox: an environment week that runs now, and a season that the recorded day counts in.

The week has everything to try: cities, teams, PK, rewards. Both are there from the first moment, with every member who
consents, one of whom others do not see.
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from backend import House, campaigns, clock, points
from backend.campaigns import Plan, Wish
from backend.sandbox import programme

SEASON = "green-season"
#: The Monday of the week of the recorded day.
_SEASON_BEGINS = date(2026, 6, 1)
_HIDDEN = "zhao"
_CITIES = {"110000": "北京 / Beijing", "310000": "上海 / Shanghai", "440300": "深圳 / Shenzhen"}
_WEEK_TERMS: dict[str, Any] = {
    "counting": {"daily_acts": {"metro_ride": 4, "bus_ride": 4}, "daily_cap_g": 50_000},
    "boards": [
        *(f"person-{measure}-{period}" for measure in ("grams", "points") for period in ("day", "week", "campaign")),
        *("city-grams-campaign", "city-mean_grams-campaign", "team-mean_grams-campaign"),
    ],
    "cities": _CITIES,
    "teams": True,
    "pk": True,
    "budget_points": 20_000,
    "rewards": [
        {"kind": "rank", "board": "person-grams-campaign", "first": 1, "last": 3, "points": 500},
        {"kind": "rank", "board": "person-grams-campaign", "first": 4, "last": 10, "points": 100},
        {"kind": "taking_part", "days": 3, "points": 50},
        {"kind": "pk_win", "points": 20},
    ],
}
_SEASON_TERMS: dict[str, Any] = {
    "boards": ["person-grams-campaign", "person-points-campaign", "city-grams-campaign"],
    "cities": _CITIES,
}


def load(house: House) -> str:
    """Put both into the database with their participants, once each; returns the code of this week's."""
    with house.transaction() as tx:
        week = _load_week(tx)
        begins = max(_SEASON_BEGINS, clock.today() - timedelta(days=300))
        _load(tx, _plan(SEASON, "challenge", "绿色季 / Green season", begins, week.points().last_day, _SEASON_TERMS))
        for number, member in enumerate(programme.MEMBERS):
            if member.consenting:
                _enter(tx, house, member, (SEASON, week.code), city=sorted(_CITIES)[number % len(_CITIES)])
    return week.code


def _load_week(tx: Session) -> Plan:
    monday = clock.today() - timedelta(days=clock.today().weekday())
    year, number, _ = monday.isocalendar()
    code = f"environment-week-{year}-{number:02d}"
    title = f"环境周 第 {number} 周 / Environment week {number}"
    sunday = monday + timedelta(days=6)
    week = _plan(code, "environment_week", title, monday, sunday, _WEEK_TERMS)
    if _load(tx, week):
        scope = (programme.PROGRAMME, "campaign", code, title)
        points.open_budget(
            tx, points.NewBudget(*scope, monday, None, _WEEK_TERMS["budget_points"]), for_rewards=True, now=clock.now()
        )
    return week


def _plan(code: str, kind: str, title: str, first: date, last: date, terms: dict[str, Any]) -> Plan:
    """A campaign of whole days that closes two days behind its last one."""
    days = (first, last + timedelta(days=1), last + timedelta(days=3))
    names = ("starts_at", "ends_at", "closes_at")
    stated = {name: f"{day.isoformat()} 00:00:00" for name, day in zip(names, days, strict=True)}
    named = {"code": code, "programme": programme.PROGRAMME, "kind": kind, "title": title, "joining": "open"}
    return campaigns.drafting.read_plan({**named, **stated, "terms": terms})


def _load(tx: Session, plan: Plan) -> bool:
    announced_at = plan.starts_at - timedelta(days=1)
    return campaigns.drafting.save_campaign(tx, plan, now=announced_at, announced_at=announced_at)


def _enter(tx: Session, house: House, member: programme.Member, codes: tuple[str, ...], *, city: str) -> None:
    """Let a member take part in what is running; who left, or changed anything since, is left alone."""
    now, holder_id = clock.now(), programme.load_member(tx, house, member)
    known = campaigns.joining.joined_ever(tx, holder_id)
    for code in codes:
        if code not in known and campaigns.campaign(tx, code, now=now).state(now) == campaigns.RUNNING:
            wish = Wish(shown=member.name != _HIDDEN, city=city)
            campaigns.joining.enter(tx, code, holder_id, wish, now=now)
