"""Campaigns through the API: what members see of them, and how they take part, change, leave and are forgotten."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from backend import campaigns, clock, identity
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.policy import display_name
from backend.campaigns.terms import read_terms
from tests.backend.campaigns.week import Week
from tests.miniprogram_api.world import API, Member, World

MONDAY = date(2026, 6, 8)


def announced(world: World, code: str = "week", *, programme: str = "members", **how: Any) -> None:
    """A campaign that runs from Monday to Sunday of the tests' present."""
    row: dict[str, Any] = {"kind": "environment_week", "title": "环境周 / Environment week", "joining": "open"}
    row |= {"starts_at": clock.start_of(MONDAY), "ends_at": clock.start_of_day_after(MONDAY, 7)}
    row |= {"closes_at": clock.start_of_day_after(MONDAY, 9), "drafted_at": clock.now()}
    terms = {"boards": ["person-grams-campaign"], "cities": {"110000": "北京 / Beijing"}} | how.pop("terms", {})
    row |= {"announced_at": clock.start_of(MONDAY) - timedelta(days=3)} | how
    with world.house.transaction() as tx:
        tx.add(Campaign(code=code, programme=programme, terms=read_terms(terms).text(), **row))


def join(member: Member, code: str = "week", **body: Any) -> Any:
    return member.call("POST", f"/campaigns/{code}/join", json=body)


def change(member: Member, code: str = "week", **body: Any) -> Any:
    wish = {"shown": True, "takes_challenges": True, "city": None} | body
    return member.call("PUT", f"/campaigns/{code}/participation", json=wish)


def leave(member: Member, code: str = "week", query: str = "") -> Any:
    return member.call("DELETE", f"/campaigns/{code}/participation{query}")


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def row_of(world: World, member_id: str) -> CampaignParticipant:
    with world.house.transaction() as tx:
        found = tx.get(CampaignParticipant, (UUID(member_id), "week"))
        assert found is not None
        tx.expunge(found)
        return found


def test_members_take_part_as_they_wish_change_their_minds_and_leave(world: World, moment: Any) -> None:
    announced(world)
    announced(world, "draft", announced_at=None)
    lin = world.login("lin")
    (listed,) = lin.get("/campaigns?programme=members").json["campaigns"]
    assert (listed["code"], listed["state"], listed["taking_part"]) == ("week", "running", False)
    told = lin.get("/campaigns/week").json
    assert (told["me"], told["may_join"], told["because"], told["budget_points"]) == (None, True, None, None)
    assert told["cities"] == [{"code": "110000", "title": {"zh": "北京", "en": "Beijing"}}]
    assert refused(leave(lin)) == (404, "NOT_TAKING_PART") == refused(change(lin))

    joined = join(lin, city="110000", shown=False)
    assert joined.status_code == 201, joined.text
    me = joined.json
    assert (me["shown"], me["listed"], me["takes_challenges"], me["city"]) == (False, False, True, "110000")
    assert me["display_name"] == display_name(UUID(me["participant_id"]), None, False)
    assert me["display_name"].startswith("伙伴 ") and len(me["display_name"]) == 9
    assert join(lin, city="110000", shown=False).json == me, "the same again is the same"
    assert lin.get("/campaigns?programme=members").json["campaigns"][0]["taking_part"]

    changed = change(lin, takes_challenges=False).json
    assert changed == me | {"shown": True, "listed": True, "takes_challenges": False, "city": None}
    assert lin.get("/campaigns/week").json["me"] == changed
    assert leave(lin).status_code == 204 and refused(leave(lin)) == (404, "NOT_TAKING_PART")
    moment.shift(3600)
    lin.log_in_again()
    again = join(lin).json
    assert again["participant_id"] == me["participant_id"] and again["joined_at"] > me["joined_at"]


@pytest.mark.parametrize("path", ["/campaigns/draft", "/campaigns/none", "/campaigns/%00"])
def test_what_is_not_announced_is_not_there(world: World, path: str) -> None:
    announced(world, "draft", announced_at=None)
    assert refused(world.login("lin").get(path)) == (404, "CAMPAIGN_NOT_FOUND")


def test_each_state_allows_what_it_is_for(world: World, moment: Any) -> None:
    announced(world)
    lin, wang = world.login("lin"), world.login("wang")
    assert refused(join(lin, city="no")) == (422, "CAMPAIGN_CITY_UNKNOWN")
    join(lin)
    moment.move_to(clock.start_of_day_after(MONDAY, 7))
    for member in (lin, wang):
        member.log_in_again()
    assert wang.get("/campaigns/week").json["because"] == "over"
    assert refused(join(wang)) == (409, "CAMPAIGN_OVER") == refused(change(lin, city="110000"))
    assert change(lin, takes_challenges=False).status_code == 200
    with world.house.transaction() as tx:
        tx.get_one(Campaign, "week").final_at = clock.now()
    assert refused(leave(lin)) == (409, "CAMPAIGN_OVER") == refused(change(lin))
    assert change(lin, takes_challenges=False, shown=False).json["listed"] is False, "hiding is possible at any time"
    assert lin.get("/campaigns/week").json["state"] == "final"


