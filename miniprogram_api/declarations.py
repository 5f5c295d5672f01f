"""Declaring acts oneself: judged at once, credited once a reviewer has looked, and refused with a reason."""

import json
import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from backend import clock, declarations, idempotency, identity
from backend.declarations import (
    PHOTOS_PER_DECLARATION,
    STATES,
    AppealedBefore,
    AppealTooLate,
    DeclarationChanged,
    DeclarationRefused,
    InvalidActTime,
    NotDeclarable,
    OdometerUnproven,
    PhotoNeeded,
    PhotoUsed,
    TooManyDeclarations,
    Wish,
)
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled, UnknownProgramme
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, Instant, bilingual, text
from miniprogram_api.paging import InvalidCursor, PageQuery, one_more, page, position
from miniprogram_api.photos import PhotoSchema
from miniprogram_api.resource import Resource

resource = Resource("declarations", __name__, description="自行申报 / Acts that members declare")

#: Words of a member: as `PLAIN`, with lines and tabs.
_WORDS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+$"
#: Numbers as they stand on receipts and devices: nothing invisible makes one number look like two.
_NUMBER = r"^[0-9A-Za-z][0-9A-Za-z._/#-]*$"
_VALUE = re.compile(r"[0-9A-Za-z_.+-]{1,40}")
_MOST_DATA = 20
STATE_MEANING = (
    "in_review 待审核; approved 已通过，见 activity_id; refused 未通过，见 reason; in_appeal 申诉中; withdrawn 已撤回"
)


class GivenInstant(fields.String):
    """An instant on its way in: RFC 3339 with an offset."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        said = super()._deserialize(value, attr, data, **options)
        try:
            return clock.parse_instant(said)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Measured(fields.Field[Any]):
    """A formula input: a number, a decimal as text, or a code."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str | int:
        if type(value) is int:
            return value
        if isinstance(value, Decimal):
            return format(value, "f")
        if isinstance(value, str) and _VALUE.fullmatch(value):
            return value
        raise ValidationError("a number, a decimal as text, or a code is needed")


class NamesSchema(Schema):
    """What names the physical act, so that it counts once: as the methodology's `claims` say."""

    platform = text(64, CODE, metadata={"description": "the platform that gave the number"})
    trip_id = text(128, _NUMBER)
    order_no = text(128, _NUMBER)
    line = text(64, _NUMBER)
    serial = text(128, _NUMBER, metadata={"description": "serial or IMEI of a device, VIN of a car"})
    certificate_no = text(128, _NUMBER)
    meter = text(128, _NUMBER)
    period = text(64, _NUMBER)


class NewDeclarationSchema(Schema):
    """An act I did. Trips say `started_at` and `ended_at`, other acts `occurred_at`.

    `data`: the monitored data of the methodology, except `duration_s` and `parked_min`, which the house measures. With
    a photo the act counts whole where the methodology accepts reviewed proof, without one half; some need photos.
    """

    programme = text(64, CODE, required=True)
    methodology = text(64, CODE, required=True)
    occurred_at = GivenInstant(metadata={"format": "date-time"})
    started_at = GivenInstant(metadata={"format": "date-time"})
    ended_at = GivenInstant(metadata={"format": "date-time"})
    data = fields.Dict(
        keys=text(64, CODE), values=Measured(), load_default=dict, validate=validate.Length(0, _MOST_DATA)
    )
    identity = fields.Nested(NamesSchema, load_default=dict)
    photo_ids = fields.List(fields.UUID(), load_default=list, validate=validate.Length(0, PHOTOS_PER_DECLARATION))
    odometer_km = fields.List(
        fields.Integer(strict=True, validate=validate.Range(0, 9_999_999)),
        load_default=list,
        validate=validate.Length(0, 2),
        metadata={"description": "of a car-free day: what the odometer showed first and last"},
    )
    words = text(500, _WORDS, metadata={"description": "anything the reviewer should know"})


