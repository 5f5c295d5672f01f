"""Under fourteen, a guardian consents; nothing is credited without them, and from the birthday on nothing by them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select

from backend import clock, identity, partners
from backend.identity.minors import fourteenth_birthday
from backend.identity.models import GuardianInvitation, Guardianship, Minor
from backend.identity.persons import hold_person
from tests.backend.operating import operator_with_token, run
from tests.miniprogram_api.test_deletion import ask, delete
from tests.miniprogram_api.world import trip

#: The fourteenth birthday is on 20 June 2026, twelve days after the tests' present.
BORN, BIRTHDAY = "2012-06-20", "2026-06-20"
COMMUTE = {"partner": "transit", "scene": "commute", "text_version": "2026-01"}


def state_birth_date(member, day=BORN):
    return member.call("PUT", "/me/birth-date", json={"birth_date": day})


def invite(child):
    answer = child.call("POST", "/me/guardian-invitations")
    assert answer.status_code == 201, answer.text
    return answer.json["code"]


def accept(guardian, code):
    return guardian.call("POST", "/me/wards", json={"code": code, "i_am_the_guardian": True})


def family(world, child="kid", guardian="mum"):
    """A child who is linked and stated their age, and their guardian."""
    child, guardian = world.login(child), world.login(guardian)
    child.link("transit", child.name)
    assert state_birth_date(child).json == {"minor_until": BIRTHDAY}
    ward = accept(guardian, invite(child))
    assert ward.status_code == 201, ward.text
    return child, guardian, f"/me/wards/{ward.json['id']}"


def commute(member, path="/me"):
    (found,) = [c for c in member.get(f"{path}/consents").json["consents"] if c["partner"] == "transit"]
    return found["state"], found["decided_by"]


def put(member, path="/me", granted=True):
    answer = member.call("PUT", f"{path}/consents", json=COMMUTE | {"granted": granted})
    return answer.status_code, answer.json.get("code")


def credited(world, member, number, began):
    """Send a trip of the member and settle; how much they have now."""
    world.send("transit", trip(member.name, number, began))
    world.settle()
    return member.account()["reduction_g"]


def test_a_guardian_grants_shows_and_withdraws_and_nothing_is_credited_otherwise(world, acted_at):
    child, guardian, ward = family(world)
    assert child.get("/me").json | {"minor_until": BIRTHDAY, "has_guardian": True} == child.get("/me").json
    assert put(child) == (403, "GUARDIAN_NEEDED")
    assert credited(world, child, 1, acted_at) == 0

    assert "监护人" in guardian.get(f"{ward}/consents").json["text"]["text"]["zh"]
    assert put(guardian, ward) == (200, None)
    assert commute(child) == commute(guardian, ward) == ("granted", "guardian")
    world.settle()
    assert child.account()["reduction_g"] == 579

    receipt = guardian.get(f"{ward}/consents/transit/commute/receipt").json
    assert receipt == child.get("/me/consents/transit/commute/receipt").json
    assert (receipt["decided_by"], receipt["changes"][0]["source"]) == ("guardian", "guardian")
    assert "guardian" in receipt["text"]["text"]["en"]
    assert put(child) == (403, "GUARDIAN_NEEDED")
    assert put(guardian, ward, granted=False) == (200, None)
    assert credited(world, child, 2, acted_at + timedelta(hours=2)) == 579
    assert put(guardian, ward) == (200, None)
    assert put(child, granted=False) == (200, None)  # stopping needs nobody's help
    assert commute(child) == ("withdrawn", "member")
    assert guardian.get("/me/consents").json["consents"][0]["state"] == "never_given"


def test_who_turns_out_to_be_a_child_loses_what_they_agreed_to_alone(world, acted_at):
    child = world.active_member("kid")
    assert credited(world, child, 1, acted_at) == 579
    assert state_birth_date(child).json == {"minor_until": BIRTHDAY}
    assert {consent["state"] for consent in child.get("/me/consents").json["consents"]} == {"withdrawn"}
    changes = child.get("/me/consents/transit/commute/receipt").json["changes"]
    assert [change["source"] for change in changes] == ["age", "member"]
    assert credited(world, child, 2, acted_at + timedelta(hours=2)) == 579
    assert state_birth_date(child).status_code == 200
    for day in ("2012-06-21", "1980-01-01"):
        assert state_birth_date(child, day).json["code"] == "AGE_STATED_BEFORE"


def test_from_the_birthday_on_the_member_decides_alone_and_loses_no_day(world, moment, acted_at):
    child, guardian, ward = family(world)
    put(guardian, ward)
    moment.move_to(clock.start_of(date(2026, 6, 20)) - timedelta(seconds=1))
    for member in (child, guardian):
        member.log_in_again()
    assert commute(child) == ("granted", "guardian")
    assert credited(world, child, 1, acted_at) == 579
    moment.shift(timedelta(seconds=1))
    assert commute(child) == ("renewal_needed", "guardian")
    assert credited(world, child, 2, acted_at + timedelta(hours=2)) == 579
    assert guardian.get("/me/wards").json == {"wards": []}
    assert put(guardian, ward) == put(guardian, ward, granted=False) == (404, "NOT_FOUND")
    assert child.get("/me").json["minor_until"] is None
    assert put(child) == (200, None)
    world.settle()
    assert (commute(child), child.account()["reduction_g"]) == (("granted", "member"), 2 * 579)
    delete(guardian, ask(guardian))
    assert commute(child) == ("granted", "member")


def test_a_code_is_good_once_for_ten_minutes_and_for_somebody_of_age(world, moment):
    child, mum, stranger = world.login("kid"), world.login("mum"), world.login("stranger")
    assert child.call("POST", "/me/guardian-invitations").json["code"] == "NOT_A_MINOR"
    state_birth_date(child)
    first, second = invite(child), invite(child)
    assert accept(mum, first).json["code"] == "INVALID_INVITATION"
    assert accept(child, second).json["code"] == "INVALID_INVITATION"
    state_birth_date(stranger)
    assert accept(stranger, second).json["code"] == "GUARDIAN_TOO_YOUNG"
    moment.shift(timedelta(minutes=10))
    assert accept(mum, second).json["code"] == "INVALID_INVITATION"
    third = invite(child)
    assert mum.call("POST", "/me/wards", json={"code": third, "i_am_the_guardian": False}).status_code == 422
    assert accept(mum, f"{third[:5].lower()} - {third[5:]}").status_code == 201
    assert accept(mum, third).json["code"] == "INVALID_INVITATION"
    assert child.call("POST", "/me/guardian-invitations").json["code"] == "HAS_GUARDIAN"
    with world.house.transaction() as tx:
        assert list(tx.scalars(select(GuardianInvitation))) == []


def test_a_code_entered_by_two_at_once_makes_one_guardian(world):
    child, adults = world.login("kid"), [world.login(name) for name in ("mum", "dad", "aunt")]
    state_birth_date(child)
    code = invite(child)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda adult: accept(adult, code).status_code, adults))
    assert sorted(answers) == [201, 422, 422]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_wards_who_enter_each_others_codes_do_not_wait_for_one_another(world):
    child, friend = world.login("kid"), world.login("friend")
    for member in (child, friend):
        state_birth_date(member)
    code, holder_id = invite(child), UUID(child.get("/me").json["id"])
    with ThreadPoolExecutor(1) as pool, world.house.transaction() as tx:
        hold_person(tx, holder_id, alone=True)
        assert pool.submit(accept, friend, code).result(timeout=10).json["code"] == "GUARDIAN_TOO_YOUNG"


@pytest.mark.parametrize("end", ["released", "dismissed", "forgotten", "a child as well"])
def test_when_a_guardianship_ends_its_consents_end(world, acted_at, end):
    child, guardian, ward = family(world)
    put(guardian, ward)
    if end == "released":
        assert guardian.call("DELETE", ward).status_code == 204
    elif end == "dismissed":
        assert child.call("DELETE", "/me/guardian").status_code == 204
    elif end == "forgotten":
        assert delete(guardian, ask(guardian)).status_code == 200
    else:
        assert state_birth_date(guardian, "2015-01-01").json == {"minor_until": "2029-01-01"}
    assert credited(world, child, 1, acted_at) == 0
    assert commute(child)[0] == "withdrawn"
    assert child.get("/me/consents/transit/commute/receipt").json["changes"][0]["source"] == "guardian_left"
    assert child.get("/me").json["has_guardian"] is False
    if end != "forgotten":
        assert put(guardian, ward) == (404, "NOT_FOUND")
        assert guardian.call("DELETE", ward).status_code == 404


def test_nobody_reaches_anybody_elses_ward_and_what_is_forgotten_is_gone(world):
    child, guardian, ward = family(world)
    stranger = world.login("stranger")
    for method, path, body in (
        ("GET", "/consents", None),
        ("PUT", "/consents", COMMUTE | {"granted": True}),
        ("PUT", "/consents", COMMUTE | {"granted": False}),
        ("GET", "/consents/transit/commute/receipt", None),
        ("DELETE", "", None),
    ):
        assert stranger.call(method, ward + path, json=body).json["code"] == "NOT_FOUND"
    told = child.get("/me/export").json["statement"]["sections"]
    assert [row["minor_until"] for row in told["minors"]] == [BIRTHDAY]
    assert [row["role"] for row in told["guardianships"]] == ["ward"]
    told = guardian.get("/me/export").json["statement"]["sections"]
    assert (told["minors"], [row["role"] for row in told["guardianships"]]) == ([], ["guardian"])
    delete(child, ask(child))
    with world.house.transaction() as tx:
        assert not [row for table in (Minor, Guardianship) for row in tx.scalars(select(table))]
    assert guardian.get("/me/wards").json == {"wards": []}
    assert put(guardian, ward) == (404, "NOT_FOUND")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_stating_the_age_while_consenting_and_settling_credits_nothing_afterwards(world, acted_at):
    """Many times over: a child agrees alone and says how old they are, while workers settle."""
    for number in range(8):
        child = world.login(f"kid{number}")
        child.link("transit", child.name)
        world.send("transit", trip(child.name, number, acted_at))
        world.settle()
        with ThreadPoolExecutor(3) as pool:
            agreeing = pool.submit(put, child)
            stating = pool.submit(lambda child=child: (state_birth_date(child).status_code, child.account()))
            pool.submit(partners.settle_waiting, world.house.sessions, world.house.vault)
            assert agreeing.result() in ((200, None), (403, "GUARDIAN_NEEDED"))
            (status, account) = stating.result()
            assert status == 200
        world.settle()
        assert commute(child)[0] in ("withdrawn", "never_given")
        assert child.account()["reduction_g"] == account["reduction_g"]


def test_an_administrator_corrects_what_was_mistyped(world, app, acted_at):
    child, guardian, ward = family(world)
    put(guardian, ward)
    holder = child.get("/me").json["id"]
    token = run(app, "operator", "add", "wang", "--role", "administrator").stdout.strip()
    reviewer = operator_with_token(world, "li", "reviewer")[1]

    def correct(day, holder=holder, name="wang", token=token):
        arguments = ("member", "correct-birth-date", holder, day, "--operator", name, "--reason", "mistyped")
        return run(app, *arguments, token=token)

    assert correct("2001-06-20", name="li", token=reviewer).stderr.startswith("OPERATOR_NOT_ALLOWED")
    assert correct("2001-06-20", holder="01234567-89ab-7def-8123-456789abcdef").stderr.startswith("NOT_FOUND")
    assert "2026-06-09" in correct("2012-06-09").stdout
    assert (commute(child), guardian.get("/me/wards").json["wards"][0]["minor_until"]) == (
        ("granted", "guardian"),
        "2026-06-09",
    )
    with time_machine.travel(clock.start_of(date(2026, 6, 9)), tick=False):
        child.log_in_again()
        assert commute(child) == ("renewal_needed", "guardian")
    child.log_in_again()
    assert correct("2001-06-20").exit_code == 0
    assert (commute(child)[0], child.get("/me").json["minor_until"]) == ("withdrawn", None)
    assert (put(child), put(guardian, ward)) == ((200, None), (404, "NOT_FOUND"))
    assert credited(world, child, 1, acted_at) == 579
    log = run(app, "operator", "log").stdout
    assert log.count("member.birth_date_corrected") == 2 and "2001-06-20" not in log


def test_a_birthday_on_29_february_comes_on_1_march() -> None:
    assert fourteenth_birthday(date(2012, 2, 29)) == date(2026, 3, 1)
    assert fourteenth_birthday(date(2012, 2, 28)) == date(2026, 2, 28)
    assert fourteenth_birthday(date(2010, 2, 28)) == date(2024, 2, 28)


def test_every_guardians_wording_is_in_both_languages() -> None:
    for text in identity.CONSENT_TEXTS.values():
        assert "监护人" in text.guardian_zh and "guardian" in text.guardian_en and text.guardian_en.isascii()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_no_date_of_birth_and_no_code_is_refused(world):
    member = world.login("kid")
    days = ["", "2012-6-20", "2012-02-30", "2999-01-01", "1899-12-31", "２０１２-06-20", "2012-06-20T00:00:00Z"]
    for day in [*days, 20120620, None, {}, "2026-06-09"]:
        answer = state_birth_date(member, day)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["birth_date"]), day
    for code in ("", None, 2345678923, "2" * 21, "ABC\nDEF"):
        answer = accept(member, code)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["code"]), code
    for code in ("ABCDEFGHJK", "short", "ABCDEFGH2３", "'; --"):
        assert accept(member, code).json["code"] == "INVALID_INVITATION"
    assert state_birth_date(member, "1980-01-01").json == {"minor_until": None}
