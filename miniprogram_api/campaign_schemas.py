"""What campaigns are asked with, and how they are told."""

from marshmallow import Schema, fields

from backend import campaigns
from miniprogram_api.asked_account import AccountQuery
from miniprogram_api.fields import CODE, Flag, Instant, bilingual, text

STATES = (
    "announced 已公布, running 进行中, closing 结算中（迟到的记录仍计入）, final 结果已定, cancelled 已取消 / "
    "closing: late records still count"
)
BECAUSE = (
    "over 活动不再接受参加, department 不在活动部门, class 不面向班级, other_account 您的另一账户已参加 / "
    "why this account cannot join"
)


class CampaignsQuery(AccountQuery):
    """The campaigns of a programme, as one of its accounts sees them."""

    programme = text(64, CODE, required=True)


class BriefCampaignSchema(Schema):
    """A campaign. Acts count that happened from `starts_at` until before `ends_at`, and that are settled before
    `closes_at`, when the result is frozen."""

    code = fields.String(required=True)
    programme = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(campaigns.KINDS)})
    title = bilingual()
    state = fields.String(required=True, metadata={"description": STATES})
    joining = fields.String(required=True, metadata={"enum": list(campaigns.JOINING)})
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    closes_at = Instant(required=True)
    final_at = Instant(required=True, allow_none=True)


class ListedCampaignSchema(BriefCampaignSchema):
    """A campaign, and whether this account takes part."""

    taking_part = fields.Boolean(required=True)


class CampaignsSchema(Schema):
    """The latest first, fifty at most."""

    campaigns = fields.List(fields.Nested(ListedCampaignSchema), required=True)


class CampaignMethodologySchema(Schema):
    """A methodology whose acts are meant."""

    code = fields.String(required=True)
    title = bilingual()


class DailyActsSchema(CampaignMethodologySchema):
    """How many acts of a day count, the earliest first."""

    most = fields.Integer(required=True)


class CountsSchema(Schema):
    """What counts; null: not limited. Limits bound scores, never what is credited."""

    methodologies = fields.List(fields.Nested(CampaignMethodologySchema), required=True, allow_none=True)
    grades = fields.List(fields.String(), required=True, allow_none=True)
    daily_acts = fields.List(fields.Nested(DailyActsSchema), required=True)
    daily_cap_g = fields.Integer(required=True, allow_none=True)
    daily_cap_points = fields.Integer(required=True, allow_none=True)


class CampaignCitySchema(Schema):
    """A city one can take part for."""

    code = fields.String(required=True)
    title = bilingual()


class CampaignMultiplierSchema(Schema):
    """Extra points while the campaign lasts; grams are never multiplied. `factor`: exact, as text."""

    factor = fields.String(required=True)
    methodologies = fields.List(fields.Nested(CampaignMethodologySchema), required=True, allow_none=True)


class CampaignRewardSchema(Schema):
    """Points when the result is final: `rank` from place `first` to `last` of `board`, `taking_part` on `days` days,
    or `pk_win`."""

    kind = fields.String(required=True, metadata={"enum": list(campaigns.REWARDS)})
    points = fields.Integer(required=True)
    board = fields.String(required=True, allow_none=True)
    first = fields.Integer(required=True, allow_none=True)
    last = fields.Integer(required=True, allow_none=True)
    days = fields.Integer(required=True, allow_none=True)


class ParticipationSchema(Schema):
    """How I take part. Others know me by `participant_id` and `display_name`; `listed`: whether boards show me.

    `name` is what I chose; it is shown once it was checked (`name_passed`).
    """

    participant_id = fields.UUID(required=True)
    display_name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": ["person", "class"]})
    shown = fields.Boolean(required=True)
    listed = fields.Boolean(required=True)
    takes_challenges = fields.Boolean(required=True)
    name = fields.String(required=True, allow_none=True)
    name_passed = fields.Boolean(required=True)
    city = fields.String(required=True, allow_none=True)
    team_id = fields.UUID(required=True, allow_none=True)
    joined_at = Instant(required=True)


class CampaignSchema(BriefCampaignSchema):
    """A campaign in full; `me` is null for who does not take part, and `because` says why they cannot join."""

    counts = fields.Nested(CountsSchema, required=True)
    boards = fields.List(fields.String(), required=True, metadata={"description": "`person-grams-day`, …"})
    departments = fields.List(fields.String(), required=True, metadata={"description": "whose employees may join"})
    cities = fields.List(fields.Nested(CampaignCitySchema), required=True)
    teams = fields.Boolean(required=True)
    team_size = fields.Integer(required=True, allow_none=True)
    pk = fields.Boolean(required=True)
    multiplier = fields.Nested(CampaignMultiplierSchema, required=True, allow_none=True)
    budget_points = fields.Integer(required=True, allow_none=True)
    rewards = fields.List(fields.Nested(CampaignRewardSchema), required=True)
    me = fields.Nested(ParticipationSchema, required=True, allow_none=True)
    may_join = fields.Boolean(required=True)
    because = fields.String(required=True, allow_none=True, metadata={"description": BECAUSE})


class WishSchema(Schema):
    """How I want to take part.

    `account_id`: a class account or a ward's, for who acts for it. `shown`: whether others see me on boards, under a
    pseudonym or a name I choose. `takes_challenges`: whether I may be challenged.
    """

    account_id = fields.UUID(metadata={"description": "default: my own account"})
    shown = Flag(load_default=True)
    takes_challenges = Flag(load_default=True)
    city = text(20, load_default=None, allow_none=True)


class JoinCampaignSchema(WishSchema):
    """How I want to take part; `invitation`: the code, where one is needed."""

    invitation = text(40, load_default=None, allow_none=True)


class ChangedWishSchema(WishSchema):
    """How I want to take part from now on, in full."""

    shown = Flag(required=True)
    takes_challenges = Flag(required=True)
    city = text(20, required=True, allow_none=True)
