"""Names on boards and certificates through the API: checked before others see them."""

from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.policy import display_name
from backend.campaigns.terms import Terms
from backend.identity import public_names
from backend.identity.public_names import Said
from backend.ids import new_id
from tests.backend.operating import Acting, logged, run
from tests.miniprogram_api.test_forests import PRICE, add_project, donate, holder, walker
from tests.miniprogram_api.world import World

NAME = "/campaigns/week/participation/name"


@pytest.fixture
def out(monkeypatch: Any) -> Any:
    """WeChat's twin, in what it says when it is out of reach."""

    def say(said: Said) -> None:
        monkeypatch.setattr(public_names.SandboxNameChecks, "check", lambda *_: said)

    return say


def told(answer: Any) -> tuple[str | None, bool]:
    return answer.json["name"], answer.json["passed"]


def test_a_pen_name_is_shown_once_it_passed(world: World, app: Any, out: Any) -> None:
    lin, now, id = world.login("lin"), clock.now(), new_id()
    made = {"code": "week", "programme": "members", "kind": "environment_week", "title": "环境周 / Week"}
    made |= {"terms": Terms().text(), "joining": "open", "starts_at": now, "drafted_at": now, "announced_at": now}
    with world.house.transaction() as tx:
        tx.add(Campaign(**made, ends_at=now + timedelta(7), closes_at=now + timedelta(9)))
    assert lin.call("PUT", NAME, json={"name": "小林"}).json["code"] == "NOT_TAKING_PART"
    row = {"campaign": "week", "id": id, "kind": "person", "shown": True, "takes_challenges": True, "joined_at": now}
    with world.house.transaction() as tx:
        tx.add(CampaignParticipant(holder_id=holder(lin), name=None, name_passed=False, **row))
    named = lin.call("PUT", NAME, json={"name": " 小林 "})
    assert (told(named), named.json["shown_as"]) == (("小林", True), "小林")
    for typed, code in (("彩票王", "NAME_NOT_ALLOWED"), ("平台客服", "NAME_REFUSED"), ("", "INVALID_REQUEST")):
        assert lin.call("PUT", NAME, json={"name": typed}).json["code"] == code
    assert told(lin.call("PUT", NAME, json={"name": "待审林"})) == ("待审林", False)
    (line,) = run(app, "names", "list").stdout.splitlines()
    number, reviewer = line.split()[0], Acting(app, world, "rei", "reviewer")
    assert "待审林" in line and reviewer("names", "decide", number, "--refuse").exit_code == 0
    assert [row["action"] for row in logged(app, "name.")] == ["name.decided"]
    with world.house.transaction() as tx:
        assert tx.query(CampaignParticipant).one().name is None
    assert "NOT_FOUND" in reviewer("names", "decide", number, "--show").stderr
    out(Said.LATER)
    waiting = lin.call("PUT", NAME, json={"name": "林间"})
    assert told(waiting) == ("林间", False)
    assert waiting.json["shown_as"] == display_name(id, "林间", False) and len(waiting.json["shown_as"]) == 9
    out(Said.PASS)
    assert world.house.names.check_waiting(of=holder(lin)) == 1
    with world.house.transaction() as tx:
        row = tx.query(CampaignParticipant).one()
        assert (row.name, row.name_passed) == ("林间", True)
    assert told(lin.call("PUT", NAME, json={"name": None})) == (None, False)


def test_certificates_and_forest_teams_wait_for_the_check(world: World, out: Any) -> None:
    with world.house.transaction() as tx:
        add_project(tx)
    lin = walker(world, "lin", 3 * PRICE)
    assert lin.call("POST", "/forest-teams", json={"programme": "members", "name": "彩票"}).json["code"] == (
        "NAME_NOT_ALLOWED"
    )
    out(Said.LATER)
    (number,) = donate(lin, PRICE, sign_as="小林").json["certificates"]
    team = lin.call("POST", "/forest-teams", json={"programme": "members", "name": "绿队"}).json
    page = world.client.get(f"/certificates/{number}").text
    assert (team["name"], "小林" in page) == ("小队", False)
    out(Said.PASS)
    assert world.house.names.check_waiting(of=holder(lin)) == 2
    assert "小林" in world.client.get(f"/certificates/{number}").text
    assert [one["name"] for one in lin.get("/forest-teams").json["teams"]] == ["绿队"]
    out(Said.LATER)
    signed = lin.call("PUT", f"/me/trees/{number}", json={"sign_as": "老林"})
    assert signed.json["signed_as"] is None and "小林" not in world.client.get(f"/certificates/{number}").text
    out(Said.RISKY)
    assert world.house.names.check_waiting(of=holder(lin)) == 1
    assert lin.get("/me/trees").json["items"][0]["signed_as"] is None
