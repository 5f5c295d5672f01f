"""Points: how they stand, which of them lapse when, and the lots they live in."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from backend import activities, clock, database, identity, points
from backend.bilingual import halves
from backend.errors import NotFound
from backend.identity import UnknownProgramme
from backend.points import Due, GrantView, LotView, Standing
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house
from miniprogram_api.fields import Instant, bilingual
from miniprogram_api.me import programme_title
from miniprogram_api.paging import InvalidCursor, PageQuery, one_more, page, position
from miniprogram_api.resource import Resource

resource = Resource("points", __name__, description="积分 / Points")

STATE_MEANING = (
    "pending 待生效; available 可用; reserved 兑换中; used 已用完（兑换或抵扣待扣回积分）; "
    "used_and_expired 部分已用，其余已过期; expired 已全部过期; taken_back 已随冲正收回"
)


class RipeningSchema(Schema):
    """Points that become available."""

    day = fields.Date(required=True, metadata={"description": "the day from which they can be used"})
    points = fields.Integer(required=True)


class LapsingSchema(Schema):
    """Points that lapse together."""

    last_day = fields.Date(required=True, metadata={"description": "有效期至（含当日）/ the last day they can be used"})
    expires_at = Instant(required=True)
    points = fields.Integer(required=True)


class NoticeSchema(Schema):
    """A budget that is nearly used up or gives nothing any more, for acts of today."""

    scope = fields.String(required=True, metadata={"enum": list(points.SCOPES)})
    scope_code = fields.String(required=True, metadata={"description": "which programme, partner or campaign"})
    state = fields.String(required=True, metadata={"enum": list(points.BUDGET_STATES)})
    sentence = bilingual()


class EverSchema(Schema):
    """What became of all points of one programme since the beginning."""

    earned = fields.Integer(
        required=True, metadata={"description": "累计获得，不含已随冲正收回的 / without what went back with its act"}
    )
    spent = fields.Integer(required=True, metadata={"description": "累计使用，不含已退回的 / without what came back"})
    expired = fields.Integer(required=True, metadata={"description": "累计过期"})


class StandingSchema(Schema):
    """Points of one programme. `debt` is taken from the next points that become available."""

    programme = fields.String(required=True)
    title = bilingual()
    pending = fields.Integer(required=True)
    available = fields.Integer(
        required=True, metadata={"description": "可用，不含已过期 / lapsed ones are left out at once"}
    )
    reserved = fields.Integer(required=True)
    debt = fields.Integer(required=True)
    debt_sentence = bilingual(
        allow_none=True, metadata={"description": "待扣回的说明；没有则为 null / null for no debt"}
    )
    ripening = fields.List(
        fields.Nested(RipeningSchema), required=True, metadata={"description": "the next days, at most 31"}
    )
    lapsing = fields.List(
        fields.Nested(LapsingSchema), required=True, metadata={"description": "the next days, at most 31"}
    )
    lapsing_within_30_days = fields.Integer(required=True)
    ever = fields.Nested(EverSchema, required=True)
    notices = fields.List(
        fields.Nested(NoticeSchema),
        required=True,
        metadata={"description": "what the programme says about its points now"},
    )


class PointsByProgrammeSchema(Schema):
    """The member's points in every programme they take part in."""

    programmes = fields.List(fields.Nested(StandingSchema), required=True)


class LotQuery(PageQuery, AccountQuery):
    """Which lots."""

    state = fields.String(validate=validate.OneOf(points.STATES))


class PointsLotSchema(Schema):
    """批次: the points of one act, or of one reward.

    `amount` is the sum of remaining, reserved, spent, expired and returned.
    """

    id = fields.UUID(required=True)
    programme = fields.String(required=True)
    activity_id = fields.UUID(required=True, allow_none=True)
    grant_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "of points that were given for no act: a reward"}
    )
    methodology = fields.String(required=True, allow_none=True)
    title = bilingual()
    day = fields.Date(required=True, metadata={"description": "the day of the act, or the reward's"})
    state = fields.String(required=True, metadata={"enum": list(points.STATES), "description": STATE_MEANING})
    sentence = bilingual(metadata={"description": "what became of its points, in words"})
    amount = fields.Integer(required=True)
    remaining = fields.Integer(required=True)
    reserved = fields.Integer(required=True)
    spent = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    returned = fields.Integer(
        required=True, metadata={"description": "随冲正收回或抵扣待扣回积分 / taken back, or taken for a debt"}
    )
    rule_version = fields.Integer(required=True)
    available_at = Instant(required=True)
    expires_at = Instant(required=True)
    last_day = fields.Date(required=True, metadata={"description": "有效期至（含当日）/ the last day they can be used"})
    taken_back_at = Instant(required=True, allow_none=True)


