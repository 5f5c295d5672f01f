"""The receipt of an entry: every link from the signed evidence to the grams and points."""

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

from backend import audit
from backend.errors import NotFound
from miniprogram_api.activities import CreditedSchema, CutSchema, ReasonSchema, RestatementSchema
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house
from miniprogram_api.entries import EntrySchema
from miniprogram_api.fields import BilingualSchema, Instant, bilingual
from miniprogram_api.methodologies import EquivalenceSchema, RowSchema
from miniprogram_api.resource import Resource

resource = Resource("receipts", __name__, description="凭证 / Receipts")


def exact_grams(what: str) -> fields.String:
    """Exact grams CO2e as text (decimals, or numerator/denominator)."""
    return fields.String(
        required=True, allow_none=True, metadata={"description": f"{what}; null: 来源未公布 not published"}
    )


class ReceiptActivitySchema(Schema):
    """The act: the partner's order line, and when it happened."""

    id = fields.UUID(required=True)
    partner = fields.String(required=True)
    order_no = fields.String(required=True)
    line = fields.String(required=True)
    revision = fields.Integer(required=True)
    day = fields.Date(required=True)
    occurred_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    status = fields.String(required=True)


class InputSchema(Schema):
    """A formula input. `origin`: data; default or parameter (see `factors`) where the data left it out."""

    name = fields.String(required=True)
    title = fields.Nested(BilingualSchema, required=True, allow_none=True)
    value = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    meaning = fields.Nested(BilingualSchema, required=True, allow_none=True)
    origin = fields.String(required=True)


class UsedMethodologySchema(Schema):
    """The methodology, the version of the act's day, and the formula that fitted its data."""

    code = fields.String(required=True)
    title = bilingual()
    version = fields.String(required=True)
    formula = fields.String(required=True)
    equation = fields.String(required=True)


class UsedProfileSchema(Schema):
    """The baseline profile the programme chose."""

    code = fields.String(required=True)
    title = bilingual()
    baseline_type = fields.Nested(BilingualSchema, required=True, allow_none=True)


class FactorSchema(RowSchema):
    """A factor row as it read when it was used. `assumption`: it rests on no published text anybody has read."""

    parameter = fields.String(required=True)
    title = bilingual()
    assumption = fields.Boolean(required=True)


class GradeSchema(FactorSchema):
    """The evidence grade and the share of the grams it credits (`value`)."""

    grade = fields.String(required=True)


class ReductionRangeSchema(Schema):
    """The reduction at the low, central and high figures of sources that differ: exact grams, before the grade."""

    low_g = fields.String(required=True)
    central_g = fields.String(required=True)
    high_g = fields.String(required=True)


class EmissionsSchema(Schema):
    """BE, PE, LE, ER in exact grams CO2e; ER is signed and before the evidence grade."""

    baseline_g = exact_grams("BE 基准线排放")
    project_g = exact_grams("PE 项目排放")
    leakage_g = exact_grams("LE 泄漏排放")
    reduction_g = exact_grams("ER 减排量")
    range = fields.Nested(
        ReductionRangeSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: 没有区间 no range"},
    )
    not_published = fields.List(fields.String(), required=True)


class QuantificationSchema(Schema):
    """The whole calculation. `confirmed`: computed again for this receipt, it gave the recorded grams."""

    confirmed = fields.Boolean(required=True)
    inputs = fields.List(fields.Nested(InputSchema), required=True)
    methodology = fields.Nested(UsedMethodologySchema, required=True)
    profile = fields.Nested(UsedProfileSchema, required=True)
    factors = fields.List(fields.Nested(FactorSchema), required=True)
    emissions = fields.Nested(EmissionsSchema, required=True)
    evidence_grade = fields.Nested(GradeSchema, required=True)
    credited = fields.Nested(CreditedSchema, required=True)


class RuleSchema(Schema):
    """The points rule of the act's day, as it counts for its methodology: an exact rate per gram reduced, fixed points
    for what no gram measures."""

    version = fields.Integer(required=True)
    announced_on = fields.Date(required=True)
    in_force_from = fields.Date(required=True)
    points_per_gram = fields.String(required=True)
    fixed_points = fields.Integer(required=True)
    expires_after_days = fields.Integer(required=True)
    note = fields.String(required=True)


