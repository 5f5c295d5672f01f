"""Open knowledge: the methodologies with their versions, formulas, data, limits and every sourced number."""

from typing import Any

from flask import Response, jsonify
from marshmallow import Schema, fields

from backend import activities
from backend.errors import NotFound
from miniprogram_api.fields import bilingual
from miniprogram_api.resource import Resource

resource = Resource("methodologies", __name__, description="方法学 / Methodologies")

CONFIDENCE = "VERIFIED 见于来源; DERIVED 由来源推得; RECALLED 未经核对; ASSUMED 本库设定"
#: Published rows change with a release; a few minutes of caching change nothing for anybody.
CACHE_CONTROL = "public, max-age=300"


class SourceSchema(Schema):
    """Where a number or a rule was published. `reliability` A primary, B secondary, C mirror, HOUSE our own choice."""

    tag = fields.String(required=True)
    title = fields.String(required=True)
    reliability = fields.String(required=True)
    url = fields.String(required=True, metadata={"description": "empty for a choice of this library"})


class RangeSchema(Schema):
    """How far the sources of one number lie apart, in the unit of its row; the row credits the conservative end."""

    low = fields.String(required=True)
    central = fields.String(required=True)
    high = fields.String(required=True)
    sources = fields.List(fields.Nested(SourceSchema), required=True)
    sentence = fields.String(required=True)


class RowSchema(Schema):
    """One dated, sourced number; `value` and `unit` as published, `sentence` is what the source says."""

    value = fields.String(required=True)
    unit = fields.String(required=True)
    keys = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    in_force_from = fields.String(required=True)
    sources = fields.List(fields.Nested(SourceSchema), required=True)
    sentence = fields.String(required=True)
    confidence = fields.String(required=True, metadata={"description": CONFIDENCE})
    note = fields.String(required=True)
    replaces = fields.String(required=True, metadata={"description": "hash of the row this one corrects, or empty"})
    row_hash = fields.String(required=True)
    range = fields.Nested(
        RangeSchema, allow_none=True, dump_default=None, metadata={"description": "null: 来源之间没有分歧 no range"}
    )


class EquivalenceSchema(Schema):
    """等价物: what a reduction compares to. For display only: it is no balance, and nothing is ever added to it."""

    code = fields.String(required=True)
    title = bilingual()
    amount = fields.String(required=True, metadata={"description": "exact, in `unit`; decimals or a quotient"})
    amount_text = fields.String(required=True, metadata={"description": "for reading; 约 means about"})
    unit = fields.String(required=True, metadata={"description": "a period belongs to it: tree*10yr"})
    factor = fields.Nested(RowSchema, required=True)
    sentence_zh = fields.String(required=True)


class PublishedRowSchema(RowSchema):
    """A row with the day before which somebody has to look at it again."""

    review_before = fields.String(required=True)


class ParameterSchema(Schema):
    """An ex-ante parameter: one quantity, many dated rows; `by`: what a row is chosen by besides the day."""

    title = bilingual()
    unit = fields.String(required=True)
    by = fields.List(fields.String(), required=True)
    rows = fields.List(fields.Nested(PublishedRowSchema), required=True)


class VersionSchema(Schema):
    """A version and the days it is in force. `profiles`: baseline profile → formulas, the first that fits the data."""

    version = fields.String(required=True)
    in_force_from = fields.String(required=True)
    in_force_until = fields.String(required=True, allow_none=True)
    sources = fields.List(fields.Nested(SourceSchema), required=True)
    note = fields.String(required=True)
    grades = fields.List(fields.String(), required=True)
    claim_types = fields.List(fields.String(), required=True)
    profiles = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class FormulaSchema(Schema):
    """An equation and the data it cannot do without."""

    title = bilingual()
    equation = fields.String(required=True)
    needs = fields.List(fields.String(), required=True)


class MonitoredSchema(Schema):
    """A piece of activity data. Bounds are in `unit`: minimum ≤ value, above < value, value ≤ maximum."""

    kind = fields.String(required=True, metadata={"description": "number, count or choice"})
    unit = fields.String(required=True)
    minimum = fields.String(required=True, allow_none=True)
    above = fields.String(required=True, allow_none=True)
    maximum = fields.String(required=True, allow_none=True)
    default = fields.String(required=True, allow_none=True)
    default_parameter = fields.String(required=True, allow_none=True)
    title = bilingual()
    description = fields.String(required=True)
    choices = fields.Dict(keys=fields.String(), values=bilingual(), required=True)


