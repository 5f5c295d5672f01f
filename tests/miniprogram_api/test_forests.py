"""Donating steps through the API: trees, certificates, teams, refusals, and the way back."""

from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock, forest, identity, ledger, points, settlement
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from tests.miniprogram_api.world import Member, World

PRICE = 10_000


@pytest.fixture
def grove(world: World) -> World:
    """A project with three trees, and 10 points for a donation."""
    with world.house.transaction() as tx:
        points.save_rule(
            tx, programme="members", version=2, in_force_from=date(2025, 1, 2), fixed_points={"step_donation": 10}
        )
        add_project(tx)
    return world


def add_project(tx: Any, code: str = "ordos", **what: Any) -> None:
    how: dict[str, Any] = {"programme": "members", "steps_per_tree": PRICE, "trees_offered": 3}
    how |= {"opens_on": date(2026, 1, 1), "title": "库布其 <林> / Kubuqi", "place": "鄂尔多斯 / Ordos"}
    how |= {"species": "梭梭 / saxaul", "organisation": "某基金会 / a foundation"}
    forest.save_project(tx, code=code, **(how | what))


def walker(world: World, name: str, steps: int) -> Member:
    """A member who can donate so many steps."""
    member = world.login(name)
    with world.house.transaction() as tx:
        moves = (Transfer("issuer.steps", "steps.pending", steps), Transfer("steps.pending", "steps.available", steps))
        key = f"steps:{uuid4()}"
        given = Transaction(new_id(), holder(member), "members", "steps.counted", key, transfers=moves)
        ledger.post(tx, [given], now=clock.now())
    return member


def holder(member: Member) -> UUID:
    keys = member.world.house.settings.token_keys
    return identity.read_access(keys, member.tokens["access_token"], clock.now()).holder_id


def donate(member: Member, steps: int, key: str = "", **more: Any) -> Any:
    body = {"project": "ordos", "steps": steps} | more
    client = member.world.app.test_client()
    headers = {"Authorization": f"Bearer {member.tokens['access_token']}", "Idempotency-Key": key or str(uuid4())}
    return client.post("/api/v1/step-donations", json=body, headers=headers)


def available(member: Member) -> int:
    found: int = member.get("/me/steps?programme=members").json["available"]
    return found


def project(world: World) -> Any:
    (found,) = world.login("somebody").get("/forests?programme=members").json["forests"]
    return found


def sound(world: World) -> bool:
    with world.house.transaction() as tx:
        trees = tx.query(forest.certificates.ForestTree).filter_by(state="adopted").count()
        adopted = tx.query(forest.certificates.ForestProject).one().trees_adopted
        differences = [*ledger.differences(tx), *points.differences(tx)]
    return trees == adopted and not differences


def page(world: World, number: str, what: str = "") -> tuple[int, str]:
    answer = world.client.get(f"/certificates/{number}{what}")
    return answer.status_code, answer.text


def test_steps_become_a_tree_with_a_certificate(grove: World) -> None:
    lin = walker(grove, "lin", 16_000)
    first = donate(lin, 4_000, "k1")
    assert (first.status_code, first.json["certificates"], first.json["points"]) == (201, [], 10)
    again = donate(lin, 4_000, "k1")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    second = donate(lin, 8_000, sign_as=" 小林 ").json
    assert (second["gathered"], len(second["certificates"])) == (2_000, 1)
    assert available(lin) == 4_000

    (number,) = second["certificates"]
    status, text = page(grove, number.lower())
    assert status == 200 and "小林" in text and "有效" in text and "库布其 &lt;林&gt;" in text
    assert "<script" not in text and "lin" not in text.replace("line", "")
    printed = page(grove, number, "/print")[1]
    assert "<svg" in printed and f"/certificates/{number}" in printed and "<script" not in printed
    headers = grove.client.get(f"/certificates/{number}").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert page(grove, "0000-0000-0000-0000")[0] == page(grove, "..%2f")[0] == 404

    (tree,) = lin.get("/me/trees").json["items"]
    assert (tree["number"], tree["signed_as"], tree["state"]) == (number, "小林", "adopted")
    assert lin.call("PUT", f"/me/trees/{number}", json={"sign_as": None}).status_code == 200
    assert "小林" not in page(grove, number)[1]
    assert sound(grove)


def test_a_reversed_donation_withdraws_the_certificate_and_what_is_left_grows_on(grove: World, moment: Any) -> None:
    lin = walker(grove, "lin", 18_000)
    acts = [donate(lin, 6_000).json for _ in range(3)]
    (number,) = [number for act in acts for number in act["certificates"]]
    with grove.house.transaction() as tx:
        taken = settlement.reverse(tx, [(holder(lin), UUID(acts[0]["activity_id"]))], now=clock.now())
    assert len(taken) == 1
    status, text = page(grove, number)
    assert status == 200 and "已作废" in text
    trees = lin.get("/me/trees").json["items"]
    assert [tree["state"] for tree in trees] == ["adopted", "withdrawn"]  # the other 12,000 pay for another one
    assert available(lin) == 6_000 and project(grove)["trees_adopted"] == 1
    assert [item["state"] for item in lin.get("/step-donations").json["items"]] == ["standing"] * 2 + ["withdrawn"]
    assert lin.account()["points"]["pending"] == 20
    forest.end_withdrawn(grove.house.sessions, grove.house.vault)
    assert available(lin) == 6_000 and sound(grove)


