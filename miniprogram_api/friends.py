"""Friends: members who find each other on the boards of campaigns."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from backend import campaigns, clock
from backend.campaigns import FriendsTooYoung, InvalidFriendCode, TooManyFriends
from backend.errors import NotFound
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Instant, text
from miniprogram_api.resource import Resource, nothing

resource = Resource("friends", __name__, description="好友 / Friends")


class FriendCodeSchema(Schema):
    """A code for somebody I want to be friends with, shown this once: it works once, until `expires_at`."""

    code = fields.String(required=True, metadata={"example": "7KQ2MX9TBD4W"})
    expires_at = Instant(required=True)


class NewFriendSchema(Schema):
    """The code somebody showed me. Case, blanks and hyphens do not matter."""

    code = text(40, required=True)


class FriendSchema(Schema):
    """A friend. `name`: what boards call them in the campaign they joined last of those we are both in, else a number.

    `id` is that of the friendship, and the same for both.
    """

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    since = Instant(required=True)


class FriendsSchema(Schema):
    """My friends, the oldest friendship first."""

    friends = fields.List(fields.Nested(FriendSchema), required=True)


@resource.operation("POST", "/me/friend-codes", answers=FriendCodeSchema, status=201, refuses=(FriendsTooYoung,))
def make_friend_code() -> dict[str, Any]:
    """Make a code for a friend

    It lives for seven days. Of one member twenty codes wait at most; the oldest gives way to a new one.
    """
    return house().retried(
        lambda tx: campaigns.friends.make_code(tx, house().vault, member().holder_id, now=clock.now())
    )


@resource.operation(
    "POST",
    "/me/friends",
    answers=FriendSchema,
    status=201,
    refuses=(InvalidFriendCode, FriendsTooYoung, TooManyFriends),
)
@resource.body(NewFriendSchema)
def befriend(body: dict[str, Any]) -> dict[str, Any]:
    """Become friends with whoever made this code

    Both see each other among their friends at once. Who is a friend already stays one, and the code is not used.
    """
    me, code = member().holder_id, body["code"]
    return house().retried(lambda tx: campaigns.friends.befriend(tx, house().vault, me, code, now=clock.now()))


@resource.operation("GET", "/me/friends", answers=FriendsSchema)
def friends() -> dict[str, Any]:
    """My friends"""
    with house().transaction() as tx:
        return {"friends": campaigns.friends.friends_of(tx, member().holder_id, now=clock.now())}


@resource.operation("DELETE", "/me/friends/<uuid:friendship_id>", answers=None, status=204, refuses=(NotFound,))
def end_friendship(friendship_id: UUID) -> Response:
    """End a friendship, for both and at once; the other one is not told"""
    house().retried(lambda tx: campaigns.friends.end(tx, member().holder_id, friendship_id))
    return nothing()