class LimitSchema(Schema):
    """What one person may claim: at most `maximum` of `measure` per `per`."""

    code = fields.String(required=True)
    per = fields.String(required=True)
    measure = fields.String(required=True)
    maximum = fields.String(required=True)
    across = fields.String(
        required=True, allow_none=True, metadata={"description": "the group that uses the limit up together"}
    )
    in_force_from = fields.String(required=True)
    confidence = fields.String(required=True, metadata={"description": CONFIDENCE})
    title = bilingual()


class RateSchema(Schema):
    """A plausibility band for the quotient of two pieces of data, such as speed."""

    code = fields.String(required=True)
    numerator = fields.String(required=True)
    denominator = fields.String(required=True)
    unit = fields.String(required=True)
    minimum = fields.String(required=True)
    maximum = fields.String(required=True)
    confidence = fields.String(required=True, metadata={"description": CONFIDENCE})
    title = bilingual()


class StandardSchema(Schema):
    """A published standard the methodology follows, and what it takes from it."""

    source = fields.Nested(SourceSchema, required=True)
    text = fields.String(required=True)


class UncertaintySchema(Schema):
    """Where sources differ and which end is credited, or why no range is stated."""

    text = fields.String(required=True)


class EvidenceRuleSchema(Schema):
    """What proves an act; `window_required`: whether it must say when it began and ended."""

    text = fields.String(required=True)
    window_required = fields.Boolean(required=True)


class ClaimRuleSchema(Schema):
    """What names the physical act, so that it is counted once."""

    kind = fields.String(required=True)
    made_from = fields.List(fields.String(), required=True, attribute="from", data_key="from")
    required = fields.Boolean(required=True)
    required_with = fields.String(required=True, allow_none=True)


class ExclusivitySchema(Schema):
    """What cannot be counted beside it."""

    text = fields.String(required=True)
    groups = fields.List(fields.String(), required=True)
    excludes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "groups whose acts of the same person and day cannot be credited beside this one"},
    )


class MethodologySchema(Schema):
    """A whole methodology as published."""

    code = fields.String(required=True)
    title = bilingual()
    scene = fields.String(required=True)
    standards = fields.List(fields.Nested(StandardSchema), required=True)
    applicability = fields.List(fields.String(), required=True)
    boundary = fields.String(required=True)
    uncertainty = fields.Nested(UncertaintySchema, required=True)
    evidence = fields.Nested(EvidenceRuleSchema, required=True)
    claims = fields.List(fields.Nested(ClaimRuleSchema), required=True)
    exclusivity = fields.Nested(ExclusivitySchema, required=True)
    points_pending_days = fields.Integer(required=True)
    limits = fields.List(fields.Nested(LimitSchema), required=True)
    monitored = fields.Dict(keys=fields.String(), values=fields.Nested(MonitoredSchema), required=True)
    rates = fields.List(fields.Nested(RateSchema), required=True)
    formulas = fields.Dict(keys=fields.String(), values=fields.Nested(FormulaSchema), required=True)
    versions = fields.List(fields.Nested(VersionSchema), required=True)
    parameters = fields.Dict(keys=fields.String(), values=fields.Nested(ParameterSchema), required=True)


class MethodologySummarySchema(Schema):
    """A methodology in the list."""

    code = fields.String(required=True)
    title = bilingual()
    scene = fields.String(required=True)
    claim_types = fields.List(fields.String(), required=True)
    grades = fields.List(fields.String(), required=True)
    versions = fields.List(fields.String(), required=True)


class MethodologiesSchema(Schema):
    """Every methodology of the library."""

    methodologies = fields.List(fields.Nested(MethodologySummarySchema), required=True)


@resource.operation("GET", "/methodologies", answers=MethodologiesSchema, members_only=False)
def methodologies() -> Response:
    """The methodologies we count by

    Open to everybody.
    """
    listed = [
        {
            "code": methodology.code,
            "title": activities.methodology_title(methodology.code),
            "scene": methodology.scene,
            "claim_types": methodology.claim_types,
            "grades": methodology.grades,
            "versions": [version.version for version in methodology.versions],
        }
        for methodology in activities.library()
    ]
    return open_answer(MethodologiesSchema().dump({"methodologies": listed}))


@resource.operation("GET", "/methodologies/<code>", answers=MethodologySchema, refuses=(NotFound,), members_only=False)
def methodology(code: str) -> Response:
    """One methodology with every sourced number

    Open to everybody.
    """
    library = activities.library()
    if code not in library.codes:
        raise NotFound
    return open_answer(MethodologySchema().dump(library.get(code).as_json()))


def open_answer(content: Any) -> Response:
    """An answer that is the same for everybody and may be kept for a while."""
    response = jsonify(content)
    response.headers["Cache-Control"] = CACHE_CONTROL
    return response
