"""Leaderboards of campaigns: polled by everybody at once, so they are cached for seconds and cost little."""

import hashlib
import json
from typing import Any

from flask import Response, request
from marshmallow import Schema, fields, validate

from backend import campaigns, clock
from backend.campaigns import BoardNotFound, CampaignNotFound, boards
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Day, Instant, QueryNumber
from miniprogram_api.resource import Resource

resource = Resource("leaderboards", __name__, description="排行榜 / Leaderboards")

#: A phone polls every ten seconds; what it was told is its member's own.
CACHE_CONTROL = "private, max-age=5"


class LeaderboardQuery(Schema):
    """Which part of a board, in which period."""

    view = fields.String(
        load_default=boards.TOP,
        validate=validate.OneOf(boards.VIEWS),
        metadata={
            "description": "the first places, those around me or my group; of persons, my department or friends alone"
        },
    )
    limit = QueryNumber(load_default=20, validate=validate.Range(1, boards.MOST_ENTRIES))
    day = Day(
        metadata={"description": "the day, or a day of the week, that is asked about; default: today, in the campaign"}
    )


class PlaceSchema(Schema):
    """A place. Who is equal shares it, and the next one is left out (1, 2, 2, 4); first stands who reached it first,
    of groups that whose title comes first."""

    rank = fields.Integer(required=True)
    score = fields.Integer(
        required=True, metadata={"description": "grams or points; of a mean, whole ones, rounded down"}
    )
    participant_id = fields.UUID(metadata={"description": "boards of persons"})
    name = fields.String(metadata={"description": "boards of persons: a checked name, or a number of theirs"})
    me = fields.Boolean(metadata={"description": "boards of persons"})
    group_id = fields.UUID(metadata={"description": "boards of groups"})
    title = fields.String(metadata={"description": "boards of groups"})
    people = fields.Integer(
        metadata={"description": "boards of groups: how many it has on average over the period so far, rounded down"}
    )
    mine = fields.Boolean(metadata={"description": "boards of groups: whether I am counted for it, or act for it"})


class MyPlaceSchema(Schema):
    """How I stand on the whole board, or my group does. Only I see the rank I would have where I am not listed."""

    rank = fields.Integer(required=True, allow_none=True, metadata={"description": "null before my first act"})
    score = fields.Integer(required=True)
    listed = fields.Boolean(required=True, metadata={"description": "whether others see me; groups are always seen"})
    missing_to_next = fields.Integer(
        required=True, allow_none=True, metadata={"description": "what I lack to reach the next better score"}
    )


class LeaderboardSchema(Schema):
    """A page of a board; grams or points by `measure`."""

    board = fields.String(required=True)
    period = fields.String(required=True, metadata={"description": "a day, a week such as 2026-W23, or `all`"})
    measure = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "of the campaign: running, closing, final"})
    as_of = Instant(required=True, metadata={"description": "acts that were settled until then are counted"})
    participants = fields.Integer(required=True, metadata={"description": "how many persons, or groups, have a place"})
    entries = fields.List(fields.Nested(PlaceSchema), required=True)
    me = fields.Nested(
        MyPlaceSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: I do not take part, or no group of mine has a place on this board"},
    )


@resource.operation(
    "GET",
    "/campaigns/<code>/leaderboards/<board>",
    answers=LeaderboardSchema,
    refuses=(CampaignNotFound, BoardNotFound),
    live_login=False,
)
@resource.query(LeaderboardQuery)
def leaderboard(query: dict[str, Any], code: str, board: str) -> Response:
    """Who stands where in a campaign

    A board is named by whom it ranks, what it counts and over which time: `person-grams-day`, `person-points-week`,
    `department-mean_grams-campaign`. Ask again after ten seconds, with `If-None-Match`. A valid access token is enough,
    also for the minutes after its login has ended.
    """
    now = clock.now()
    campaign = house().boards.campaign(code, now=now)
    asked = boards.board_of(campaign, board, now=now)
    period = boards.period_asked(campaign, asked, query.get("day"), now=now)
    wanted = {"view": query["view"], "limit": query["limit"], "now": now}
    told = campaigns.boards.page(house().boards, campaign, asked, period, member().holder_id, **wanted)
    return _answer(told)


def _answer(told: dict[str, Any]) -> Response:
    """The page as JSON. Its tag is that of what stands there: `as_of` alone makes no other page."""
    as_of = told.pop("as_of")
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    response = Response(f'{{"as_of":"{as_of}",{text[1:]}', content_type="application/json")
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.set_etag(hashlib.sha256(text.encode()).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response
