"""Which account a call is about: the member's own, or another one they act for."""

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

from backend import clock, identity
from miniprogram_api.caller import member


class AccountQuery(Schema):
    """Which account: one of `GET /me/accounts`, a ward's, or that of a class; the member's own where it is left out."""

    account_id = fields.UUID(metadata={"description": "default: my own account"})


def asked_account(tx: Any, query: dict[str, Any]) -> UUID:
    """The account that is asked about. NotFound for one that is not theirs to act for."""
    account_id: UUID = query.get("account_id") or member().holder_id
    identity.may_see(tx, member().holder_id, account_id, now=clock.now())
    return account_id
