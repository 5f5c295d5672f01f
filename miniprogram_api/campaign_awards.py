"""What a campaign gave: a member's place in the frozen result, what stands of it, and their rewards."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from backend import campaigns, clock
from backend.campaigns import CampaignNotFound, NotFinal, ResultChanged
from backend.errors import NotFound
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house
from miniprogram_api.export import SignatureSchema
from miniprogram_api.fields import Instant, bilingual
from miniprogram_api.resource import Resource

resource = Resource("campaign_awards", __name__, description="活动结果与奖励 / Results and rewards of campaigns")

KINDS, STATES = ["rank", "taking_part", "pk_win"], ["planned", "paid", "withheld", "taken_back"]


class CampaignAmountsSchema(Schema):
    """What acts come to in a campaign."""

    grams = fields.Integer(required=True)
    points = fields.Integer(required=True)
    acts = fields.Integer(required=True)
    days = fields.Integer(required=True, metadata={"description": "on how many days something counted"})


class MyCampaignResultSchema(CampaignAmountsSchema):
    """A place in the frozen result. Of who is not listed, the ranks are those they would have."""

    listed = fields.Boolean(required=True)
    rank_grams = fields.Integer(required=True)
    rank_points = fields.Integer(required=True)


class CampaignAwardSchema(Schema):
    """A reward. It is kept while the corrected score reaches `least` (the lowest score of its band, or the days)."""

    id = fields.UUID(required=True, metadata={"description": "also the `grant_id` of its entry and its lot"})
    kind = fields.String(required=True, metadata={"enum": KINDS})
    title = bilingual()
    board = fields.String(required=True, allow_none=True)
    challenge_id = fields.UUID(required=True, allow_none=True)
    points = fields.Integer(required=True)
    least = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"enum": STATES})
    sentence = bilingual()
    paid_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)


class CampaignAwardsSchema(Schema):
    """`result`: null for who has no acts that counted. `corrected`: what stands today, null where nothing changed."""

    campaign = fields.String(required=True)
    frozen_at = Instant(required=True)
    statement_sha256 = fields.String(required=True, metadata={"description": "see GET /campaigns/{code}/result"})
    result = fields.Nested(MyCampaignResultSchema, required=True, allow_none=True)
    corrected = fields.Nested(CampaignAmountsSchema, required=True, allow_none=True)
    awards = fields.List(fields.Nested(CampaignAwardSchema), required=True)


class SignedCampaignResultSchema(Schema):
    """A statement that anybody can verify offline, and its signature."""

    signature = fields.Nested(SignatureSchema, required=True)
    statement = fields.Dict(keys=fields.String(), required=True, metadata={"description": "canonical JSON"})


@resource.operation(
    "GET", "/campaigns/<code>/awards", answers=CampaignAwardsSchema, refuses=(CampaignNotFound, NotFinal, NotFound)
)
@resource.query(AccountQuery)
def awards(query: dict[str, Any], code: str) -> dict[str, Any]:
    """My place in a campaign that is over, and my rewards"""
    with house().transaction() as tx:
        return campaigns.awards.awards_of(tx, code, asked_account(tx, query), now=clock.now())


@resource.operation(
    "GET",
    "/campaigns/<code>/result",
    answers=SignedCampaignResultSchema,
    refuses=(CampaignNotFound, NotFinal, ResultChanged),
)
def result(code: str) -> Response:
    """The frozen result, signed

    As it was signed when the campaign closed, with every place that boards list. The key is at
    `/.well-known/jwks.json`; how to verify it stands in the documentation of campaigns.
    """
    with house().transaction() as tx:
        made = campaigns.closing.statement_of(tx, house().vault.statement_key, code, now=clock.now())
    response = Response(made.chunks(), content_type="application/json")
    response.content_length = made.size_bytes
    return response