def test_a_refused_donation_takes_nothing(grove: World) -> None:
    lin = walker(grove, "lin", 5_000)
    with grove.house.transaction() as tx:
        add_project(tx, "later", opens_on=date(2026, 7, 1))
    for steps, more, code in (
        (999, {}, "DONATION_TOO_SMALL"),
        (5_001, {}, "INSUFFICIENT_STEPS"),
        (20_001, {}, "INVALID_REQUEST"),
        (0, {}, "INVALID_REQUEST"),
        (1_000.0, {}, "INVALID_REQUEST"),
        (2_000, {"project": "nowhere"}, "FOREST_NOT_FOUND"),
        (2_000, {"project": "later"}, "FOREST_CLOSED"),
        (2_000, {"sign_as": "13800138000"}, "NAME_REFUSED"),
        (2_000, {"team_id": str(UUID(int=7))}, "TEAM_NOT_FOUND"),
        (2_000, {"account_id": str(UUID(int=7))}, "NOT_FOUND"),
    ):
        assert donate(lin, steps, **more).json["code"] == code
    assert available(lin) == 5_000 and not lin.get("/activities").json["items"]


def test_no_more_than_the_days_limit_counts(grove: World) -> None:
    lin = walker(grove, "lin", 30_000)
    assert donate(lin, 15_000).status_code == 201
    refused = donate(lin, 6_000)
    assert (refused.status_code, refused.json["code"]) == (409, "DONATION_NOT_COUNTED")
    assert refused.json["reason"]["code"] == "DAILY_STEPS"
    assert available(lin) == 15_000


def test_a_team_adopts_in_its_name(grove: World) -> None:
    lin, wang = walker(grove, "lin", 6_000), walker(grove, "wang", 6_000)
    made = lin.call("POST", "/forest-teams", json={"programme": "members", "name": "绿色小队"}).json
    assert donate(wang, 4_000, team_id=made["id"]).json["code"] == "TEAM_NOT_FOUND"
    for _ in range(2):
        joined = wang.call("POST", "/forest-teams/memberships", json={"join_code": made["join_code"].lower()})
        assert joined.status_code == 201
    assert lin.get("/forest-teams").json["teams"][0]["members"] == 2
    assert donate(lin, 6_000, team_id=made["id"]).json["gathered"] == 6_000
    (number,) = donate(wang, 4_000, team_id=made["id"]).json["certificates"]
    assert "绿色小队" in page(grove, number)[1]
    assert [tree["of_team"] for tree in lin.get("/me/trees").json["items"]] == [True]
    assert lin.call("PUT", f"/me/trees/{number}", json={"sign_as": "我"}).status_code == 404
    assert wang.call("DELETE", f"/forest-teams/{made['id']}/membership").status_code == 204
    assert donate(wang, 2_000, team_id=made["id"]).json["code"] == "TEAM_NOT_FOUND"


def test_survival_is_told_and_a_name_goes_with_its_member(grove: World) -> None:
    lin = walker(grove, "lin", 10_000)
    (number,) = donate(lin, 10_000, sign_as="小林").json["certificates"]
    with grove.house.transaction() as tx:
        how: dict[str, Any] = {"surveyed_on": date(2026, 6, 1), "alive": 85, "counted": 100, "note": ""}
        how["now"] = clock.now()
        forest.report_survival(tx, "ordos", **how)
        for wrong in ({}, {"surveyed_on": date(2027, 1, 1)}, {"surveyed_on": date(2026, 5, 1), "alive": 101}):
            with pytest.raises(forest.InvalidSurvey):
                forest.report_survival(tx, "ordos", **(how | wrong))
    assert "85.0%" in page(grove, number)[1]
    assert project(grove)["survival"]["alive"] == 85
    asked = lin.call("POST", "/me/deletion-requests").json["confirmation"]
    assert lin.call("DELETE", f"/me?confirmation={asked}").status_code == 200
    status, text = page(grove, number)
    assert status == 200 and "小林" not in text and "一位会员" in text


def test_many_at_once_never_overspend_nor_adopt_more_than_there_is(postgresql_grove: World) -> None:
    """Five members with 25,000 steps each give 5,000 at a time to three trees, each request thrice at once."""
    world = postgresql_grove
    members = [walker(world, f"walker{number}", 25_000) for number in range(5)]
    wishes = [(member, f"key-{number}") for member in members for number in range(4)] * 3
    gate, answers = Barrier(len(wishes)), []

    def give(member: Member, key: str) -> None:
        gate.wait()
        answers.append((member.name, key, donate(member, 5_000, key)))

    threads = [Thread(target=give, args=wish) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_wish: dict[tuple[str, str], set[tuple[int, str]]] = {}
    for name, key, answer in answers:
        by_wish.setdefault((name, key), set()).add((answer.status_code, answer.text))
    assert all(len(said) == 1 for said in by_wish.values())
    given = sum(status == 201 for said in by_wish.values() for status, _ in said)
    assert {status for said in by_wish.values() for status, _ in said} <= {201, 409}
    assert sum(available(member) for member in members) == 125_000 - 5_000 * given
    assert project(world)["trees_adopted"] == 3
    assert sound(world)


@pytest.fixture
def postgresql_grove(request: pytest.FixtureRequest, database_url: str) -> World:
    if database_url.startswith("sqlite"):
        pytest.skip("races are promised on PostgreSQL")
    grove: World = request.getfixturevalue("grove")
    return grove


def test_a_donation_that_lost_its_day_does_not_come_back_without_its_steps(grove: World, moment: Any) -> None:
    lin = walker(grove, "lin", 10_000)
    act = donate(lin, 10_000).json
    moment.shift(timedelta(minutes=1))
    with grove.house.transaction() as tx:
        settlement.reverse(tx, [(holder(lin), UUID(act["activity_id"]))], now=clock.now())
    for _ in range(2):
        forest.end_withdrawn(grove.house.sessions, grove.house.vault)
    (found,) = lin.get("/activities").json["items"]
    assert found["status"] == "taken_back" and available(lin) == 10_000