class DeclarationReasonSchema(Schema):
    """Why the act was refused: a code for programs, a sentence for members."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class DeclarationSchema(Schema):
    """A declared act. What it was expected to bring when it was declared is no promise; what it brought says the
    activity."""

    id = fields.UUID(required=True)
    programme = fields.String(required=True)
    methodology = fields.String(required=True)
    title = bilingual()
    day = fields.Date(required=True)
    occurred_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    grade = fields.String(required=True, metadata={"enum": ["E1", "E2"], "description": "E1 减半 counts half"})
    expected_reduction_g = fields.Integer(required=True)
    expected_points = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"enum": list(STATES), "description": STATE_MEANING})
    reason = fields.Nested(DeclarationReasonSchema, required=True, allow_none=True)
    told = fields.String(required=True, allow_none=True, metadata={"description": "words of the reviewer"})
    activity_id = fields.UUID(required=True, allow_none=True, metadata={"description": "see GET /activities/{id}"})
    declared_at = Instant(required=True)
    decided_at = Instant(required=True, allow_none=True)
    appealed_at = Instant(required=True, allow_none=True)
    appeal_decided_at = Instant(required=True, allow_none=True)
    appeal_until = Instant(required=True, allow_none=True, metadata={"description": "null: no appeal (any more)"})
    photos = fields.List(fields.Nested(PhotoSchema), required=True)


class DeclarationsSchema(Schema):
    """A page of declarations, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(DeclarationSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AppealSchema(Schema):
    """Why the refusal is wrong."""

    words = text(1_000, _WORDS, required=True)


@resource.operation(
    "POST",
    "/activities",
    answers=DeclarationSchema,
    status=201,
    live_login=False,
    refuses=(
        *(DeclarationRefused, NotDeclarable, PhotoNeeded, InvalidActTime, OdometerUnproven, TooManyDeclarations),
        *(NotFound, PhotoUsed, GuardianNeeded, NotEnrolled),
    ),
)
@resource.idempotent
@resource.body(NewDeclarationSchema)
def declare(body: dict[str, Any], key: str) -> Response:
    """Declare an act I did

    Judged at once: what cannot count is refused with `DECLARATION_REFUSED`, a `reason`, and the `id` under which it may
    be appealed. Everything else waits for a reviewer and is credited when it is approved. Whether the login lives is
    asked in the transaction that records it.
    """
    named = dict(body["identity"])
    platform = named.pop("platform", None)
    wish = Wish(
        person_id=member().holder_id,
        session_id=member().session_id,
        programme=body["programme"],
        methodology=body["methodology"],
        occurred_at=body.get("occurred_at"),
        started_at=body.get("started_at"),
        ended_at=body.get("ended_at"),
        data=body["data"],
        odometer_km=body["odometer_km"],
        identity=named | ({"partner": platform} if platform else {}),
        photo_ids=sorted(set(body["photo_ids"])),
        words=body.get("words", ""),
    )
    answer = declarations.declare(house().sessions, house().vault, wish, key)
    content_type = "application/json" if answer.status < 400 else "application/problem+json"
    response = Response(answer.text, status=answer.status, content_type=content_type)
    if answer.status == 201:
        response.headers["Location"] = f"/api/v1/declarations/{json.loads(answer.text)['id']}"
    if answer.replayed:
        response.headers[idempotency.REPLAYED_HEADER] = "true"
    return response


@resource.operation("GET", "/declarations", answers=DeclarationsSchema)
@resource.query(PageQuery, InvalidCursor, UnknownProgramme)
def my_declarations(query: dict[str, Any]) -> Response:
    """What I declared, newest first"""
    programme = query.get("programme")
    bound_to = ("declarations", programme or "")
    before = position(query, *bound_to)
    with house().transaction() as tx:
        if programme is not None:
            identity.require_programme(tx, programme)
        found = declarations.declarations_of(
            tx, member().holder_id, programme=programme, before=before, limit=one_more(query)
        )
    return _said(page(found, query, lambda item: UUID(item["id"]), *bound_to))


@resource.operation("GET", "/declarations/<uuid:declaration_id>", answers=DeclarationSchema, refuses=(NotFound,))
def declaration(declaration_id: UUID) -> Response:
    """One of my declarations"""
    with house().transaction() as tx:
        return _said(declarations.declaration_of(tx, member().holder_id, declaration_id))


@resource.operation(
    "DELETE",
    "/declarations/<uuid:declaration_id>",
    answers=DeclarationSchema,
    refuses=(NotFound, DeclarationChanged),
)
def withdraw(declaration_id: UUID) -> Response:
    """Withdraw a declaration before it is reviewed

    Its photos may prove another act. Twice is the same as once.
    """
    with house().transaction() as tx:
        return _said(declarations.withdraw(tx, _who(), declaration_id, now=clock.now()))


@resource.operation(
    "POST",
    "/activities/<uuid:declaration_id>/appeal",
    answers=DeclarationSchema,
    refuses=(NotFound, DeclarationChanged, AppealedBefore, AppealTooLate),
)
@resource.body(AppealSchema)
def appeal(body: dict[str, Any], declaration_id: UUID) -> Response:
    """Appeal against a refusal, once

    Within fourteen days, by the `id` of the declaration. Somebody else than before decides, for good.
    """
    with house().transaction() as tx:
        told = declarations.appeal(tx, house().vault, _who(), declaration_id, body["words"], now=clock.now())
    return _said(told)


def _who() -> tuple[UUID, UUID]:
    return member().holder_id, member().session_id


def _said(told: dict[str, Any]) -> Response:
    """What is ready to be written as JSON already."""
    return Response(json.dumps(told, ensure_ascii=False), content_type="application/json")
