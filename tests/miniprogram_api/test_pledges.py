"""A car-free day through the API: pledges, what keeps them, what everybody came to, and that nothing counts twice."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from backend import campaigns, clock, outbox, settlement
from backend.campaigns import scoring
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.scoring.models import CampaignScore
from backend.campaigns.terms import Terms
from backend.ids import new_id
from tests.backend.operating import Acting
from tests.miniprogram_api.test_declarations import declare, upload
from tests.miniprogram_api.test_forests import holder
from tests.miniprogram_api.world import Member, World, cancellation, trip

DAY = date(2026, 6, 9)
DAWN = clock.start_of(DAY) + timedelta(hours=7)
PATH = "/campaigns/no-cars/pledges"
#: Metro, 12.4 km, and a compact car that stood for a day, as in tests/backend/settlement/test_exclusivity.py.
METRO_G, CAR_G = 579, 5_524
CAR = {"programme": "members", "methodology": "car_free_day", "data": {"car_class": "compact"}}


@pytest.fixture
def day(world: World) -> World:
    """A car-free day of the programme, announced, and a challenge that is none."""
    with world.house.transaction() as tx:
        for code, kind in (("no-cars", "car_free_day"), ("walk", "challenge")):
            times = {"starts_at": clock.start_of(DAY), "ends_at": clock.start_of_day_after(DAY, 1)}
            times |= {"closes_at": clock.start_of_day_after(DAY, 4), "drafted_at": clock.now()}
            made = {"code": code, "programme": "members", "kind": kind, "title": "无车日 / Day", "joining": "open"}
            tx.add(Campaign(**made, **times, terms=Terms().text(), announced_at=clock.now()))
    return world


def join(world: World, member: Member) -> None:
    row: dict[str, Any] = {"id": new_id(), "kind": "person", "shown": True, "takes_challenges": True, "name": None}
    with world.house.transaction() as tx:
        owner = {"holder_id": holder(member), "campaign": "no-cars", "joined_at": clock.now()}
        tx.add(CampaignParticipant(**owner, **row, name_passed=False))
        tx.flush()
        scoring.participant_changed(tx, "no-cars", [owner["holder_id"]], now=clock.now())


def pledge(member: Member, day: date = DAY) -> Any:
    return member.call("POST", PATH, json={"day": day.isoformat()})


def mine(member: Member) -> tuple[str, str | None] | None:
    (told,) = member.get(PATH).json["days"]
    return told["mine"] and (told["mine"]["state"], told["mine"]["by"])


def counted(world: World, member: Member) -> dict[str, Any]:
    """What everybody is told once the job has counted."""
    with world.house.transaction() as tx:
        while campaigns.car_free.count_due(tx, now=clock.now()):
            pass
    (told,) = member.get(PATH).json["days"]
    return {name: told[name] for name in ("pledged", "kept", "parked", "reduction_g")}


def score_g(world: World, member: Member) -> int:
    """The grams of a member in the campaign, counted again by the follower."""
    with world.house.transaction() as tx:
        while outbox.give_positions(tx):
            pass
    looked_at = 1
    while looked_at:
        with world.house.transaction() as tx:
            looked_at = scoring.follow(tx, now=clock.now()).looked_at
    with world.house.transaction() as tx:
        row = tx.get(CampaignScore, (holder(member), "no-cars", "all"))
        return 0 if row is None else row.grams


def ride(world: World, member: Member, number: int, at: datetime = DAWN) -> None:
    world.send("transit", trip(member.name, number, at + timedelta(hours=1)))
    world.settle()


def test_pledges_are_made_kept_and_counted(day: World, moment: Any) -> None:
    members = [day.active_member(name) for name in ("ann", "bob", "cai", "dou", "eve", "fan")]
    ann, *others = members
    assert pledge(ann).json["code"] == "NOT_TAKING_PART"
    for member in members:
        join(day, member)
        assert pledge(member).status_code == 201
    assert pledge(ann).json["days"][0]["mine"]["state"] == "open"
    assert pledge(ann, DAY + timedelta(days=1)).json["code"] == "PLEDGE_TOO_LATE"
    assert ann.call("POST", "/campaigns/walk/pledges", json={"day": "2026-06-09"}).json["code"] == "PLEDGES_NOT_TAKEN"
    assert counted(day, ann) == {"pledged": 6, "kept": None, "parked": None, "reduction_g": None}
    fan = others.pop()
    assert [fan.call("DELETE", f"{PATH}/{day_}").status_code for day_ in (DAY, DAY, "x")] == [204, 404, 404]
    moment.move_to(DAWN + timedelta(hours=3))
    for member in members:
        member.log_in_again()
    for number, member in enumerate((ann, *others[:-1])):
        ride(day, member, number)
    told = counted(day, ann)
    assert (mine(ann), mine(others[-1]), mine(fan)) == (("kept", "transit"), ("open", None), None)
    assert (told["pledged"], told["kept"]) == (5, None)  # four people are too few to be told about
    ride(day, others[-1], 9)
    moment.shift(timedelta(minutes=5))
    assert counted(day, ann)["kept"] == 5
    acts = ann.get("/activities").json["items"]
    with day.house.transaction() as tx:
        settlement.reverse(tx, [(holder(ann), UUID(acts[0]["id"]))], now=clock.now())
    moment.move_to(clock.start_of_day_after(DAY, 1))
    ann.log_in_again()
    assert (mine(ann), counted(day, ann)["kept"]) == (("open", None), None)
    for late in (pledge(ann), ann.call("DELETE", f"{PATH}/{DAY}")):
        assert (late.status_code, late.json["code"], late.json["days"]) == (409, "PLEDGE_TOO_LATE", [])
    moment.move_to(clock.start_of_day_after(DAY, 4))
    ann.log_in_again()
    assert mine(ann) == ("missed", None)
    (kept,) = ann.get("/me/export").json["statement"]["sections"]["campaign_pledges"]
    assert (kept["campaign"], kept["day"]) == ("no-cars", DAY.isoformat())
    with day.house.transaction() as tx:
        campaigns.car_free.forget(tx, holder(ann))
    assert mine(ann) is None


def test_a_car_that_stood_and_the_rides_of_that_day_count_once(day: World, app: Any, moment: Any) -> None:
    ann, bob = day.active_member("ann"), day.active_member("bob")
    for member in (ann, bob):
        join(day, member)
        assert pledge(member).status_code == 201
    photos = {}
    for hours in (0, 24):
        moment.move_to(DAWN + timedelta(hours=hours))
        for number, member in enumerate((ann, bob)):
            member.log_in_again()
            photos.setdefault(member.name, []).append(upload(member, seed=60 + hours + number).json["id"])

    def stood(member: Member) -> dict[str, Any]:
        said = CAR | {"occurred_at": DAWN.isoformat(), "odometer_km": [88_120, 88_120]}
        return said | {"photo_ids": photos[member.name], "identity": {"serial": f"LVIN{member.name.upper()}0001"}}

    parked = declare(ann, stood(ann))
    assert (parked.status_code, mine(ann)) == (201, ("open", None)), parked.text
    assert Acting(app, day, "rei", "reviewer")("review", "approve", parked.json["id"]).exit_code == 0
    assert (mine(ann), score_g(day, ann)) == (("kept", "parked"), CAR_G)
    assert counted(day, ann) == {"pledged": 2, "kept": None, "parked": None, "reduction_g": None}
    # Her ride of that day is signed by the operator: the better evidence counts, and the car no more.
    ride(day, ann, 1)
    assert (mine(ann), score_g(day, ann)) == (("kept", "transit"), METRO_G)
    ride(day, bob, 2)
    excluded = declare(bob, stood(bob))
    assert (excluded.json["code"], excluded.json["reason"]["code"]) == ("DECLARATION_REFUSED", "EXCLUDED_BY")
    assert (mine(bob), score_g(day, bob)) == (("kept", "transit"), METRO_G)
    # The ride is cancelled: the car comes to its right.
    day.send("transit", cancellation("ann", "T1", clock.now()))
    day.settle()
    assert (mine(ann), score_g(day, ann)) == (("kept", "parked"), CAR_G)