def test_who_is_not_in_the_programme_sees_nothing_of_its_campaigns(world: World) -> None:
    announced(world, programme="staff")
    lin = world.login("lin")
    for answer in (lin.get("/campaigns?programme=staff"), lin.get("/campaigns/week"), join(lin)):
        assert answer.json["code"] == "NOT_ENROLLED"
    assert lin.get("/campaigns?programme=none").json["code"] == "UNKNOWN_PROGRAMME"
    assert world.client.get(f"{API}/campaigns?programme=members").status_code == 401


def test_an_invitation_is_good_for_so_many_and_needed_once_by_each(world: World) -> None:
    announced(world, joining="invitation")
    announced(world, "other", joining="invitation")
    with world.house.transaction() as tx:
        now = clock.now()
        week, other = (campaigns.campaign(tx, code, now=now) for code in ("week", "other"))
        number, code = campaigns.invitations.invite(tx, world.house.vault, week, note="研发", uses=2, now=now)
        _, foreign = campaigns.invitations.invite(tx, world.house.vault, other, note="", uses=2, now=now)
    lin, wang, zhao = (world.login(name) for name in ("lin", "wang", "zhao"))
    for wrong in ({}, {"invitation": "WRONG"}, {"invitation": foreign}):
        assert refused(join(lin, **wrong)) == (403, "CAMPAIGN_INVITATION_NEEDED")
    assert join(lin, invitation=f" {code[:5].lower()}-{code[5:]} ").status_code == 201
    assert leave(lin).status_code == 204 and join(lin).status_code == 201, "who was let in once comes again"
    assert join(wang, invitation=code).status_code == 201
    assert refused(join(zhao, invitation=code)) == (403, "CAMPAIGN_INVITATION_NEEDED")
    with world.house.transaction() as tx:
        (seen,) = campaigns.invitations.invitations_of(tx, "week")
        assert (seen.id, seen.uses, seen.note) == (number, 2, "研发")


def test_a_ward_takes_part_by_their_guardian_and_is_never_listed(world: World) -> None:
    announced(world)
    child, parent = world.login("child"), world.login("parent")
    child.call("PUT", "/me/birth-date", json={"birth_date": "2016-03-01"})
    invited = child.call("POST", "/me/guardian-invitations").json["code"]
    ward = parent.call("POST", "/me/wards", json={"code": invited, "i_am_the_guardian": True}).json["id"]
    assert refused(join(child)) == (403, "GUARDIAN_NEEDED")
    told = join(parent, account_id=ward).json
    assert (told["shown"], told["listed"]) == (True, False)
    assert parent.get("/campaigns/week").json["me"] is None
    assert parent.get(f"/campaigns/week?account_id={ward}").json["me"] == told
    assert refused(join(world.login("stranger"), account_id=ward)) == (404, "NOT_FOUND")
    assert leave(parent, query=f"?account_id={ward}").status_code == 204


def test_a_class_takes_part_by_its_steward_where_classes_are_counted(world: World) -> None:
    announced(world)
    announced(world, "classes", terms={"boards": ["class-mean_grams-week"]})
    teacher = world.login("teacher")
    me = UUID(teacher.get("/me").json["id"])
    with world.house.transaction() as tx:
        account = identity.open_class_account(tx, world.house.vault, "members", now=clock.now())
        identity.appoint_steward(tx, account, me, until=None, now=clock.now())
    assert join(teacher, account_id=str(account)).json["because"] == "class"
    told = join(teacher, "classes", account_id=str(account)).json
    assert (told["kind"], told["listed"]) == ("class", False)


def test_who_is_forgotten_takes_part_in_nothing_and_is_called_nothing(world: World) -> None:
    announced(world)
    lin = world.login("lin")
    me = lin.get("/me").json["id"]
    join(lin, city="110000")
    with world.house.transaction() as tx:
        row = tx.get_one(CampaignParticipant, (UUID(me), "week"))
        row.name, row.name_passed = "小林", True
    (held,) = lin.get("/me/export").json["statement"]["sections"]["campaign_participants"]
    assert (held["campaign"], held["name"], held["city"]) == ("week", "小林", "110000")
    asked = lin.call("POST", "/me/deletion-requests").json["confirmation"]
    assert lin.call("DELETE", f"/me?confirmation={asked}").status_code == 200
    row = row_of(world, me)
    assert row.left_at is not None and (row.name, row.city, row.shown) == (None, None, False)


def test_the_department_of_today_decides_and_a_person_takes_part_once(database_url: str, moment: Any) -> None:
    """A department's name does not begin another one's; who has two accounts takes part with one of them."""
    week = Week(database_url, departments=["总部/研发"])
    week.company.import_list({"a": "总部/研发/一组", "b": "总部/研发二部", "c": ""}, date(2026, 5, 1))
    with week.house.transaction() as tx:
        tx.get_one(Campaign, "environment-week-2026").joining = "departments"
    view = week.view()
    with week.house.transaction() as tx:
        why = {
            number: campaigns.joining.why_not(tx, view, holder, "staff", now=clock.now())
            for number, holder in week.staff.items()
        }
    assert why == {"a": None, "b": "department", "c": "department"}