class PointsLotsSchema(Schema):
    """A page of lots, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(PointsLotSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@resource.operation("GET", "/me/points", answers=PointsByProgrammeSchema, refuses=(NotFound,))
@resource.query(AccountQuery)
def my_points(query: dict[str, Any]) -> dict[str, Any]:
    """How my points stand in each programme, and when they ripen and lapse"""
    with house().transaction() as tx:
        database.read_one_moment(tx)
        holder_id = asked_account(tx, query)
        programmes = identity.programmes(tx)
        enrolments = identity.enrolments(tx, holder_id)
        standings = points.standings(tx, holder_id, now=clock.now())
        notices = {code: points.budget_notices(tx, code, clock.today()) for code in {e.programme for e in enrolments}}
    return {
        "programmes": [
            {
                "programme": code,
                "title": programme_title(programmes[code]),
                **_standing(standings.get(code, points.NO_POINTS)),
                "notices": notices[code],
            }
            for code in dict.fromkeys(enrolment.programme for enrolment in enrolments)
        ]
    }


def _standing(found: Standing) -> dict[str, Any]:
    return {
        "pending": found.pending,
        "available": found.available,
        "reserved": found.reserved,
        "debt": found.debt,
        "debt_sentence": points.debt_sentence(found.debt),
        "ripening": [{"day": clock.day_of(due.at), "points": due.points} for due in found.ripening],
        "lapsing": [_lapsing(due) for due in found.lapsing],
        "lapsing_within_30_days": found.lapsing_soon,
        "ever": {"earned": found.ever.earned, "spent": found.ever.spent, "expired": found.ever.expired},
    }


def _lapsing(due: Due) -> dict[str, Any]:
    return {"last_day": due.last_day, "expires_at": due.at, "points": due.points}


@resource.operation("GET", "/me/points/lots", answers=PointsLotsSchema, refuses=(NotFound,))
@resource.query(LotQuery, InvalidCursor, UnknownProgramme)
def lots(query: dict[str, Any]) -> dict[str, Any]:
    """The lots my points live in, newest first"""
    programme, state = query.get("programme"), query.get("state")
    bound_to = ("lots", programme or "", state or "", str(query.get("account_id", "")))
    before = position(query, *bound_to)
    with house().transaction() as tx:
        holder_id = asked_account(tx, query)
        if programme is not None:
            identity.require_programme(tx, programme)
        asked: dict[str, Any] = {"programme": programme, "state": state, "before": before, "limit": one_more(query)}
        found = points.lots_page(tx, holder_id, **asked, now=clock.now())
        acts = activities.load(tx, {(holder_id, lot.activity_id) for lot in found})
        grants = points.grants_of(tx, {(holder_id, lot.activity_id) for lot in found})
    described = [_describe(lot, acts, grants, (holder_id, lot.activity_id)) for lot in found]
    return page(described, query, lambda item: item["id"], *bound_to)


def _describe(
    lot: LotView,
    acts: Mapping[tuple[UUID, UUID], activities.Act],
    grants: Mapping[tuple[UUID, UUID], GrantView],
    key: tuple[UUID, UUID],
) -> dict[str, Any]:
    act, grant = acts.get(key), grants.get(key)
    assert (act is None) != (grant is None), "a lot rests on an act or on a grant"
    return {
        "id": lot.id,
        "programme": lot.programme,
        "activity_id": act.id if act else None,
        "grant_id": grant.id if grant else None,
        "methodology": act.methodology if act else None,
        "title": activities.methodology_title(act.methodology) if act else halves(grant.title if grant else ""),
        "day": act.day if act else grant.day if grant else None,
        "state": lot.state,
        "sentence": lot.sentence,
        "amount": lot.amount,
        "remaining": lot.remaining,
        "reserved": lot.reserved,
        "spent": lot.spent,
        "expired": lot.expired,
        "returned": lot.returned,
        "rule_version": lot.rule_version,
        "available_at": lot.available_at,
        "expires_at": lot.expires_at,
        "last_day": lot.last_day,
        "taken_back_at": lot.taken_back_at,
    }
