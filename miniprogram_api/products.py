"""Products: what a scanned carbon-neutral label opens: what is claimed, by whom, how long, and what is unpublished."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from backend import activities, clock
from backend.errors import NotFound
from miniprogram_api.fields import CODE, BilingualSchema, QueryNumber, bilingual, text
from miniprogram_api.methodologies import CONFIDENCE, RowSchema, SourceSchema, open_answer
from miniprogram_api.resource import Resource

resource = Resource("products", __name__, description="产品登记 / Product register")

#: What buying a product earns is told by this profile; the methodology of purchases counts alike by all of them.
PROFILE = "CN-DEFAULT"
NULL = "null: 未公布, no source says it"
#: What each kind of credit means to somebody who reads "carbon neutral" on a box.
MEANINGS = {
    "REDUCTION": {
        "zh": "减排量：这台产品的碳足迹低于同级基准的部分，已扣除不确定性余量。",
        "en": "A reduction: what its footprint is below that of its kind, less a margin for uncertainty.",
    },
    "OFFSET_BACKED": {
        "zh": "补偿量：为这台产品注销的碳信用，以它的碳足迹为限。补偿不是减排，单独记账，永不与减排量相加。",
        "en": "Compensation: credits retired for it, up to its footprint. Not a reduction, and never added to one.",
    },
}
NOT_PUBLISHED = fields.List(
    fields.String(), required=True, metadata={"description": "the fields no source says anything about"}
)


class ErrorMarginSchema(Schema):
    """How far footprints of this kind may be off, as shares of the value; `of`: what exactly was measured."""

    share = fields.String(required=True)
    lowest = fields.String(required=True)
    highest = fields.String(required=True)
    of = fields.String(required=True)


class FootprintSchema(RowSchema):
    """A footprint sheet: the sourced number, and how it was made."""

    published_on = fields.String(required=True, allow_none=True, metadata={"description": "day, month or year"})
    boundary = fields.String(required=True, allow_none=True)
    lifetime_years = fields.String(required=True, allow_none=True)
    tool = fields.String(required=True, allow_none=True)
    use_location = fields.String(required=True, allow_none=True)
    error_margin = fields.Nested(ErrorMarginSchema, required=True, allow_none=True)
    stage_shares = fields.Dict(keys=fields.String(), values=fields.String(), required=True, allow_none=True)
    segment = fields.String(
        required=True, allow_none=True, metadata={"description": "the baseline segment it is compared with"}
    )
    not_published = NOT_PUBLISHED


class CertificateSchema(Schema):
    """A carbon-neutral certificate. Null is 未公布: no source says it."""

    issued = fields.String(required=True, allow_none=True, metadata={"description": "day, month or year"})
    number = fields.String(required=True, allow_none=True)
    issuer = fields.Nested(BilingualSchema, required=True, allow_none=True)
    scheme = fields.Nested(BilingualSchema, required=True, allow_none=True)
    statement = fields.String(required=True, allow_none=True, metadata={"description": "what it says"})
    valid_from = fields.String(required=True, allow_none=True)
    valid_until = fields.String(required=True, allow_none=True)
    registry = fields.String(required=True, allow_none=True)
    retirement_serials = fields.String(required=True, allow_none=True)
    retired_kg = fields.String(required=True, allow_none=True)
    in_force_from = fields.String(required=True, metadata={"description": "the day from which purchases count by it"})
    sources = fields.List(fields.Nested(SourceSchema), required=True)
    sentence = fields.String(required=True, metadata={"description": "what the sources say"})
    confidence = fields.String(required=True, metadata={"description": CONFIDENCE})
    note = fields.String(required=True)
    hash = fields.String(required=True)
    not_published = NOT_PUBLISHED


class CreditSchema(Schema):
    """Whole grams of one claim type; `bound` says whether they are sure or the most there can be."""

    claim_type = fields.String(required=True, metadata={"enum": list(MEANINGS)})
    grams = fields.Integer(required=True)
    bound = fields.String(required=True, metadata={"enum": ["exactly", "at_most"]})
    meaning = bilingual()


class EarningSchema(Schema):
    """What buying one today would earn, by claim type; they are never added together."""

    methodology = fields.String(required=True, metadata={"description": "see /api/v1/methodologies/{code}"})
    title = bilingual()
    profile = fields.String(required=True)
    credits = fields.List(fields.Nested(CreditSchema), required=True)
    rows = fields.List(fields.Nested(RowSchema), required=True, metadata={"description": "what this rests on"})


class RefusalSchema(Schema):
    """Why buying one today would earn nothing: a code for programs, a sentence for members."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ProductSummarySchema(Schema):
    """A product in the list."""

    label = fields.String(required=True, metadata={"description": "what the label on the product says"})
    name = bilingual()
    maker = bilingual()
    category = fields.String(required=True)
    claim = bilingual()


