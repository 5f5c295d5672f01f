"""Wards: the members under fourteen for whom the calling member consents."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from backend import clock, identity
from backend.errors import NotFound
from backend.identity import (
    ConsentTextReplaced,
    GuardianTooYoung,
    InvalidInvitation,
    TooManyWards,
    UnknownConsentText,
    UnknownScene,
    Ward,
)
from backend.partners import PartnerInactive, UnknownPartner
from backend.sync import UnknownDestination
from miniprogram_api.caller import house, member
from miniprogram_api.consent_receipts import ConsentReceiptSchema, receipt_about
from miniprogram_api.consents import ConsentChangeSchema, ConsentSchema, ConsentsSchema, consents_about, decide
from miniprogram_api.fields import Flag, Instant, text
from miniprogram_api.resource import Resource, nothing

resource = Resource("wards", __name__, description="被监护人 / Wards")


class NewWardSchema(Schema):
    """The code the ward's account made (good once, for ten minutes; case, blanks and hyphens do not matter), and the
    word of whoever enters it.
    """

    code = text(20, required=True)
    i_am_the_guardian = Flag(required=True, validate=validate.Equal(True))


class WardSchema(Schema):
    """A member under fourteen. From `minor_until` on they consent themselves."""

    id = fields.UUID(required=True)
    minor_until = fields.Date(required=True)
    since = Instant(required=True)


class WardsSchema(Schema):
    """Everybody for whom the member consents now."""

    wards = fields.List(fields.Nested(WardSchema), required=True)


@resource.operation("GET", "/me/wards", answers=WardsSchema)
def wards() -> dict[str, Any]:
    """For whom I consent"""
    with house().transaction() as tx:
        return {"wards": identity.wards_of(tx, member().holder_id, now=clock.now())}


@resource.operation(
    "POST",
    "/me/wards",
    answers=WardSchema,
    status=201,
    refuses=(InvalidInvitation, GuardianTooYoung, TooManyWards),
)
@resource.body(NewWardSchema)
def become_guardian(body: dict[str, Any]) -> Ward:
    """Become the guardian of whoever made this code"""
    with house().transaction() as tx:
        return identity.accept_ward(tx, house().vault, member().holder_id, body["code"], now=clock.now())


@resource.operation("DELETE", "/me/wards/<uuid:ward_id>", answers=None, status=204, refuses=(NotFound,))
def release_ward(ward_id: UUID) -> Response:
    """Give a guardianship up

    Whatever I consented to for this ward ends.
    """
    with house().transaction() as tx:
        identity.release_ward(tx, member().holder_id, ward_id, now=clock.now())
    return nothing()


@resource.operation("GET", "/me/wards/<uuid:ward_id>/consents", answers=ConsentsSchema, refuses=(NotFound,))
def ward_consents(ward_id: UUID) -> dict[str, Any]:
    """What is allowed for my ward, and under which text"""
    _require_ward(ward_id)
    return consents_about(ward_id)


@resource.operation(
    "PUT",
    "/me/wards/<uuid:ward_id>/consents",
    answers=ConsentSchema,
    refuses=(
        *(NotFound, UnknownPartner, PartnerInactive, UnknownDestination, UnknownScene),
        *(UnknownConsentText, ConsentTextReplaced),
    ),
)
@resource.body(ConsentChangeSchema)
def change_ward_consent(body: dict[str, Any], ward_id: UUID) -> dict[str, Any]:
    """Grant or withdraw a consent for my ward

    The same call as for oneself, with the same effects.
    """
    _require_ward(ward_id)
    return decide(body, about=ward_id)


@resource.operation(
    "GET",
    "/me/wards/<uuid:ward_id>/consents/<partner>/<scene>/receipt",
    answers=ConsentReceiptSchema,
    refuses=(NotFound,),
)
def ward_consent_receipt(ward_id: UUID, partner: str, scene: str) -> dict[str, Any]:
    """What I agreed to for my ward, and what withdrawing does"""
    _require_ward(ward_id)
    return receipt_about(ward_id, partner, scene)


def _require_ward(ward_id: UUID) -> None:
    with house().transaction() as tx:
        identity.require_ward(tx, member().holder_id, ward_id, now=clock.now())
