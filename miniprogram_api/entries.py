"""Entries: everything that was ever posted to the member's accounts."""

from typing import Any

from marshmallow import Schema, fields

from backend import audit, identity, ledger
from backend.errors import NotFound
from backend.identity import UnknownProgramme
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house
from miniprogram_api.fields import Instant, bilingual
from miniprogram_api.paging import InvalidCursor, PageQuery, one_more, page, position
from miniprogram_api.resource import Resource

KINDS = (
    "issue 入账, issue.reversed 冲正, restatement 重述, restatement.reversed 重述随入账冲正, "
    "bonus 活动加成, bonus.reversed 加成冲正, ripen 积分生效, lapse 积分过期, write_off 待扣回积分核销, "
    "reserve 兑换占用, confirm 兑换完成, spend 兑换, release 兑换取消退回, refund 兑换退回, "
    "grant 奖励发放, grant.reversed 奖励收回"
)

resource = Resource("entries", __name__, description="入账记录 / Entries")


class TransferSchema(Schema):
    """A positive whole amount of one asset, moved from the debit account to the credit account."""

    debit = fields.String(required=True)
    debit_title = bilingual()
    credit = fields.String(required=True)
    credit_title = bilingual()
    asset = fields.String(required=True)
    amount = fields.Integer(required=True, metadata={"minimum": 1})
    lot_id = fields.UUID(required=True, allow_none=True, metadata={"description": "the points lot that was changed"})


class EntrySchema(Schema):
    """One act in the books; nothing is ever changed, a correction is another entry that names this one."""

    id = fields.UUID(required=True)
    programme = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": KINDS})
    posted_at = Instant(required=True)
    activity_id = fields.UUID(required=True, allow_none=True)
    grant_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "points that were given for no act: a reward"}
    )
    reverses = fields.UUID(required=True, allow_none=True, metadata={"description": "the entry this one takes back"})
    transfers = fields.List(fields.Nested(TransferSchema), required=True)


class EntriesSchema(Schema):
    """A page of entries, newest first; `next_cursor` is null on the last page."""

    items = fields.List(fields.Nested(EntrySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EntriesQuery(PageQuery, AccountQuery):
    """Which page of whose entries."""


@resource.operation("GET", "/me/entries", answers=EntriesSchema, refuses=(NotFound,))
@resource.query(EntriesQuery, InvalidCursor, UnknownProgramme)
def entries(query: dict[str, Any]) -> dict[str, Any]:
    """Everything posted to my accounts, newest first"""
    programme = query.get("programme")
    bound_to = ("entries", programme or "", str(query.get("account_id", "")))
    before = position(query, *bound_to)
    with house().transaction() as tx:
        if programme is not None:
            identity.require_programme(tx, programme)
        found = ledger.entries(tx, asked_account(tx, query), programme=programme, before=before, limit=one_more(query))
        grants = audit.granted_of(tx, found)
    described = [audit.describe_entry(entry, grants.get(entry.transaction.id)) for entry in found]
    return page(described, query, lambda item: item["id"], *bound_to)
