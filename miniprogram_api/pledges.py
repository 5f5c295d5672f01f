"""Car-free days: pledging to leave the car, and what everybody came to."""

from datetime import date
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from backend import campaigns, clock, identity
from backend.campaigns import CampaignNotFound, CampaignView, NotTakingPart, car_free
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Day, Instant
from miniprogram_api.resource import Resource, nothing

resource = Resource("pledges", __name__, description="无车日 / Car-free days")

_FLOORED = "null for fewer than five people"


class NewPledgeSchema(Schema):
    """The day on which I leave the car."""

    day = Day(required=True)


class PledgeSchema(Schema):
    """My pledge. It is kept by a car that stood (`parked`) or by a ride on metro or bus that day (`transit`)."""

    pledged_at = Instant(required=True)
    state = fields.String(
        required=True, metadata={"enum": ["open", "kept", "missed"], "description": "missed when the campaign closed"}
    )
    by = fields.String(required=True, allow_none=True, metadata={"enum": ["parked", "transit"]})


class CarFreeDaySchema(Schema):
    """What everybody who takes part came to on a day."""

    day = fields.Date(required=True)
    pledged = fields.Integer(required=True, metadata={"description": "who pledged"})
    kept = fields.Integer(required=True, allow_none=True, metadata={"description": f"who of them did; {_FLOORED}"})
    parked = fields.Integer(required=True, allow_none=True, metadata={"description": f"cars that stood; {_FLOORED}"})
    reduction_g = fields.Integer(required=True, allow_none=True, metadata={"description": f"theirs; {_FLOORED}"})
    mine = fields.Nested(PledgeSchema, required=True, allow_none=True)


class PledgesSchema(Schema):
    """The days of a campaign as they were counted last, and my pledges as they stand now."""

    campaign = fields.String(required=True)
    as_of = Instant(required=True, allow_none=True)
    days = fields.List(fields.Nested(CarFreeDaySchema), required=True)


PLEDGES = "/campaigns/<code>/pledges"
REFUSES = (CampaignNotFound, car_free.PledgesNotTaken, car_free.PledgeTooLate, GuardianNeeded, NotEnrolled, NotFound)


@resource.operation("GET", PLEDGES, answers=PledgesSchema, refuses=(CampaignNotFound, car_free.PledgesNotTaken))
def pledges(code: str) -> dict[str, Any]:
    """The car-free days of a campaign, counted every five minutes, and my pledges"""
    with house().transaction() as tx:
        now = clock.now()
        return car_free.days_told(tx, campaigns.campaign(tx, code, now=now), member().holder_id, now=now)


@resource.operation("POST", PLEDGES, answers=PledgesSchema, status=201, refuses=(*REFUSES, NotTakingPart))
@resource.body(NewPledgeSchema)
def pledge(body: dict[str, Any], code: str) -> dict[str, Any]:
    """Pledge to leave the car on a day that is not over

    Evidence decides whether it was kept: the odometer's two photos, or rides on metro or bus.
    """
    with house().transaction() as tx:
        now = clock.now()
        found = _acting(tx, code)
        car_free.pledge(tx, found, member().holder_id, body["day"], now=now)
        return car_free.days_told(tx, found, member().holder_id, now=now)


@resource.operation("DELETE", f"{PLEDGES}/<day>", answers=None, status=204, refuses=REFUSES)
def withdraw(code: str, day: str) -> Response:
    """Take a pledge back while its day is not over"""
    with house().transaction() as tx:
        car_free.withdraw(tx, _acting(tx, code), member().holder_id, _day(day), now=clock.now())
    return nothing()


def _acting(tx: Any, code: str) -> CampaignView:
    """The campaign, for the account that this login acts for: its own."""
    now = clock.now()
    found = campaigns.campaign(tx, code, now=now)
    who = {"person_id": member().holder_id, "session_id": member().session_id, "account_id": member().holder_id}
    identity.act_for(tx, **who, programme=found.programme, now=now)
    return found


def _day(said: str) -> date:
    """The day in a path. NotFound where it is none."""
    try:
        day: date = Day().deserialize(said)
    except ValidationError:
        raise NotFound from None
    return day
