"""Forests: donating steps, the trees that come of it, and teams that gather together."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from backend import clock, forest, idempotency, identity
from backend.errors import NotFound
from backend.forest import (
    DonationNotCounted,
    DonationTooSmall,
    ForestClosed,
    ForestFull,
    ForestNotFound,
    InsufficientSteps,
    TeamNotFound,
)
from backend.identity import GuardianNeeded, NotEnrolled, UnknownProgramme, public_names
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, Instant, bilingual, text
from miniprogram_api.paging import InvalidCursor, PageQuery, one_more, page, position
from miniprogram_api.resource import Resource

resource = Resource("forests", __name__, description="公益林 / Forests")

NUMBER = r"^[0-9A-Za-z-]+$"


class SurvivalSchema(Schema):
    """成活报告: the last survey of a project."""

    surveyed_on = fields.Date(required=True)
    alive = fields.Integer(required=True)
    counted = fields.Integer(required=True)
    note = fields.String(required=True)


class ForestSchema(Schema):
    """A forest project. `gathered`: my steps there that are in no tree yet."""

    code = fields.String(required=True)
    title = bilingual()
    place = bilingual()
    species = bilingual()
    organisation = bilingual()
    steps_per_tree = fields.Integer(required=True)
    smallest_donation = fields.Integer(required=True)
    trees_offered = fields.Integer(required=True)
    trees_adopted = fields.Integer(required=True)
    opens_on = fields.Date(required=True)
    closes_on = fields.Date(required=True, allow_none=True)
    takes_steps = fields.Boolean(required=True)
    gathered = fields.Integer(required=True)
    survival = fields.Nested(SurvivalSchema, required=True, allow_none=True)


class AccountPageQuery(PageQuery, AccountQuery):
    """Which page, of which account."""


class ForestsSchema(Schema):
    """The projects of a programme, newest first."""

    forests = fields.List(fields.Nested(ForestSchema), required=True)


class ProgrammeQuery(AccountQuery):
    """In which programme, and for which account."""

    programme = text(64, CODE, required=True)


class NewDonationSchema(Schema):
    """Steps for a project. `sign_as` is public: what certificates call me once it is checked, instead of “a member”."""

    project = text(64, CODE, required=True)
    account_id = fields.UUID(metadata={"description": "default: my own account"})
    steps = fields.Integer(required=True, strict=True, validate=validate.Range(1, 20_000))
    team_id = fields.UUID(metadata={"description": "for this team, in its name"})
    sign_as = text(40, metadata={"description": "公开署名 / shown to everybody who verifies the certificate"})


class DonatedSchema(Schema):
    """What came of the steps."""

    id = fields.UUID(required=True)
    project = fields.String(required=True)
    steps = fields.Integer(required=True)
    activity_id = fields.UUID(required=True)
    points = fields.Integer(required=True)
    gathered = fields.Integer(required=True, metadata={"description": "steps in no tree yet, mine or the team's"})
    certificates = fields.List(
        fields.String(), required=True, metadata={"description": "numbers; see `/certificates/{number}`"}
    )


class DonationSchema(Schema):
    """A donation. `planted` of its steps are in trees; a withdrawn one was taken back with its act."""

    id = fields.UUID(required=True)
    project = fields.String(required=True)
    team_id = fields.UUID(required=True, allow_none=True)
    steps = fields.Integer(required=True)
    planted = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"enum": ["standing", "withdrawn"]})
    activity_id = fields.UUID(required=True)
    donated_at = Instant(required=True)
    withdrawn_at = Instant(required=True, allow_none=True)


class DonationsSchema(Schema):
    """A page of donations, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(DonationSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TreeSchema(Schema):
    """An adopted tree. Everybody with its number can verify it at `/certificates/{number}`."""

    number = fields.String(required=True)
    project = fields.String(required=True)
    of_team = fields.Boolean(required=True)
    state = fields.String(required=True, metadata={"enum": ["adopted", "withdrawn"]})
    signed_as = fields.String(required=True, allow_none=True)
    adopted_on = fields.Date(required=True)
    withdrawn_on = fields.Date(required=True, allow_none=True)


class TreesSchema(Schema):
    """A page of trees, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(TreeSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CertificateNameSchema(Schema):
    """The name a certificate shows; null shows none."""

    sign_as = text(40, required=True, allow_none=True)


@resource.operation("GET", "/forests", answers=ForestsSchema, refuses=(NotFound,))
@resource.query(ProgrammeQuery, UnknownProgramme)
def forests(query: dict[str, Any]) -> dict[str, Any]:
    """The forest projects of a programme"""
    with house().transaction() as tx:
        identity.require_programme(tx, query["programme"])
        found = forest.projects_of(tx, query["programme"], asked_account(tx, query), today=clock.today())
    return {"forests": found}


@resource.operation(
    "POST",
    "/step-donations",
    answers=DonatedSchema,
    status=201,
    live_login=False,
    refuses=(
        *(GuardianNeeded, NotEnrolled, NotFound, ForestNotFound, ForestClosed, ForestFull, DonationTooSmall),
        *(InsufficientSteps, DonationNotCounted, public_names.NameRefused, TeamNotFound),
    ),
)
@resource.idempotent
@resource.body(NewDonationSchema)
def donate(body: dict[str, Any], key: str) -> Response:
    """Donate steps to a forest project

    When the price of a tree is gathered, it is adopted at once. Whether the login lives is asked in the transaction
    that takes the steps.
    """
    account_id = body.pop("account_id", member().holder_id)
    wish = forest.Wish(member().holder_id, member().session_id, account_id, **body)
    answer = forest.donate(house().sessions, house().vault, wish, key)
    if wish.sign_as is not None and answer.status < 400 and not answer.replayed:
        house().names.check_waiting(of=member().holder_id)
    content_type = "application/json" if answer.status < 400 else "application/problem+json"
    response = Response(answer.text, status=answer.status, content_type=content_type)
    if answer.replayed:
        response.headers[idempotency.REPLAYED_HEADER] = "true"
    return response


@resource.operation("GET", "/step-donations", answers=DonationsSchema, refuses=(NotFound,))
@resource.query(AccountPageQuery, InvalidCursor)
def donations(query: dict[str, Any]) -> dict[str, Any]:
    """My donations of steps, newest first"""
    bound_to = ("step-donations", str(query.get("account_id", "")))
    before = position(query, *bound_to)
    with house().transaction() as tx:
        found = forest.donations_of(tx, asked_account(tx, query), before=before, limit=one_more(query))
    return page(found, query, lambda item: UUID(str(item["id"])), *bound_to)


@resource.operation("GET", "/me/trees", answers=TreesSchema, refuses=(NotFound,))
@resource.query(AccountPageQuery, InvalidCursor)
def trees(query: dict[str, Any]) -> dict[str, Any]:
    """My trees and those of my teams, newest first"""
    bound_to = ("trees", str(query.get("account_id", "")))
    before = position(query, *bound_to)
    with house().transaction() as tx:
        found = forest.trees_of(tx, asked_account(tx, query), before=before, limit=one_more(query))
    return page(found, query, lambda item: UUID(str(item["id"])), *bound_to)


@resource.operation(
    "PUT",
    "/me/trees/<number>",
    answers=TreeSchema,
    refuses=(NotFound, public_names.NameRefused, public_names.NameNotAllowed),
)
@resource.body(CertificateNameSchema)
def sign(body: dict[str, Any], number: str) -> dict[str, Any]:
    """Choose what my certificate calls me, or take my name off it"""
    typed = body["sign_as"]
    name = None if typed is None else house().names.check(member().holder_id, typed)
    with house().transaction() as tx:
        return forest.sign(tx, member().holder_id, number, name, now=clock.now())
