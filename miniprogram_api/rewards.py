"""Rewards: what points can be exchanged for, at which price from which day, and why not where it cannot."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend import clock, identity, rewards
from backend.errors import NotFound
from backend.rewards import Limit, Offer, RewardNotFound, ShelfItem
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house
from miniprogram_api.fields import CODE, QueryNumber, bilingual, text
from miniprogram_api.resource import Resource

resource = Resource("rewards", __name__, description="奖品 / Rewards")

REFUSES = (identity.UnknownProgramme, identity.NotEnrolled, NotFound)


class RewardQuery(AccountQuery):
    """Whose catalogue."""

    programme = text(64, CODE, required=True, metadata={"description": "in which programme points are spent"})


class RewardsQuery(RewardQuery):
    """Whose catalogue, and which page of it."""

    after = text(64, CODE, metadata={"description": "`next_after` of the page before"})
    limit = QueryNumber(load_default=20, validate=validate.Range(1, 100))


class RewardLimitSchema(Schema):
    """At most `count` pieces within any `days` days; null days: ever."""

    count = fields.Integer(required=True)
    days = fields.Integer(required=True, allow_none=True)


class RewardDeliveredSchema(Schema):
    """What is delivered for one piece."""

    amount = fields.Integer(required=True)
    unit = fields.String(required=True, metadata={"enum": list(rewards.DELIVERED_UNITS)})


class AnnouncedTermsSchema(Schema):
    """Terms that come into force later; until that day nothing changes."""

    version = fields.Integer(required=True)
    in_force_from = fields.Date(required=True)
    price_points = fields.Integer(
        required=True, allow_none=True, metadata={"description": "null: 届时不再面向该账户 not offered to this account"}
    )


class RewardRecipientSchema(Schema):
    """Who outside the house gets data about the member when they redeem it."""

    recipient = bilingual()
    contact = fields.String(required=True)
    hands_over = bilingual(metadata={"description": "哪些数据 / which data"})


class RewardReasonSchema(Schema):
    """Why it cannot be redeemed now: a code for programs, a sentence for members."""

    code = fields.String(required=True, metadata={"enum": list(rewards.REASONS)})
    zh = fields.String(required=True)
    en = fields.String(required=True)


class RewardSummarySchema(Schema):
    """A reward under the terms in force today, or the first to come. `redeemable`: the member can have it now."""

    code = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(rewards.KINDS)})
    title = bilingual()
    price_points = fields.Integer(required=True)
    terms_version = fields.Integer(required=True)
    in_force_from = fields.Date(required=True)
    last_day = fields.Date(required=True, allow_none=True, metadata={"description": "the last day of redemption"})
    announced = fields.Nested(AnnouncedTermsSchema, required=True, allow_none=True)
    pieces_left = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": f"null: 不限 unlimited; {rewards.MOST_TOLD}: as many or more"},
    )
    per_person = fields.Nested(RewardLimitSchema, required=True, allow_none=True)
    per_device = fields.Nested(RewardLimitSchema, required=True, allow_none=True)
    delivered = fields.Nested(RewardDeliveredSchema, required=True, allow_none=True)
    recipient = fields.Nested(
        RewardRecipientSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: nobody outside the house"},
    )
    redeemable = fields.Boolean(required=True)
    reasons = fields.List(fields.Nested(RewardReasonSchema), required=True)


class RewardSchema(RewardSummarySchema):
    """A reward in full. `least_code_days`: a voucher code can be used for so many days more at least."""

    description = bilingual()
    terms_of_use = bilingual()
    least_code_days = fields.Integer(required=True)


class RewardsSchema(Schema):
    """A page of rewards in the order of their codes; `next_after` is null on the last page."""

    items = fields.List(fields.Nested(RewardSummarySchema), required=True)
    next_after = fields.String(required=True, allow_none=True)


@resource.operation("GET", "/rewards", answers=RewardsSchema, refuses=REFUSES)
@resource.query(RewardsQuery)
def catalogue(query: dict[str, Any]) -> dict[str, Any]:
    """What my points can be exchanged for

    With the price of today, a price that is announced, and why something cannot be redeemed now.
    """
    limit: int = query["limit"]
    with house().transaction() as tx:
        found = rewards.shelf(
            tx,
            asked_account(tx, query),
            query["programme"],
            after=query.get("after"),
            limit=limit + 1,
            now=clock.now(),
        )
    shown = found[:limit]
    more = shown[-1].offer.reward if len(found) > limit else None
    return {"items": [_told(item) for item in shown], "next_after": more}


@resource.operation("GET", "/rewards/<code>", answers=RewardSchema, refuses=(*REFUSES, RewardNotFound))
@resource.query(RewardQuery)
def reward(query: dict[str, Any], code: str) -> dict[str, Any]:
    """One reward in full, with its terms of use"""
    with house().transaction() as tx:
        item = rewards.shelf_item(tx, asked_account(tx, query), query["programme"], code, now=clock.now())
    return _told(item) | {
        "description": item.descriptions,
        "terms_of_use": item.terms_of_use,
        "least_code_days": item.offer.least_code_days,
    }


def _told(item: ShelfItem) -> dict[str, Any]:
    offer = item.offer
    return {
        "code": offer.reward,
        "kind": offer.kind,
        "title": offer.titles,
        "price_points": offer.price_points,
        "terms_version": offer.version,
        "in_force_from": item.in_force_from,
        "last_day": offer.last_day,
        "announced": _announced(item),
        "pieces_left": item.pieces_left,
        "per_person": _limit(offer.per_person),
        "per_device": _limit(offer.per_device),
        "delivered": _delivered(offer),
        "recipient": item.recipient.as_json() if item.recipient else None,
        "redeemable": not item.reasons,
        "reasons": item.reasons,
    }


def _announced(item: ShelfItem) -> dict[str, Any] | None:
    if item.announced is None:
        return None
    price = item.announced.price_points if item.announced_to_them else None
    return {"version": item.announced.version, "price_points": price, "in_force_from": item.announced_from}


def _limit(limit: Limit | None) -> dict[str, int | None] | None:
    return None if limit is None else {"count": limit.count, "days": limit.days}


def _delivered(offer: Offer) -> dict[str, Any] | None:
    if offer.delivered_amount is None:
        return None
    return {"amount": offer.delivered_amount, "unit": offer.delivered_unit}
