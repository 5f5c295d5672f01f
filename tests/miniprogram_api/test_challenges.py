"""PK through HTTP: an invitation, an answer, a result that a stranger verifies, and everything that is refused."""

import importlib.util
from datetime import date
from typing import Any

import pytest
import time_machine

from backend.campaigns import challenges
from tests.backend.campaigns.week import Week, during
from tests.house_rules import ROOT
from tests.miniprogram_api.campaigning import CAMPAIGN, Staff

WEDNESDAY, THURSDAY = date(2026, 6, 3), date(2026, 6, 4)
SENT = f"{CAMPAIGN}/challenges"


@pytest.fixture
def moment():
    with time_machine.travel(during(WEDNESDAY), tick=False) as traveller:
        yield traveller


@pytest.fixture
def staff(moment: Any, database_url: str, app: Any) -> Staff:
    week = Week(database_url, pk=True)
    week.employ({"1": "总部/研发", "2": "总部/财务", "3": "总部/财务"})
    return Staff(week, app)


def wish(opponent: str, **said: Any) -> dict[str, Any]:
    days = {"first_day": "2026-06-04", "last_day": "2026-06-04"}
    return {"kind": "person", "opponent_id": opponent, "measure": "points", **days} | said


def test_from_an_invitation_to_a_signed_result(staff: Staff, moment: Any) -> None:
    sent = staff.call("1", "POST", SENT, wish(staff.participant("2")))
    assert sent.status_code == 201, sent.text
    one = f"/challenges/{sent.json['id']}"
    assert (sent.json["state"], sent.json["mine"], sent.json["may"]) == ("invited", "challenger", ["withdraw"])
    assert sent.json["lapses_at"] == "2026-06-03T16:00:00Z" and sent.json["due_at"] == "2026-06-06T16:00:00Z"
    assert sent.json["opponent"]["name"].startswith("伙伴 ")
    (listed,) = staff.call("2", "GET", SENT).json["challenges"]
    assert (listed["id"], listed["mine"]) == (sent.json["id"], "opponent")
    assert staff.call("3", "GET", SENT).json == {"challenges": []}
    for method, path in (("GET", ""), ("GET", "/results"), ("POST", "/accept"), ("POST", "/withdraw")):
        refused = staff.call("3", method, one + path)
        assert (refused.status_code, refused.json["code"]) == (404, "CHALLENGE_NOT_FOUND"), path
    accepted = staff.call("2", "POST", f"{one}/accept").json
    assert (accepted["state"], accepted["may"], accepted["challenger"]["score"]) == ("accepted", ["withdraw"], 0)
    again = staff.call("2", "POST", f"{one}/decline")
    assert (again.status_code, again.json["code"], again.json["state"]) == (409, "CHALLENGE_CHANGED", "accepted")

    moment.move_to(during(THURSDAY, 23))
    staff.week.ride("1", THURSDAY, "10")
    staff.week.follow()
    assert staff.call("2", "GET", one).json["leads"] == "challenger"
    moment.move_to(during(date(2026, 6, 7), 1))
    challenges.finish_due(staff.week.house.sessions, staff.week.house.vault)
    final = staff.call("2", "GET", one).json
    assert (final["state"], final["leads"], final["final_at"]) == ("final", "challenger", "2026-06-06T17:00:00Z")
    assert final["results"] == [{"number": 1, "made_at": "2026-06-06T17:00:00Z", "winner": "challenger"}]
    (document,) = staff.call("1", "GET", f"{one}/results").json["results"]
    spec = importlib.util.spec_from_file_location("verifier", ROOT / "docs/examples/verify_statement.py")
    assert spec and spec.loader
    verifier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(verifier)
    statement = verifier.verify(document, staff.app.test_client().get("/.well-known/jwks.json").json)
    assert statement["schema"] == "carbon-inclusion/pk-result/1"
    assert statement["sides"]["challenger"] == {
        "id": staff.participant("1"),
        "people": 1,
        "taking_part": 1,
        "amount": 467,
    }


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"first_day": "2026-06-03", "last_day": "2026-06-03"}, 422, "INVALID_CHALLENGE"),
    ({"first_day": "2026-06-05"}, 422, "INVALID_CHALLENGE"),
    ({"last_day": "2026-06-08"}, 422, "INVALID_CHALLENGE"),
    ({"measure": "mean_grams"}, 422, "INVALID_REQUEST"),
    ({"kind": "class"}, 422, "INVALID_REQUEST"),
    ({"kind": "team"}, 409, "NO_CHALLENGES"),
    ({"kind": "department"}, 403, "NOT_CAPTAIN"),
    ({"opponent_id": "01234567-89ab-7def-8123-456789abcdef"}, 404, "OPPONENT_NOT_FOUND"),
]


def test_what_is_refused(staff: Staff) -> None:
    for said, status, code in REFUSED:
        refused = staff.call("1", "POST", SENT, wish(staff.participant("2"), **said))
        assert (refused.status_code, refused.json["code"]) == (status, code), refused.text
    oneself = staff.call("1", "POST", SENT, wish(staff.participant("1")))
    assert oneself.json["code"] == "INVALID_CHALLENGE"
