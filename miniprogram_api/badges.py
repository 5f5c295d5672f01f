"""Badges: what I have come to, and what is missing."""

from typing import Any

from marshmallow import Schema, fields

from backend import campaigns, clock, identity
from backend.errors import NotFound
from backend.identity import UnknownProgramme
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house
from miniprogram_api.fields import CODE, bilingual, text
from miniprogram_api.resource import Resource

resource = Resource("badges", __name__, description="徽章 / Badges")


class BadgesQuery(AccountQuery):
    """In which programme, and of which account."""

    programme = text(64, CODE, required=True)


class BadgeSchema(Schema):
    """A badge. `earned_on` is the day of the act it was earned with; it goes back with the acts it rests on."""

    code = fields.String(required=True)
    title = bilingual()
    says = bilingual()
    earned_on = fields.Date(required=True, allow_none=True)
    so_far = fields.Integer(required=True)
    needed = fields.Integer(required=True)


class BadgesSchema(Schema):
    """Every badge of the programme, those I do not have yet included."""

    programme = fields.String(required=True)
    badges = fields.List(fields.Nested(BadgeSchema), required=True)


@resource.operation("GET", "/me/badges", answers=BadgesSchema, refuses=(NotFound,))
@resource.query(BadgesQuery, UnknownProgramme)
def my_badges(query: dict[str, Any]) -> dict[str, Any]:
    """My badges in a programme

    Read from the acts that stand: an act that is taken back takes along the badge it was needed for.
    """
    programme = query["programme"]
    with house().transaction() as tx:
        identity.require_programme(tx, programme)
        holder_id = asked_account(tx, query)
        return {
            "programme": programme,
            "badges": campaigns.badges.badges_of(tx, holder_id, programme, now=clock.now()),
        }