class LotSchema(Schema):
    """批次: where the points of this act are now. `stage`: pending, available or closed."""

    id = fields.UUID(required=True)
    stage = fields.String(required=True)
    remaining = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    used = fields.Integer(required=True, metadata={"description": "spent, or taken back"})


class UsedMultiplierSchema(Schema):
    """The campaign a bonus comes from: `factor` − 1 of the points of the act, from its first to its last day."""

    campaign = fields.String(required=True)
    title = bilingual()
    version = fields.Integer(required=True)
    factor = fields.String(required=True)
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)


class EarnedSchema(Schema):
    """What the act earned, or its bonus in a campaign. Points lie pending until `available_at`.

    0 points have no lot; `cuts` say which cap or budget held back how much.
    """

    points = fields.Integer(required=True)
    rule = fields.Nested(RuleSchema, required=True)
    multiplier = fields.Nested(UsedMultiplierSchema, required=True, allow_none=True)
    cuts = fields.List(fields.Nested(CutSchema), required=True)
    available_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)
    lot = fields.Nested(LotSchema, required=True, allow_none=True)


class EvidenceSchema(Schema):
    """What proves the act: the partner's signed event, sent alone (`webhook`) or as a `line` of a signed `batch`.

    `body_sha256` is the hash of its raw body, or of that line. Of a `declaration` there is no signature: the member
    said it, and a reviewer looked at it.
    """

    source = fields.String(required=True)
    partner = fields.String()
    event_id = fields.String()
    batch_id = fields.UUID()
    line = fields.Integer()
    body_sha256 = fields.String()
    signature_scheme = fields.String(required=True, allow_none=True)
    signature = fields.String()
    signed_at = fields.String()
    received_at = fields.String()
    declaration_id = fields.UUID()
    declared_at = fields.String()
    reviewed_at = fields.String()


class GrantSchema(Schema):
    """Points that were given for no act: a campaign's reward."""

    id = fields.UUID(required=True)
    campaign = fields.String(required=True)
    title = bilingual()
    points = fields.Integer(required=True)
    rule_version = fields.Integer(required=True, metadata={"description": "the rule by which they lapse"})
    granted_at = Instant(required=True)
    available_at = Instant(required=True)
    expires_at = Instant(required=True)
    taken_back_at = Instant(required=True, allow_none=True)


class ReceiptSchema(Schema):
    """Everything behind an entry. Entries that credit no act (points that ripen or lapse) show transfers only."""

    entry = fields.Nested(EntrySchema, required=True)
    sentence_zh = fields.String(required=True, metadata={"description": "the entry in one sentence for members"})
    reversed_by = fields.UUID(required=True, allow_none=True, metadata={"description": "the entry that took this back"})
    reason = fields.Nested(ReasonSchema, required=True, allow_none=True)
    activity = fields.Nested(ReceiptActivitySchema, required=True, allow_none=True)
    quantification = fields.Nested(QuantificationSchema, required=True, allow_none=True)
    previous_quantification = fields.Nested(
        QuantificationSchema,
        required=True,
        allow_none=True,
        metadata={"description": "of a restatement: the calculation it takes the place of"},
    )
    restatements = fields.List(
        fields.Nested(RestatementSchema),
        required=True,
        metadata={"description": "of an issue: what its act was restated to since, oldest first"},
    )
    points = fields.Nested(
        EarnedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: 当日没有积分规则 no rule in force on the day"},
    )
    grant = fields.Nested(GrantSchema, required=True, allow_none=True)
    equivalences = fields.List(
        fields.Nested(EquivalenceSchema),
        required=True,
        metadata={"description": "入账减排量的等价物，仅供展示 / display only, of the reduction credited"},
    )
    evidence = fields.Nested(EvidenceSchema, required=True, allow_none=True)


@resource.operation("GET", "/me/entries/<uuid:entry_id>/receipt", answers=ReceiptSchema, refuses=(NotFound,))
@resource.query(AccountQuery)
def receipt(query: dict[str, Any], entry_id: UUID) -> dict[str, Any]:
    """Where an entry comes from

    From the signed evidence to the last gram and point, with every number's source.
    """
    with house().transaction() as tx:
        return audit.receipt(tx, asked_account(tx, query), entry_id)
