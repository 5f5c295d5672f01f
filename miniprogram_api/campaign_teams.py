"""Teams of a campaign: participants who are counted together."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from backend import campaigns, clock, identity
from backend.campaigns import (
    CampaignNotFound,
    CampaignTeamFull,
    CampaignTeamNotFound,
    CampaignView,
    InAnotherTeam,
    NotCaptain,
    NoTeams,
    NotTakingPart,
)
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled, public_names, roster
from miniprogram_api.asked_account import AccountQuery
from miniprogram_api.caller import house, member
from miniprogram_api.fields import text
from miniprogram_api.resource import Resource, nothing

resource = Resource("campaign_teams", __name__, description="活动小队 / Teams of campaigns")

_TEAM = "/campaigns/<code>/team"
#: What acting in a campaign may be refused with.
ACTING = (CampaignNotFound, NotTakingPart, GuardianNeeded, NotEnrolled, roster.StaffTermEnded, NotFound)


class NewCampaignTeamSchema(Schema):
    """A team. Others see its name once it has been checked."""

    name = text(2 * public_names.LONGEST, required=True)


class JoinCampaignTeamSchema(Schema):
    """The code somebody of the team showed me."""

    join_code = text(40, required=True)


class NextCaptainSchema(Schema):
    """A member of my team, by what others know them by."""

    participant_id = fields.UUID(required=True)


class TeamMemberSchema(Schema):
    """A member of my team, by the name everybody sees."""

    participant_id = fields.UUID(required=True)
    name = fields.String(required=True)
    captain = fields.Boolean(required=True)
    me = fields.Boolean(required=True)


class CampaignTeamSchema(Schema):
    """My team. `shown_as`: what others call it; `group_id`: what boards and PK know it by."""

    group_id = fields.UUID(required=True)
    name = fields.String(required=True)
    name_passed = fields.Boolean(required=True)
    shown_as = fields.String(required=True)
    members = fields.List(fields.Nested(TeamMemberSchema), required=True)


class LedCampaignTeamSchema(CampaignTeamSchema):
    """My team and the code by which others join, which is told once."""

    join_code = fields.String(required=True)


@resource.operation(
    "GET", _TEAM, answers=CampaignTeamSchema, refuses=(CampaignNotFound, CampaignTeamNotFound, NotFound)
)
@resource.query(AccountQuery)
def team(query: dict[str, Any], code: str) -> dict[str, Any]:
    """The team I am in"""
    with house().transaction() as tx:
        holder_id = query.get("account_id") or member().holder_id
        identity.may_see(tx, member().holder_id, holder_id, now=clock.now())
        return campaigns.teams.team_of(tx, campaigns.campaign(tx, code, now=clock.now()), holder_id)


@resource.operation(
    "POST",
    "/campaigns/<code>/teams",
    answers=LedCampaignTeamSchema,
    status=201,
    refuses=(*ACTING, NoTeams, InAnotherTeam, public_names.NameRefused, public_names.NameNotAllowed),
)
@resource.body(NewCampaignTeamSchema)
@resource.query(AccountQuery)
def make_team(body: dict[str, Any], query: dict[str, Any], code: str) -> dict[str, Any]:
    """Make a team; I am its captain"""

    name, me = house().names.check(member().holder_id, body["name"]), member().holder_id

    def make(tx: Any) -> dict[str, Any]:
        campaign, holder_id = act_in(tx, query, code)
        return campaigns.teams.make_team(tx, house().vault, campaign, holder_id, me, name, now=clock.now())

    return house().retried(make)


@resource.operation(
    "POST",
    _TEAM,
    answers=CampaignTeamSchema,
    refuses=(*ACTING, NoTeams, CampaignTeamNotFound, InAnotherTeam, CampaignTeamFull),
)
@resource.body(JoinCampaignTeamSchema)
@resource.query(AccountQuery)
def join_team(body: dict[str, Any], query: dict[str, Any], code: str) -> dict[str, Any]:
    """Join a team by its code; again is the same"""

    def join(tx: Any) -> dict[str, Any]:
        campaign, holder_id = act_in(tx, query, code)
        return campaigns.teams.join_team(tx, house().vault, campaign, holder_id, body["join_code"], now=clock.now())

    return house().retried(join)


@resource.operation("DELETE", _TEAM, answers=None, status=204, refuses=(*ACTING, CampaignTeamNotFound))
@resource.query(AccountQuery)
def leave_team(query: dict[str, Any], code: str) -> Response:
    """Leave my team; my days count for it no longer"""
    house().retried(lambda tx: campaigns.teams.leave_team(tx, *act_in(tx, query, code), now=clock.now()))
    return nothing()


@resource.operation(
    "PUT", f"{_TEAM}/captain", answers=CampaignTeamSchema, refuses=(*ACTING, CampaignTeamNotFound, NotCaptain)
)
@resource.body(NextCaptainSchema)
@resource.query(AccountQuery)
def hand_over(body: dict[str, Any], query: dict[str, Any], code: str) -> dict[str, Any]:
    """Make another member captain in my place"""
    other = body["participant_id"]
    return house().retried(lambda tx: campaigns.teams.hand_over(tx, *act_in(tx, query, code), other))


@resource.operation(
    "DELETE",
    f"{_TEAM}/members/<uuid:participant_id>",
    answers=LedCampaignTeamSchema,
    refuses=(*ACTING, CampaignTeamNotFound, NotCaptain),
)
@resource.query(AccountQuery)
def remove_member(query: dict[str, Any], code: str, participant_id: UUID) -> dict[str, Any]:
    """Take somebody out of my team

    The join code is replaced, and told. With my own `participant_id` nobody is taken out, and the code is replaced.
    """

    def remove(tx: Any) -> dict[str, Any]:
        campaign, holder_id = act_in(tx, query, code)
        who = (campaign, holder_id, participant_id)
        return campaigns.teams.remove_member(tx, house().vault, *who, now=clock.now())

    return house().retried(remove)


def act_in(tx: Any, query: dict[str, Any], code: str) -> tuple[CampaignView, UUID]:
    """The campaign, and the account that acts in it; nothing else is done for that account until commit."""
    now, me = clock.now(), member()
    campaign = campaigns.campaign(tx, code, now=now)
    holder_id: UUID = query.get("account_id") or me.holder_id
    who = {"person_id": me.holder_id, "session_id": me.session_id, "account_id": holder_id}
    identity.act_for(tx, **who, programme=campaign.programme, now=now)
    return campaign, holder_id
