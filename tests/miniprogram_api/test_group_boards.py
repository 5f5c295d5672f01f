"""Boards of groups over HTTP: whose they are, who has a place, and that a final moves no more."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from backend import campaigns, clock, outbox
from backend.campaigns import scoring
from backend.campaigns.models import Campaign
from backend.campaigns.policy import board_named
from backend.campaigns.terms import Terms
from tests.backend.campaigns.week import CODE, LAST, Week, during
from tests.miniprogram_api.campaigning import CAMPAIGN, Staff
from tests.miniprogram_api.test_classes import FRIDAY, School

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
BOARDS = [
    *("department-mean_grams-campaign", "department-grams-day", "city-points-campaign", "team-mean_points-week"),
    "person-grams-campaign",
]


@pytest.fixture
def staff(database_url: str, app: Any):
    with time_machine.travel(during(), tick=False) as traveller:
        cities = {"110000": "北京", "310000": "上海"}
        week = Week(database_url, boards=BOARDS, cities=cities, teams=True, team_size=9)
        week.traveller = traveller
        week.employ({str(n): f"总部/{'研发' if n <= 6 else '财务' if n <= 11 else '法务'}" for n in range(1, 15)})
        yield Staff(week, app)


def board(staff: Staff, number: str, name: str, more: str = "") -> dict[str, Any]:
    """A board as it is now: what a web process keeps is old by then."""
    staff.week.traveller.shift(3)
    answer = staff.call(number, "GET", f"{CAMPAIGN}/leaderboards/{name}{more}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json
    return told


def seen(told: dict[str, Any]) -> list[tuple[str, int, int, int, bool]]:
    return [tuple(entry[name] for name in ("title", "rank", "score", "people", "mine")) for entry in told["entries"]]


def test_departments_stand_by_the_head_and_a_final_moves_no_more(staff: Staff) -> None:
    week, name = staff.week, "department-mean_grams-campaign"
    assert board(staff, "1", name)["entries"] == []
    for number, km in (("1", "10"), ("7", "20"), ("12", "30")):
        week.ride(number, MONDAY, km)
    week.follow()
    told = board(staff, "1", name)
    assert seen(told) == [("总部/财务", 1, 186, 5, False), ("总部/研发", 2, 77, 6, True)], "three people have no place"
    assert told["me"] == {"rank": 2, "score": 77, "listed": True, "missing_to_next": 109}
    facts = ("board", "period", "measure", "state", "participants")
    assert [told[fact] for fact in facts] == [name, "all", "mean_grams", "running", 2]
    assert board(staff, "7", name)["me"] == {"rank": 1, "score": 186, "listed": True, "missing_to_next": None}
    assert board(staff, "12", name)["me"] is None
    assert seen(board(staff, "1", name, "?view=around&limit=1")) == [("总部/研发", 2, 77, 6, True)]

    # What does not move is not sent again, and everybody shares what the process keeps for two seconds.
    path = f"{CAMPAIGN}/leaderboards/{name}"
    tag = staff.call("1", "GET", path).headers["ETag"]
    week.ride("2", TUESDAY, "60")
    week.follow()
    headers = {"Authorization": f"Bearer {staff.token('1')}", "If-None-Match": tag}
    asked = {"path": f"/api/v1{path}", "headers": headers}
    assert staff.app.test_client().get(**asked).status_code == 304
    week.traveller.shift(2)
    moved = staff.app.test_client().get(**asked)
    assert (moved.status_code, seen(moved.json)[0]) == (200, ("总部/研发", 1, 544, 6, True))
    assert seen(board(staff, "1", "department-grams-day", f"?day={TUESDAY}")) == [("总部/研发", 1, 2802, 6, True)]

    # Somebody moved on Wednesday: Tuesday was their former department's.
    moved_to = {str(n): f"总部/{'研发' if 1 < n <= 6 else '财务'}" for n in range(1, 12)}
    week.employ(moved_to, date(2026, 6, 3))
    week.follow()
    assert board(staff, "1", name)["entries"][1]["mine"], "counted for another one from then on"
    assert board(staff, "1", "department-grams-day", f"?day={TUESDAY}")["entries"][0]["mine"]

    week.traveller.move_to(clock.start_of_day_after(LAST, 1))
    week.follow()
    closing = board(staff, "1", name)
    assert closing["state"] == "closing"
    week.traveller.move_to(clock.start_of_day_after(LAST, 3))
    assert campaigns.closing.close(week.house.sessions, week.house.vault.statement_key, CODE)
    final = board(staff, "1", name)
    assert final["state"] == "final" and final["entries"] == closing["entries"]
    week.take_back("2", TUESDAY)
    week.follow()
    after = board(staff, "1", name)
    assert (after["entries"], after["as_of"]) == (closing["entries"], final["as_of"])


def test_cities_and_teams_are_those_who_take_part(staff: Staff) -> None:
    week = staff.week
    code = staff.call("1", "POST", f"{CAMPAIGN}/teams", {"name": "绿色先锋"}).json["join_code"]
    for number in map(str, range(1, 7)):
        body = {"city": "110000" if number < "6" else "310000", "shown": True, "takes_challenges": True}
        assert staff.call(number, "PUT", f"{CAMPAIGN}/participation", body).status_code == 200
    for number in "2345":
        assert staff.call(number, "POST", f"{CAMPAIGN}/team", {"join_code": code}).status_code == 200
    for number, km in (("1", "10"), ("6", "30")):
        week.ride(number, MONDAY, km)
    week.follow()
    assert seen(board(staff, "2", "city-points-campaign")) == [("北京", 1, 467, 5, True)]
    (team,) = board(staff, "2", "team-mean_points-week")["entries"]
    assert team["title"].startswith("小队 ") and (team["score"], team["people"], team["mine"]) == (93, 5, True)
    assert staff.call("2", "GET", f"{CAMPAIGN}/team").json["shown_as"] == team["title"]


def test_classes_stand_by_their_seats_for_their_teachers(world: Any, moment: Any) -> None:
    here, now = School(world), clock.now()
    name = "class-mean_grams-campaign"
    made = {"code": CODE, "programme": "pupils", "kind": "challenge", "title": "班级 / Classes", "joining": "open"}
    times = {"drafted_at": now - timedelta(9), "announced_at": now - timedelta(9), "starts_at": now - timedelta(5)}
    with here.house.transaction() as tx:
        terms = Terms(boards=(board_named(name),)).text()
        tx.add(Campaign(**made, **times, terms=terms, ends_at=now + timedelta(2), closes_at=now + timedelta(4)))
    path = f"{CAMPAIGN}/leaderboards/{name}"
    assert here.teacher[1].get(path).json["code"] == "CAMPAIGN_NOT_FOUND", "not in the programme with any account"
    for number, pupils in ((1, 12), (2, 6)):
        joined = here.teacher[number].call("POST", f"{CAMPAIGN}/join", json={"account_id": here.account[number]})
        assert joined.status_code == 201, joined.text
        assert here.put(f"/trips/{FRIDAY}/to_school/walk", {"pupils": pupils}, number).status_code == 200
    with here.house.transaction() as tx:
        while outbox.give_positions(tx):
            pass
        scoring.follow(tx, now=now)
    moment.shift(3)
    told = here.teacher[2].get(path).json
    (first, second) = seen(told)
    grams = [here.grams(number) // 12 for number in (1, 2)]
    assert first == ("八一学校 3 年级 1 班", 1, grams[0], 12, False)
    assert second == ("八一学校 3 年级 2 班", 2, grams[1], 12, True) and grams[0] > grams[1] > 0
    assert told["me"]["rank"] == 2
