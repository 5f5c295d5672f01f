"""Cover pages: what a programme owes in points and what stands behind them, where the programme shows it."""

import hashlib
from typing import Any

from flask import Response, jsonify, request
from marshmallow import Schema, fields

from backend import points
from backend.errors import NotFound
from miniprogram_api.caller import house
from miniprogram_api.fields import BilingualSchema, bilingual
from miniprogram_api.resource import Resource

resource = Resource("covers", __name__, description="积分公示 / What stands behind points")

#: Snapshots are daily; a switch must show soon.
CACHE_CONTROL = "public, max-age=300"


def _points() -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": "积分 / points"})


class OutstandingSchema(Schema):
    """Points that may still be used. What members owe is told apart, in `debt`."""

    points = _points()
    pending = _points()
    available = _points()
    reserved = _points()


class BudgetSchema(Schema):
    """The programme's own budget in force: what may be earned, what was, what is left."""

    points = _points()
    drawn = _points()
    left = _points()


class GrantedSchema(Schema):
    """Points issued less those taken back, in the last days."""

    points = fields.Integer(required=True)
    days = fields.Integer(required=True)


class MonthSchema(Schema):
    """Points whose last day of use lies in this month."""

    month = fields.String(required=True, metadata={"description": "YYYY-MM, Asia/Shanghai"})
    points = _points()


class LapseSchema(Schema):
    """An estimate: of `ended` points whose life is over, `lapsed` were never used."""

    points = _points()
    lapsed = _points()
    ended = _points()


class SetAsideSchema(Schema):
    """What the issuer states to have set aside, for 1,000 points and for what is outstanding."""

    fen_per_1000_points = fields.Integer(required=True, metadata={"description": "分 / fen"})
    fen = fields.Integer(required=True, metadata={"description": "分 / fen"})


class CoverSchema(Schema):
    """The newest daily snapshot. Null: nobody said so, or it cannot be known yet; `not_stated` says it in words."""

    programme = fields.String(required=True)
    title = bilingual()
    day = fields.String(required=True, metadata={"description": "YYYY-MM-DD, Asia/Shanghai"})
    taken_at = fields.String(required=True)
    outstanding = fields.Nested(OutstandingSchema, required=True)
    debt = fields.Integer(required=True, metadata={"description": "待扣回积分 / points that members owe"})
    budget = fields.Nested(BudgetSchema, required=True, allow_none=True)
    granted = fields.Nested(GrantedSchema, required=True)
    days_left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "how long what is left lasts at the rate of `granted`"}
    )
    expiring = fields.List(fields.Nested(MonthSchema), required=True)
    expiring_later = _points()
    expected_lapse = fields.Nested(LapseSchema, required=True, allow_none=True)
    set_aside = fields.Nested(SetAsideSchema, required=True, allow_none=True)
    not_stated = fields.Dict(keys=fields.String(), values=fields.Nested(BilingualSchema), required=True)


@resource.operation("GET", "/programmes/<code>/cover", answers=CoverSchema, refuses=(NotFound,), members_only=False)
def cover(code: str) -> Response:
    """What a programme owes in points

    Open to everybody, where the programme shows it; from a daily snapshot. The same as a printable page stands at
    `/programmes/{code}/cover`.
    """
    with house().transaction() as tx:
        said: dict[str, Any] = points.cover_of(tx, code)
    response = jsonify(CoverSchema().dump(said))
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response
