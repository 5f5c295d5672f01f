"""Teams of a campaign through HTTP: who is in one is counted for it, and nobody is in two."""

from datetime import date
from typing import Any

import pytest
import time_machine
from sqlalchemy import text

from backend import clock
from backend.campaigns import teams
from backend.campaigns.models import CampaignParticipant
from tests.backend.campaigns.week import BOARDS, CODE, Week, during
from tests.miniprogram_api.campaigning import CAMPAIGN, Staff

MONDAY = date(2026, 6, 1)
TEAM = f"{CAMPAIGN}/team"


@pytest.fixture
def staff(database_url: str, app: Any):
    with time_machine.travel(during(), tick=False):
        week = Week(database_url, teams=True, team_size=2, boards=[*BOARDS, "team-grams-campaign"])
        week.employ(dict.fromkeys(("1", "2", "3", "4"), "总部/研发"))
        yield Staff(week, app)


def teams_scores(staff: Staff) -> list[int]:
    staff.week.follow()
    with staff.week.house.transaction() as tx:
        query = "SELECT s.grams FROM campaign_group_scores s JOIN campaign_groups g ON g.id = s.group_id"
        wanted = "WHERE g.kind = 'team' AND s.period = 'all' AND s.grams > 0 ORDER BY s.grams"
        return list(tx.scalars(text(f"{query} {wanted}")))


def test_who_joins_is_counted_and_who_leaves_is_not(staff: Staff) -> None:
    staff.week.ride("1", MONDAY, "10")
    staff.week.ride("2", MONDAY, "20")
    made = staff.call("1", "POST", f"{CAMPAIGN}/teams", {"name": "绿色先锋"})
    assert made.status_code == 201, made.text
    code = made.json["join_code"]
    # WeChat checks names of those who have been there with WeChat; this one waits for an operator.
    assert (made.json["name"], made.json["name_passed"]) == ("绿色先锋", False)
    assert made.json["shown_as"].startswith("小队 ") and "绿色" not in made.json["shown_as"]
    joined = [staff.call("2", "POST", TEAM, {"join_code": code.lower()}) for _ in range(2)]
    assert [answer.status_code for answer in joined] == [200, 200]
    assert sorted((row["captain"], row["me"]) for row in joined[0].json["members"]) == [(False, True), (True, False)]
    assert teams_scores(staff) == [1401]

    full = staff.call("3", "POST", TEAM, {"join_code": code})
    assert (full.status_code, full.json["code"]) == (409, "CAMPAIGN_TEAM_FULL")
    wrong = staff.call("3", "POST", TEAM, {"join_code": "ABCDEFGHJK"})
    assert (wrong.status_code, wrong.json["code"]) == (404, "CAMPAIGN_TEAM_NOT_FOUND")
    again = staff.call("2", "POST", f"{CAMPAIGN}/teams", {"name": "另一队"})
    assert (again.status_code, again.json["code"]) == (409, "IN_ANOTHER_TEAM")

    # The captain leaves: the other one takes over, and the team goes on with one.
    assert staff.call("1", "DELETE", TEAM).status_code == 204
    mine = staff.call("2", "GET", TEAM).json
    assert [(row["captain"], row["me"]) for row in mine["members"]] == [(True, True)]
    assert teams_scores(staff) == [934]
    assert staff.call("2", "DELETE", TEAM).status_code == 204
    assert staff.call("2", "GET", TEAM).status_code == 404
    assert staff.call("3", "POST", TEAM, {"join_code": code}).status_code == 404, "nobody was in it any more"
    assert teams_scores(staff) == []


def test_only_the_captain_takes_somebody_out_and_hands_over(staff: Staff) -> None:
    code = staff.call("1", "POST", f"{CAMPAIGN}/teams", {"name": "绿色先锋"}).json["join_code"]
    staff.call("2", "POST", TEAM, {"join_code": code})
    first, second = staff.participant("1"), staff.participant("2")
    refused = staff.call("2", "DELETE", f"{TEAM}/members/{first}")
    assert (refused.status_code, refused.json["code"]) == (403, "NOT_CAPTAIN")
    assert staff.call("1", "DELETE", f"{TEAM}/members/{staff.participant('3')}").status_code == 404
    taken_out = staff.call("1", "DELETE", f"{TEAM}/members/{second}").json
    assert len(taken_out["members"]) == 1
    assert staff.call("2", "POST", TEAM, {"join_code": code}).status_code == 404, "the code they knew is replaced"
    assert staff.call("2", "POST", TEAM, {"join_code": taken_out["join_code"]}).status_code == 200
    handed = staff.call("1", "PUT", f"{TEAM}/captain", {"participant_id": second}).json
    assert [row["participant_id"] for row in handed["members"] if row["captain"]] == [second]


def test_a_captain_who_left_the_campaign_is_followed_by_another(staff: Staff) -> None:
    code = staff.call("1", "POST", f"{CAMPAIGN}/teams", {"name": "绿色先锋"}).json["join_code"]
    staff.call("2", "POST", TEAM, {"join_code": code})

    def leave(number: str) -> int:
        with staff.week.house.transaction() as tx:
            row = tx.get_one(CampaignParticipant, (staff.week.staff[number], CODE))
            row.left_at = clock.now()
            tx.flush()
            return teams.mend_teams(tx)

    assert leave("1") == 1
    assert [(row["captain"], row["me"]) for row in staff.call("2", "GET", TEAM).json["members"]] == [(True, True)]
    assert leave("2") == 1
    assert staff.call("3", "POST", TEAM, {"join_code": code}).status_code == 404
    with staff.week.house.transaction() as tx:
        assert teams.mend_teams(tx) == 0
