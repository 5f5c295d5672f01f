"""Partner links: which user of a partner the member is, and to which account that user's acts go."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from backend import clock, identity, partners, signing
from backend.errors import NotFound
from backend.identity import AlreadyLinked, LinkTicketSpent, LinkView, NotEnrolled
from backend.partners import UnknownPartner
from backend.signing import InvalidLinkTicket, Key
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, Instant, text
from miniprogram_api.resource import Resource, nothing

resource = Resource("partner_links", __name__, description="平台关联 / Partner links")


class NewLinkSchema(Schema):
    """A ticket the partner signed for its user (good once, for at most ten minutes), and the account to link to."""

    ticket = text(2100, r"^[0-9A-Za-z_.-]+$", required=True)
    programme = text(64, CODE, required=True)


class LinkSchema(Schema):
    """A link. `user_ref` is what the partner calls the member."""

    id = fields.UUID(required=True)
    partner = fields.String(required=True)
    user_ref = fields.String(required=True)
    programme = fields.String(required=True)
    linked_at = Instant(required=True)


class LinksSchema(Schema):
    """All open links of the member."""

    links = fields.List(fields.Nested(LinkSchema), required=True)


@resource.operation("GET", "/me/partner-links", answers=LinksSchema)
def links() -> dict[str, Any]:
    """My links"""
    with house().transaction() as tx:
        return {"links": identity.links_of(tx, house().vault, member().holder_id)}


@resource.operation(
    "POST",
    "/me/partner-links",
    answers=LinkSchema,
    status=201,
    refuses=(InvalidLinkTicket, LinkTicketSpent, AlreadyLinked, NotEnrolled),
)
@resource.body(NewLinkSchema)
def link(body: dict[str, Any]) -> LinkView:
    """Link a partner's user to my account

    Events of that user that waited for the link are settled at once. The same link again is the same link.
    """
    now = clock.now()
    ticket = signing.read_link_ticket(body["ticket"], _keys_of, now)
    vault = house().vault
    with house().transaction() as tx:
        identity.spend_link_ticket(tx, ticket.partner, ticket.nonce, now=now)
        made = identity.link_partner_user(
            tx,
            vault,
            holder_id=member().holder_id,
            partner=ticket.partner,
            user_ref=ticket.user_ref,
            programme=body["programme"],
            now=now,
        )
        user = (ticket.partner, identity.user_ref_index(vault, ticket.partner, ticket.user_ref))
        partners.wake_users(tx, {user}, now=now)
        return LinkView(made.id, made.partner, ticket.user_ref, made.programme, made.linked_at)


@resource.operation("DELETE", "/me/partner-links/<uuid:link_id>", answers=None, status=204, refuses=(NotFound,))
def unlink(link_id: UUID) -> Response:
    """End a link

    What was credited stays until its partner corrects or cancels it; nothing further comes in.
    """
    with house().transaction() as tx:
        identity.unlink(tx, member().holder_id, link_id, now=clock.now())
    return nothing()


def _keys_of(partner: str) -> Sequence[Key]:
    """The partner's keys now; none for a partner we do not know."""
    try:
        return house().gate.setup(partner).keys_at(clock.now())
    except UnknownPartner:
        return ()
