"""Teams that gather steps for trees together."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from backend import clock, forest, identity
from backend.forest import TeamFull, TeamNotFound
from backend.identity import GuardianNeeded, NotEnrolled, public_names
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, text
from miniprogram_api.resource import Resource, nothing

resource = Resource("forest_teams", __name__, description="公益林小队 / Teams of the forest")


class NewTeamSchema(Schema):
    """A team. Its name stands on its certificates, once it passed WeChat's check of public texts."""

    programme = text(64, CODE, required=True)
    name = text(40, required=True)


class TeamSchema(Schema):
    """A team I am in."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    programme = fields.String(required=True)


class MadeTeamSchema(TeamSchema):
    """A new team; the code by which others join is shown once."""

    join_code = fields.String(required=True)


class MyTeamSchema(TeamSchema):
    """A team I am in, and how many are."""

    members = fields.Integer(required=True)


class TeamsSchema(Schema):
    """My teams."""

    teams = fields.List(fields.Nested(MyTeamSchema), required=True)


class JoinSchema(Schema):
    """The code somebody of the team showed me."""

    join_code = text(40, required=True)


@resource.operation("GET", "/forest-teams", answers=TeamsSchema)
def teams() -> dict[str, Any]:
    """The teams I am in"""
    with house().transaction() as tx:
        return {"teams": forest.teams_of(tx, member().holder_id)}


@resource.operation(
    "POST",
    "/forest-teams",
    answers=MadeTeamSchema,
    status=201,
    refuses=(GuardianNeeded, NotEnrolled, public_names.NameRefused, public_names.NameNotAllowed, TeamFull),
)
@resource.body(NewTeamSchema)
def make_team(body: dict[str, Any]) -> dict[str, Any]:
    """Make a team that gathers steps together"""
    name = house().names.check(member().holder_id, body["name"])
    with house().transaction() as tx:
        _act(tx, body["programme"])
        now = clock.now()
        return forest.make_team(tx, house().vault, member().holder_id, body["programme"], name, now=now)


@resource.operation(
    "POST",
    "/forest-teams/memberships",
    answers=TeamSchema,
    status=201,
    refuses=(GuardianNeeded, NotEnrolled, TeamNotFound, TeamFull),
)
@resource.body(JoinSchema)
def join_team(body: dict[str, Any]) -> dict[str, Any]:
    """Join a team by its code"""
    with house().transaction() as tx:
        team = forest.join_team(tx, house().vault, member().holder_id, body["join_code"], now=clock.now())
        _act(tx, team.programme)
    return {"id": team.id, "name": team.name, "programme": team.programme}


@resource.operation(
    "DELETE", "/forest-teams/<uuid:team_id>/membership", answers=None, status=204, refuses=(TeamNotFound,)
)
def leave_team(team_id: UUID) -> Response:
    """Leave a team; what I gave stays given"""
    with house().transaction() as tx:
        forest.leave_team(tx, member().holder_id, team_id, now=clock.now())
    return nothing()


def _act(tx: Any, programme: str) -> None:
    who = {"person_id": member().holder_id, "session_id": member().session_id, "account_id": member().holder_id}
    identity.act_for(tx, **who, programme=programme, now=clock.now())
