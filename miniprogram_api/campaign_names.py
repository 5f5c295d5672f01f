"""What others call me in a campaign."""

from typing import Any

from marshmallow import Schema, fields

from backend import campaigns, clock, identity
from backend.campaigns import CampaignNotFound, NotTakingPart
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled, public_names
from miniprogram_api.caller import house, member
from miniprogram_api.fields import text
from miniprogram_api.resource import Resource

resource = Resource("campaign_names", __name__, description="活动昵称 / Pen names in campaigns")


class PenNameSchema(Schema):
    """The name others shall see; null for none: then they see a number."""

    name = text(2 * public_names.LONGEST, required=True, allow_none=True)
    account_id = fields.UUID(metadata={"description": "default: my own account"})


class NamedSchema(Schema):
    """`passed`: whether the name was checked and is shown; until then others see `shown_as` as well."""

    name = fields.String(required=True, allow_none=True)
    passed = fields.Boolean(required=True)
    shown_as = fields.String(required=True)


@resource.operation(
    "PUT",
    "/campaigns/<code>/participation/name",
    answers=NamedSchema,
    refuses=(
        *(CampaignNotFound, NotTakingPart, public_names.NameRefused, public_names.NameNotAllowed),
        *(GuardianNeeded, NotEnrolled, NotFound),
    ),
)
@resource.body(PenNameSchema)
def rename(body: dict[str, Any], code: str) -> dict[str, Any]:
    """Choose what others call me in a campaign, or be a number

    A name is shown once it passed WeChat's check of public texts. Where that cannot be asked right now, the name is
    kept and asked about again.
    """
    typed, me = body["name"], member()
    name = None if typed is None else house().names.check(me.holder_id, typed)
    account_id = body.get("account_id", me.holder_id)
    with house().transaction() as tx:
        now = clock.now()
        found = campaigns.campaign(tx, code, now=now)
        who = {"person_id": me.holder_id, "session_id": me.session_id, "account_id": account_id}
        identity.act_for(tx, **who, programme=found.programme, now=now)
        return campaigns.naming.rename(tx, me.holder_id, account_id, found.code, name, now=now)
