"""What redemptions are asked with, and how they are told."""

from marshmallow import Schema, fields, validate

from miniprogram_api.asked_account import AccountQuery
from miniprogram_api.fields import CODE, Flag, bilingual, text
from miniprogram_api.paging import PageQuery

STATES = (
    "review 审核中, reserved 已受理, requested 等待供应方结果, confirmed 兑换成功, "
    "cancelled 已取消, expired 已过期, refunded 已退款"
)


class RedemptionRecipientSchema(Schema):
    """Where goods go (`name`, `phone`, `region`, `street`), or what the platform calls the member (`member`)."""

    name = text(40)
    phone = text(20)
    region = text(60)
    street = text(120)
    member = text(64)


class NewRedemptionSchema(Schema):
    """One piece of a reward. Nobody pays a price they did not see: `expected_price_points` has to be the one in force.

    `account_id`: a class account or a ward's, for who acts for it. `accepts_sharing`: the provider that the reward
    names may learn `recipient`. `device_id`: an identifier the client made for this device; stored as a keyed hash.
    """

    reward = text(64, CODE, required=True)
    programme = text(64, CODE, required=True)
    account_id = fields.UUID(metadata={"description": "default: my own account"})
    expected_price_points = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**53 - 1))
    recipient = fields.Nested(RedemptionRecipientSchema)
    accepts_sharing = Flag(load_default=False)
    device_id = text(128)


class RedemptionReasonSchema(Schema):
    """Why, as a code and in words."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class RedemptionSchema(Schema):
    """A redemption and how far it is. `ends_at`: when a review or a reservation is given up and points come back.

    `withdrawal`: the member cancelled it, and the provider is `asked` until it answers, or did not agree (`denied`).
    """

    id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    programme = fields.String(required=True)
    reward = fields.String(required=True)
    kind = fields.String(required=True)
    title = bilingual()
    points = fields.Integer(required=True, metadata={"minimum": 1})
    state = fields.String(required=True, metadata={"description": STATES})
    sentence = bilingual()
    why = fields.Nested(RedemptionReasonSchema, required=True, allow_none=True)
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    changed_at = fields.String(required=True, metadata={"format": "date-time"})
    ends_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    may_cancel = fields.Boolean(required=True)
    withdrawal = fields.String(required=True, allow_none=True, metadata={"enum": ["asked", "denied", None]})


class RedemptionStepSchema(Schema):
    """One step of its history. `actor`: member, operator, house or provider; `told`: what an operator says about it."""

    state = fields.String(required=True)
    at = fields.String(required=True, metadata={"format": "date-time"})
    actor = fields.String(required=True)
    sentence = bilingual()
    why = fields.Nested(RedemptionReasonSchema, required=True, allow_none=True)
    told = fields.String(required=True, allow_none=True)


class VoucherSchema(Schema):
    """A voucher without its code, which is shown once (`POST …/reveal`)."""

    expires_on = fields.String(required=True, metadata={"format": "date"})
    may_be_shown = fields.Boolean(required=True)
    shown_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class RewardOrderSchema(Schema):
    """What a provider outside was asked for. `status`: accepted, shipped, delivered, done or cancelled, once known."""

    provider = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)


class MaskedRecipientSchema(Schema):
    """For whom it is, with the middle left out; gone from `deleted_at` on."""

    provider = fields.String(required=True)
    kind = fields.String(required=True)
    agreed_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    deleted_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    deleted_because = fields.String(required=True, allow_none=True)
    name = fields.String()
    phone = fields.String()
    region = fields.String()
    street = fields.String()
    member = fields.String()


class RedemptionInFullSchema(RedemptionSchema):
    """A redemption with its history, oldest first, and what belongs to it."""

    steps = fields.List(fields.Nested(RedemptionStepSchema), required=True)
    voucher = fields.Nested(VoucherSchema, required=True, allow_none=True)
    order = fields.Nested(RewardOrderSchema, required=True, allow_none=True)
    recipient = fields.Nested(MaskedRecipientSchema, required=True, allow_none=True)


class RedemptionsSchema(Schema):
    """A page of redemptions, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(RedemptionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class VoucherCodeSchema(Schema):
    """A voucher's code in the clear; keep it: it is shown this once."""

    code = fields.String(required=True)
    pin = fields.String(required=True, allow_none=True)
    expires_on = fields.Date(required=True)


class ListQuery(PageQuery, AccountQuery):
    """Which page of whose redemptions."""
