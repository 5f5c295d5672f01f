"""Activities: what became of every act that reached the member's accounts, and why."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from backend import activities as acts
from backend import audit, identity, ledger
from backend.activities import Act, Credited
from backend.errors import NotFound
from backend.identity import UnknownProgramme
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house
from miniprogram_api.fields import Instant, bilingual
from miniprogram_api.paging import InvalidCursor, PageQuery, one_more, page, position
from miniprogram_api.resource import Resource

resource = Resource("activities", __name__, description="活动 / Activities")

STATUSES = ("issued", "outdone", "kept", "refused", "taken_back")
STATUS_MEANING = (
    "issued 已入账; outdone 另一条记录更优，未计入; kept 合作平台自行计入; refused 不能计入; taken_back 已冲正"
)


class ActivityQuery(PageQuery, AccountQuery):
    """Which activities."""

    status = fields.String(validate=validate.OneOf(STATUSES))


class ReasonSchema(Schema):
    """Why an act does not count: a code for programs, a sentence for members."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ActivitySchema(Schema):
    """One act. Grams and watt-hours are those that count now: 0 unless it is issued."""

    id = fields.UUID(required=True)
    programme = fields.String(required=True)
    partner = fields.String(required=True)
    order_no = fields.String(required=True)
    line = fields.String(required=True)
    methodology = fields.String(required=True)
    title = bilingual()
    scene = fields.String(required=True)
    day = fields.Date(required=True, metadata={"description": "the calendar day in Asia/Shanghai"})
    occurred_at = Instant(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES), "description": STATUS_MEANING})
    reason = fields.Nested(ReasonSchema, required=True, allow_none=True)
    reduction_g = fields.Integer(required=True)
    offset_g = fields.Integer(required=True)
    eac_wh = fields.Integer(required=True)


class CreditedSchema(Schema):
    """Whole grams and watt-hours, rounded down, by claim type: never added together."""

    reduction_g = fields.Integer(required=True)
    offset_g = fields.Integer(required=True)
    eac_wh = fields.Integer(required=True)


class RestatementSchema(Schema):
    """重述: a number behind the act was corrected; what it was worth before, and since. Its points stay as they are."""

    sequence = fields.Integer(required=True)
    entry_id = fields.UUID(required=True, metadata={"description": "the entry of the difference; see its receipt"})
    restated_at = Instant(required=True)
    previous = fields.Nested(CreditedSchema, required=True)
    credits = fields.Nested(CreditedSchema, required=True)


class CutSchema(Schema):
    """Points the act earned by its rule and was not given, because a cap or a budget was used up.

    `campaign`: of the multiplier whose bonus was cut; null for the points of the act itself.
    """

    code = fields.String(required=True)
    campaign = fields.String(required=True, allow_none=True)
    earned = fields.Integer(required=True)
    granted = fields.Integer(required=True)
    rule_version = fields.Integer(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ActivityPointsSchema(Schema):
    """What the act was given with its last issue, its bonuses included, by which version of the points rule.

    `rule_version`: null where no rule was in force on its day.
    """

    points = fields.Integer(required=True)
    bonus_points = fields.Integer(required=True, metadata={"description": "of these, from campaigns"})
    rule_version = fields.Integer(required=True, allow_none=True)
    cuts = fields.List(fields.Nested(CutSchema), required=True)


class ActivityDetailSchema(ActivitySchema):
    """One act with its data and what was posted about it."""

    revision = fields.Integer(required=True)
    profile = fields.String(required=True)
    grade = fields.String(required=True)
    started_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    data = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "formula inputs: whole numbers, decimal texts, codes"},
    )
    excluded_by = fields.UUID(
        required=True, allow_none=True, metadata={"description": "the member's own act that counts instead"}
    )
    entry_ids = fields.List(
        fields.UUID(), required=True, metadata={"description": "entries about this act, oldest first; see receipts"}
    )
    restatements = fields.List(fields.Nested(RestatementSchema), required=True)
    points = fields.Nested(
        ActivityPointsSchema, required=True, allow_none=True, metadata={"description": "null unless the act is issued"}
    )


class ActivitiesSchema(Schema):
    """A page of activities, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(ActivitySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@resource.operation("GET", "/activities", answers=ActivitiesSchema, refuses=(NotFound,))
@resource.query(ActivityQuery, InvalidCursor, UnknownProgramme)
def activities(query: dict[str, Any]) -> dict[str, Any]:
    """What became of my acts, newest first"""
    programme, status = query.get("programme"), query.get("status")
    bound_to = ("activities", programme or "", status or "", str(query.get("account_id", "")))
    before = position(query, *bound_to)
    with house().transaction() as tx:
        if programme is not None:
            identity.require_programme(tx, programme)
        found = acts.acts_of(
            tx, asked_account(tx, query), programme=programme, status=status, before=before, limit=one_more(query)
        )
        standings = acts.standings(tx, found)
    return page([_view(act, standings[act.key]) for act in found], query, lambda item: item["id"], *bound_to)


@resource.operation("GET", "/activities/<uuid:activity_id>", answers=ActivityDetailSchema, refuses=(NotFound,))
@resource.query(AccountQuery)
def activity(query: dict[str, Any], activity_id: UUID) -> dict[str, Any]:
    """One of my acts, with its data"""
    with house().transaction() as tx:
        act = acts.act_of_holder(tx, asked_account(tx, query), activity_id)
        if act is None:
            raise NotFound
        posted = ledger.entries_of_activities(tx, [act.key])
        counted = acts.standings(tx, [act])[act.key]
        restated = acts.restatements_of(tx, [act.key]).get(act.key, [])
        rival = acts.act_of_holder(tx, act.holder_id, act.excluded_by) if act.excluded_by else None
        earned = audit.points_given(tx, act) if act.status == "issued" else None
    return {
        **_view(act, counted),
        "revision": act.revision,
        "profile": act.profile,
        "grade": act.grade,
        "started_at": act.started_at,
        "ended_at": act.ended_at,
        "data": json.loads(act.data),
        # Somebody else's act is not named: that it exists is all this member learns, through the reason.
        "excluded_by": rival.id if rival else None,
        "entry_ids": [entry.transaction.id for entry in posted],
        "restatements": [asdict(item) | {"entry_id": item.transaction_id} for item in restated],
        "points": earned,
    }


def _view(act: Act, counted: Credited) -> dict[str, Any]:
    return {
        "id": act.id,
        "programme": act.programme,
        "partner": act.partner,
        "order_no": act.order_no,
        "line": act.line,
        "methodology": act.methodology,
        "title": acts.methodology_title(act.methodology),
        "scene": act.scene,
        "day": act.day,
        "occurred_at": act.occurred_at,
        "status": act.status,
        "reason": acts.sentence(act.reason),
        "reduction_g": counted.reduction_g,
        "offset_g": counted.offset_g,
        "eac_wh": counted.eac_wh,
    }
