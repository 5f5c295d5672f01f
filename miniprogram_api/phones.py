"""The member's phone number, verified by WeChat and shown without its middle."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from backend import clock
from backend.errors import NotFound
from backend.identity import phones
from miniprogram_api.caller import house, member
from miniprogram_api.fields import text
from miniprogram_api.resource import Resource, nothing

resource = Resource("phones", __name__, description="手机号 / The phone number")

REFUSES = (phones.PhoneCodeInvalid, phones.PhoneTaken, phones.PhoneUnavailable)


class PhoneCodeSchema(Schema):
    """What `getPhoneNumber` gave the mini-program: its new `code`, not encrypted data."""

    code = text(512, required=True, metadata={"description": "in the sandbox `sandbox:13800001234`"})


class PhoneSchema(Schema):
    """`phone`: the number without its middle, `138****1234`; null without one."""

    phone = fields.String(required=True, allow_none=True)


@resource.operation("GET", "/me/phone", answers=PhoneSchema)
def phone() -> dict[str, Any]:
    """My phone number"""
    with house().transaction() as tx:
        return {"phone": phones.phone_of(tx, house().vault, member().holder_id)}


@resource.operation("PUT", "/me/phone", answers=PhoneSchema, refuses=REFUSES)
@resource.body(PhoneCodeSchema)
def verify(body: dict[str, Any]) -> dict[str, Any]:
    """Verify my phone number

    It takes the place of the one before. A number that another member verified stays theirs, and operators find out
    whether the two are one person.
    """
    number = house().phone_provider.number(body["code"])
    with house().transaction() as tx:
        found = phones.verify_phone(tx, house().vault, member().holder_id, number, now=clock.now())
    if found.taken:  # what the operators are told is committed by now
        raise phones.PhoneTaken
    return {"phone": found.shown}


@resource.operation("DELETE", "/me/phone", answers=None, status=204, refuses=(NotFound,))
def forget() -> Response:
    """Forget my phone number"""
    with house().transaction() as tx:
        phones.forget_phone(tx, member().holder_id)
    return nothing()
