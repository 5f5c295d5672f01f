"""Link codes: the member types one in at a partner, and is linked there without leaving it."""

from typing import Any

from marshmallow import Schema, fields

from backend import clock, identity
from backend.identity import NotEnrolled
from backend.partners import PartnerInactive, UnknownPartner
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, Instant, text
from miniprogram_api.resource import Resource

resource = Resource("link_codes", __name__, description="关联码 / Link codes")


class NewCodeSchema(Schema):
    """At which partner the code will be typed in, and the account that its user is to be linked to."""

    partner = text(32, CODE, required=True)
    programme = text(64, CODE, required=True)


class CodeSchema(Schema):
    """A link code, shown this once: it works once, until `expires_at`. Case, blanks and hyphens do not matter."""

    code = fields.String(required=True, metadata={"example": "7KQ2MX9TBD"})
    partner = fields.String(required=True)
    programme = fields.String(required=True)
    expires_at = Instant(required=True)


@resource.operation(
    "POST", "/me/link-codes", answers=CodeSchema, status=201, refuses=(UnknownPartner, PartnerInactive, NotEnrolled)
)
@resource.body(NewCodeSchema)
def ask_for_code(body: dict[str, Any]) -> dict[str, Any]:
    """A code to type in at a partner

    The partner tells us which of its users typed it in, and learns nothing about the member. A new code for the same
    partner ends the one before it.
    """
    house().gate.setup(body["partner"])
    with house().transaction() as tx:
        code, expires_at = identity.make_link_code(
            tx, house().vault, holder_id=member().holder_id, **body, now=clock.now()
        )
    return {"code": code, **body, "expires_at": expires_at}
