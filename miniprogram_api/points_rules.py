"""What acts earn in a programme: its points rules, in force and announced, and the multipliers of campaigns."""

from typing import Any

from marshmallow import Schema, fields

from backend import bilingual as texts
from backend import clock, points
from backend.errors import NotFound
from miniprogram_api.caller import house
from miniprogram_api.fields import bilingual
from miniprogram_api.resource import Resource

resource = Resource("points_rules", __name__, description="积分规则 / Points rules")


class CapSchema(Schema):
    """What one person may earn at most in each calendar `period`; `methodologies`: null 不限 for all acts."""

    code = fields.String(required=True)
    period = fields.String(required=True, metadata={"enum": list(points.PERIODS)})
    points = fields.Integer(required=True)
    methodologies = fields.List(fields.String(), required=True, allow_none=True)


class PointsRuleSchema(Schema):
    """A version of the rule. It counts for acts of the days from `in_force_from` on, until a later version does."""

    version = fields.Integer(required=True)
    announced_on = fields.Date(required=True)
    in_force_from = fields.Date(required=True)
    points_per_gram = fields.String(required=True, metadata={"description": "exact: 1, 1/10"})
    rates = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "points per gram of methodologies that have a rate of their own"},
    )
    fixed_points = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    caps = fields.List(fields.Nested(CapSchema), required=True)
    expires_after_days = fields.Integer(required=True)
    note = fields.String(required=True)


class MultiplierSchema(Schema):
    """A campaign that adds `factor` − 1 of the points of an act, from its first to its last day."""

    campaign = fields.String(required=True)
    title = bilingual()
    announced_on = fields.Date(required=True)
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    factor = fields.String(required=True)
    methodologies = fields.List(fields.String(), required=True, allow_none=True)


class PointsRulesSchema(Schema):
    """The newest versions first; campaigns that are over are left out."""

    programme = fields.String(required=True)
    rules = fields.List(fields.Nested(PointsRuleSchema), required=True)
    multipliers = fields.List(fields.Nested(MultiplierSchema), required=True)


@resource.operation(
    "GET", "/points-rules/<programme>", answers=PointsRulesSchema, refuses=(NotFound,), members_only=False
)
def points_rules(programme: str) -> dict[str, Any]:
    """What acts earn in a programme, and what is announced

    Open to everybody. The day of an act chooses the rule; nothing changes for days before its announcement.
    """
    with house().transaction() as tx:
        published = points.published(tx, programme, clock.today())
    return {
        "programme": programme,
        "rules": [
            {
                **{name: getattr(rule, name) for name in ("version", "announced_on", "in_force_from", "note")},
                "points_per_gram": str(rule.points_per_gram),
                "rates": {code: str(rate) for code, rate in rule.rates.items()},
                "fixed_points": rule.fixed_points,
                "caps": [cap.as_json() for cap in rule.caps],
                "expires_after_days": rule.expires_after_days,
            }
            for rule in published.rules
        ],
        "multipliers": [
            {
                **{name: getattr(item, name) for name in ("campaign", "announced_on", "first_day", "last_day")},
                "title": texts.halves(item.title),
                "factor": str(item.factor),
                "methodologies": item.methodologies,
            }
            for item in published.multipliers
        ],
    }