class ProductSchema(ProductSummarySchema):
    """A product as it is documented today."""

    models = fields.List(fields.String(), required=True, metadata={"description": "the names it is sold under"})
    note = fields.String(required=True)
    day = fields.Date(required=True, metadata={"description": "today in Asia/Shanghai"})
    footprint = fields.Nested(FootprintSchema, required=True, allow_none=True, metadata={"description": NULL})
    certificate = fields.Nested(
        CertificateSchema, required=True, allow_none=True, metadata={"description": "in force today, or null"}
    )
    earlier_certificates = fields.List(
        fields.Nested(CertificateSchema), required=True, metadata={"description": "the others, newest first"}
    )
    earns = fields.Nested(EarningSchema, required=True, allow_none=True)
    earns_nothing = fields.Nested(
        RefusalSchema, required=True, allow_none=True, metadata={"description": "why, where `earns` is null"}
    )


class ProductsSchema(Schema):
    """A page of products in order of their labels; `next_after` is null on the last page."""

    items = fields.List(fields.Nested(ProductSummarySchema), required=True)
    next_after = fields.String(required=True, allow_none=True)


class ProductsQuery(Schema):
    """Which page of the register."""

    after = text(64, CODE, metadata={"description": "`next_after` of the page before"})
    limit = QueryNumber(load_default=20, validate=validate.Range(1, 100))


@resource.operation("GET", "/products", answers=ProductsSchema, members_only=False)
@resource.query(ProductsQuery)
def products(query: dict[str, Any]) -> Response:
    """The products that are registered

    Open to everybody.
    """
    found, next_after = activities.registered_products(query.get("after"), query["limit"])
    items = [activities.describe_product(product, clock.today()) for product in found]
    return open_answer(ProductsSchema().dump({"items": items, "next_after": next_after}))


@resource.operation("GET", "/products/<label>", answers=ProductSchema, refuses=(NotFound,), members_only=False)
def product(label: str) -> Response:
    """What a scanned label opens

    What is claimed, by whom it was certified and for how long, what nobody published, and what buying one today would
    earn. Open to everybody.
    """
    found, day = activities.product_labelled(label), clock.today()
    if found is None:
        raise NotFound
    answer = activities.describe_product(found, day)
    try:
        earns, refusal = _earns(activities.earning(found, day, PROFILE)), None
    except activities.ActRefused as refused:
        earns, refusal = None, activities.sentence(refused.reason)
    return open_answer(ProductSchema().dump({**answer, "earns": earns, "earns_nothing": refusal}))


def _earns(earning: activities.Earning) -> dict[str, Any]:
    told = (("REDUCTION", "exactly", earning.reduction_g), ("OFFSET_BACKED", "at_most", earning.offset_up_to_g))
    return {
        "methodology": earning.methodology,
        "title": earning.title,
        "profile": earning.profile,
        "credits": [
            {"claim_type": kind, "bound": bound, "grams": grams, "meaning": MEANINGS[kind]}
            for kind, bound, grams in told
        ],
        "rows": earning.rows,
    }
