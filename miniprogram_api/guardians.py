"""Members under fourteen: saying so, and finding the guardian who consents for them."""

from datetime import date
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from backend import clock, identity
from backend.errors import NotFound
from backend.identity import AgeStatedBefore, HasGuardian, NotAMinor
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Day, Instant
from miniprogram_api.resource import Resource, nothing

resource = Resource("guardians", __name__, description="未成年人与监护人 / Members under fourteen")

EARLIEST_BIRTH = date(1900, 1, 1)


def _a_day_of_birth(day: date) -> None:
    if not EARLIEST_BIRTH <= day <= clock.today():
        raise ValidationError("nobody was born on that day")


class BirthDateSchema(Schema):
    """A date of birth. It is not kept."""

    birth_date = Day(required=True, validate=_a_day_of_birth)


class MinoritySchema(Schema):
    """`minor_until`: the fourteenth birthday of a member who is younger than that, null for everybody else."""

    minor_until = fields.Date(required=True, allow_none=True)


class InvitationSchema(Schema):
    """A code for the guardian to enter in a login of their own: good once, until `expires_at`."""

    code = fields.String(required=True)
    expires_at = Instant(required=True)


@resource.operation("PUT", "/me/birth-date", answers=MinoritySchema, refuses=(AgeStatedBefore,))
@resource.body(BirthDateSchema)
def state_birth_date(body: dict[str, Any]) -> dict[str, Any]:
    """Say when I was born

    Of who is under fourteen, the fourteenth birthday is kept until it has come, and whatever they agreed to alone
    ends: from now on a guardian consents for them. Of everybody else nothing is kept.
    """
    with house().transaction() as tx:
        until = identity.state_birth_date(tx, member().holder_id, body["birth_date"], now=clock.now())
    return {"minor_until": until}


@resource.operation(
    "POST", "/me/guardian-invitations", answers=InvitationSchema, status=201, refuses=(NotAMinor, HasGuardian)
)
def invite_guardian() -> dict[str, Any]:
    """Make a code for my guardian

    The guardian enters it with `POST /me/wards`. A new code ends the one before it.
    """
    with house().transaction() as tx:
        code, expires_at = identity.invite_guardian(tx, house().vault, member().holder_id, now=clock.now())
    return {"code": code, "expires_at": expires_at}


@resource.operation("DELETE", "/me/guardian", answers=None, status=204, refuses=(NotFound,))
def dismiss_guardian() -> Response:
    """The wrong person is my guardian

    Whatever they consented to ends.
    """
    with house().transaction() as tx:
        identity.dismiss_guardian(tx, member().holder_id, now=clock.now())
    return nothing()
