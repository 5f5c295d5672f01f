"""Balances: what the member has in each programme, by asset."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from backend import activities, clock, identity, ledger, points
from miniprogram_api.caller import house, member
from miniprogram_api.fields import bilingual
from miniprogram_api.me import programme_title
from miniprogram_api.methodologies import EquivalenceSchema
from miniprogram_api.resource import Resource

resource = Resource("accounts", __name__, description="碳账户 / Accounts")


class PointsSchema(Schema):
    """Points by what can be done with them. `debt` is taken from the next points that become available."""

    pending = fields.Integer(required=True)
    available = fields.Integer(required=True)
    reserved = fields.Integer(required=True)
    debt = fields.Integer(required=True)
    debt_sentence = bilingual(
        allow_none=True, metadata={"description": "待扣回的说明；没有则为 null / null for no debt"}
    )


class AccountSchema(Schema):
    """One account per programme, also of who was merged with the member, and of each class the member acts for.

    `account_id` says whose, for every call that takes it. Reductions, offset-backed and certificate-backed claims are
    never added together."""

    account_id = fields.UUID(required=True)
    programme = fields.String(required=True)
    title = bilingual()
    account_kind = fields.String(required=True, metadata={"enum": ["personal", "staff", "class"]})
    reduction_g = fields.Integer(required=True, metadata={"description": "减排量，克 CO2e"})
    offset_g = fields.Integer(required=True, metadata={"description": "抵消支撑的补偿量，克 CO2e"})
    eac_wh = fields.Integer(required=True, metadata={"description": "绿证支撑的电量，瓦时"})
    points = fields.Nested(PointsSchema, required=True)
    equivalences = fields.List(
        fields.Nested(EquivalenceSchema),
        required=True,
        metadata={"description": "reduction_g 的等价物，仅供展示，不是余额 / display only, of reduction_g"},
    )


class AccountsSchema(Schema):
    """All accounts of the member, and those of classes they act for."""

    accounts = fields.List(fields.Nested(AccountSchema), required=True)


@resource.operation("GET", "/me/accounts", answers=AccountsSchema)
def accounts() -> dict[str, Any]:
    """What I have in each programme"""
    with house().transaction() as tx:
        programmes = identity.programmes(tx)
        holders = identity.merging.holders_of(tx, member().holder_id)
        holders += identity.stewarded_accounts(tx, member().holder_id, now=clock.now())
        enrolments = [enrolment for holder_id in holders for enrolment in identity.enrolments(tx, holder_id)]
        balances = {holder_id: ledger.balances(tx, holder_id) for holder_id in holders}
    return {
        "accounts": [
            {
                "account_id": enrolment.holder_id,
                "programme": enrolment.programme,
                "title": programme_title(programmes[enrolment.programme]),
                "account_kind": enrolment.account_kind,
                **_balances(balances[enrolment.holder_id].get(enrolment.programme, {})),
            }
            for enrolment in enrolments
        ]
    }


def _balances(by_account: Mapping[str, int]) -> dict[str, Any]:
    """Balances by asset; an account never used holds 0. Only reductions are compared to anything."""
    stages = ("pending", "available", "reserved", "debt")
    reduction_g = by_account.get("reduction", 0)
    return {
        "reduction_g": reduction_g,
        "offset_g": by_account.get("offset", 0),
        "eac_wh": by_account.get("eac", 0),
        "points": {stage: by_account.get(f"points.{stage}", 0) for stage in stages}
        | {"debt_sentence": points.debt_sentence(by_account.get("points.debt", 0))},
        "equivalences": activities.equivalences(reduction_g, clock.today()),
    }
