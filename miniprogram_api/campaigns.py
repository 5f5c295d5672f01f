"""Campaigns: what there is, and taking part."""

from typing import Any
from uuid import UUID

from flask import Response

from backend import campaigns, clock, identity
from backend.campaigns import (
    Caller,
    CampaignNotFound,
    CampaignOver,
    InvitationNeeded,
    NotAdmitted,
    NotTakingPart,
    UnknownCity,
    Wish,
)
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled, UnknownProgramme
from miniprogram_api.asked_account import AccountQuery, asked_account
from miniprogram_api.caller import house, member
from miniprogram_api.campaign_schemas import (
    CampaignSchema,
    CampaignsQuery,
    CampaignsSchema,
    ChangedWishSchema,
    JoinCampaignSchema,
    ParticipationSchema,
)
from miniprogram_api.resource import Resource, nothing

resource = Resource("campaigns", __name__, description="活动：环境周、无车日、挑战 / Campaigns")

#: What acting in a campaign can be refused with.
ACTING = (CampaignNotFound, GuardianNeeded, NotEnrolled, identity.roster.StaffTermEnded, NotFound)


@resource.operation("GET", "/campaigns", answers=CampaignsSchema, refuses=(NotFound, NotEnrolled))
@resource.query(CampaignsQuery, UnknownProgramme)
def all_campaigns(query: dict[str, Any]) -> dict[str, Any]:
    """The campaigns of a programme, the latest first"""
    with house().transaction() as tx:
        account = asked_account(tx, query)
        return {"campaigns": campaigns.telling.campaigns_of(tx, query["programme"], account, now=clock.now())}


@resource.operation(
    "GET", "/campaigns/<code>", answers=CampaignSchema, refuses=(CampaignNotFound, NotFound, NotEnrolled)
)
@resource.query(AccountQuery)
def one_campaign(query: dict[str, Any], code: str) -> dict[str, Any]:
    """A campaign: what counts, what it gives, and how I take part"""
    with house().transaction() as tx:
        return campaigns.telling.campaign_for(tx, code, asked_account(tx, query), now=clock.now())


@resource.operation(
    "POST",
    "/campaigns/<code>/join",
    answers=ParticipationSchema,
    status=201,
    live_login=False,
    refuses=(*ACTING, CampaignOver, NotAdmitted, InvitationNeeded, UnknownCity),
)
@resource.body(JoinCampaignSchema)
def join(body: dict[str, Any], code: str) -> dict[str, Any]:
    """Take part, until the campaign ends

    Everything I do while it lasts counts, also what I did before joining. The same again is answered alike.
    """
    invitation, now = body.pop("invitation"), clock.now()
    with house().transaction() as tx:
        how = _caller(body), _wish(body)
        row = campaigns.joining.join(tx, house().vault, code, *how, invitation=invitation, now=now)
        return campaigns.telling.told_participant(tx, row, now=now)


@resource.operation(
    "PUT",
    "/campaigns/<code>/participation",
    answers=ParticipationSchema,
    live_login=False,
    refuses=(*ACTING, NotTakingPart, CampaignOver, UnknownCity),
)
@resource.body(ChangedWishSchema)
def change(body: dict[str, Any], code: str) -> dict[str, Any]:
    """Change what others see of me, whether I may be challenged, or my city

    Not to be shown any more is possible at any time.
    """
    now = clock.now()
    with house().transaction() as tx:
        row = campaigns.joining.change(tx, code, _caller(body), _wish(body), now=now)
        return campaigns.telling.told_participant(tx, row, now=now)


@resource.operation(
    "DELETE",
    "/campaigns/<code>/participation",
    answers=None,
    status=204,
    live_login=False,
    refuses=(*ACTING, NotTakingPart, CampaignOver),
)
@resource.query(AccountQuery)
def leave(query: dict[str, Any], code: str) -> Response:
    """Leave a campaign; my score goes, my grams and points stay"""
    with house().transaction() as tx:
        campaigns.joining.leave(tx, code, _caller(query), now=clock.now())
    return nothing()


def _caller(stated: dict[str, Any]) -> Caller:
    account_id: UUID | None = stated.get("account_id")
    return Caller(member().holder_id, member().session_id, account_id or member().holder_id)


def _wish(body: dict[str, Any]) -> Wish:
    return Wish(**{name: body[name] for name in ("shown", "takes_challenges", "city")})
