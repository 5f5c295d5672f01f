"""Teams 小队 of a campaign: participants who are counted together. A participant is in one at a time.

Others join by a code. Each team has a captain, who speaks for it; when the captain leaves, whoever joined the campaign
first takes over, and a team that nobody is in any more is gone.

Locks: the participation of whoever enters or goes, then the team.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend import identity
from backend.campaigns import naming, scoring
from backend.campaigns.errors import (
    CampaignTeamFull,
    CampaignTeamNotFound,
    InAnotherTeam,
    NotCaptain,
    NoTeams,
    NotTakingPart,
)
from backend.campaigns.models import Campaign, CampaignParticipant, CampaignTeam
from backend.campaigns.policy import ANNOUNCED, PERSON, RUNNING, display_name
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import groups
from backend.identity import public_names
from backend.ids import new_id
from backend.vault import Vault


def participant(tx: Session, campaign: str, holder_id: UUID, *, held: bool = False) -> CampaignParticipant:
    """Somebody's participation, held until commit if asked for. Raises NotTakingPart."""
    query = select(CampaignParticipant).where(
        CampaignParticipant.holder_id == holder_id, CampaignParticipant.campaign == campaign
    )
    if held:
        query = query.with_for_update(key_share=True)
    found = tx.scalar(query.execution_options(populate_existing=True))
    if found is None or found.left_at is not None:
        raise NotTakingPart(campaign=campaign)
    return found


def make_team(
    tx: Session,
    vault: Vault,
    campaign: CampaignView,
    holder_id: UUID,
    person_id: UUID,
    name: public_names.Checked,
    *,
    now: datetime,
) -> dict[str, Any]:
    """A new team with its captain as first member; the code others join by is told once.

    `person_id` chose the name. Raises NoTeams, NotTakingPart, InAnotherTeam.
    """
    _require_open(campaign, now)
    me = _joinable(tx, campaign, holder_id)
    code = identity.new_typed_code()
    made = {"campaign": campaign.code, "name": name.name, "name_passed": name.passed, "code_index": _index(vault, code)}
    team = CampaignTeam(id=new_id(), **made, captain_id=holder_id, made_at=now)
    tx.add(team)
    tx.flush()
    naming.keep_team_name(tx, person_id, team.id, name, now=now)
    _enter(tx, me, team, now)
    return team_of(tx, campaign, holder_id) | {"join_code": code}


def join_team(
    tx: Session, vault: Vault, campaign: CampaignView, holder_id: UUID, typed: str, *, now: datetime
) -> dict[str, Any]:
    """Join by the team's code; again is the same.

    Raises NoTeams, NotTakingPart, CampaignTeamNotFound, InAnotherTeam, CampaignTeamFull.
    """
    _require_open(campaign, now)
    me = participant(tx, campaign.code, holder_id, held=True)
    index = _index(vault, identity.as_made_code(typed))
    query = select(CampaignTeam).where(CampaignTeam.code_index == index, CampaignTeam.campaign == campaign.code)
    team = tx.scalar(query.with_for_update().execution_options(populate_existing=True))
    if team is None:
        raise CampaignTeamNotFound
    if me.team_id != team.id:
        if me.team_id is not None or me.kind != PERSON:
            raise InAnotherTeam
        if len(_members(tx, team.id)) >= campaign.terms.team_size:
            raise CampaignTeamFull(members=campaign.terms.team_size)
        _enter(tx, me, team, now)
    return team_of(tx, campaign, holder_id)


def leave_team(tx: Session, campaign: CampaignView, holder_id: UUID, *, now: datetime) -> None:
    """Leave one's team; one's days count for it no longer. Raises NotTakingPart, CampaignTeamNotFound."""
    me = participant(tx, campaign.code, holder_id, held=True)
    if me.team_id is None:
        raise CampaignTeamNotFound
    team = _held(tx, me.team_id)
    _take_out(tx, team, me, now)


def remove_member(
    tx: Session, vault: Vault, campaign: CampaignView, holder_id: UUID, participant_id: UUID, *, now: datetime
) -> dict[str, Any]:
    """The captain takes somebody out of the team; the code they knew is replaced by the one that is told.

    Raises NotTakingPart, CampaignTeamNotFound, NotCaptain.
    """
    team, other = _led(tx, campaign, holder_id, participant_id)
    if other.holder_id != holder_id:
        _take_out(tx, team, other, now)
    code = identity.new_typed_code()
    team.code_index = _index(vault, code)
    tx.flush()
    return team_of(tx, campaign, holder_id) | {"join_code": code}


def hand_over(tx: Session, campaign: CampaignView, holder_id: UUID, participant_id: UUID) -> dict[str, Any]:
    """The captain makes another member captain. Raises NotTakingPart, CampaignTeamNotFound, NotCaptain."""
    team, other = _led(tx, campaign, holder_id, participant_id)
    team.captain_id = other.holder_id
    tx.flush()
    return team_of(tx, campaign, holder_id)


def team_of(tx: Session, campaign: CampaignView, holder_id: UUID) -> dict[str, Any]:
    """The team somebody is in, as its members see it. Raises CampaignTeamNotFound.

    `group_id` is what boards and PK know it by. Members see each other by the names everybody sees.
    """
    me = tx.get(CampaignParticipant, (holder_id, campaign.code))
    team = tx.get(CampaignTeam, me.team_id) if me is not None and me.left_at is None and me.team_id else None
    if team is None:
        raise CampaignTeamNotFound
    (group_id,) = groups.ids_of(tx, campaign.code, [("team", str(team.id))]).values()
    return {
        "group_id": group_id,
        "name": team.name,
        "name_passed": team.name_passed,
        "shown_as": naming.team_name(team.id, team.name, team.name_passed),
        "members": [
            {
                "participant_id": row.id,
                "name": display_name(row.id, row.name, row.name_passed),
                "captain": row.holder_id == team.captain_id,
                "me": row.holder_id == holder_id,
            }
            for row in _members(tx, team.id)
        ],
    }


def _require_open(campaign: CampaignView, now: datetime) -> None:
    state = campaign.state(now)
    if not campaign.terms.teams or state not in (ANNOUNCED, RUNNING):
        raise NoTeams(campaign=campaign.code, state=state)


def _joinable(tx: Session, campaign: CampaignView, holder_id: UUID) -> CampaignParticipant:
    me = participant(tx, campaign.code, holder_id, held=True)
    if me.team_id is not None or me.kind != PERSON:
        raise InAnotherTeam
    return me


def _held(tx: Session, team_id: UUID) -> CampaignTeam:
    found = tx.get(CampaignTeam, team_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise CampaignTeamNotFound
    return found


def _led(
    tx: Session, campaign: CampaignView, holder_id: UUID, participant_id: UUID
) -> tuple[CampaignTeam, CampaignParticipant]:
    """The team this member is captain of, and a member of it; both are held, the member first."""
    of_id = select(CampaignParticipant.holder_id).where(
        CampaignParticipant.campaign == campaign.code, CampaignParticipant.id == participant_id
    )
    other_id = tx.scalar(of_id)
    if other_id is None:
        raise CampaignTeamNotFound
    other = participant(tx, campaign.code, other_id, held=True)
    me = other if other_id == holder_id else tx.get(CampaignParticipant, (holder_id, campaign.code))
    if me is None or me.left_at is not None or me.team_id is None or other.team_id != me.team_id:
        raise CampaignTeamNotFound
    team = _held(tx, me.team_id)
    if team.captain_id != holder_id:
        raise NotCaptain
    return team, other


def _members(tx: Session, team_id: UUID) -> list[CampaignParticipant]:
    """Who is in the team, the earliest participants first."""
    there = (CampaignParticipant.team_id == team_id, CampaignParticipant.left_at.is_(None))
    order = (CampaignParticipant.joined_at, CampaignParticipant.id)
    query = select(CampaignParticipant).where(*there).order_by(*order)
    return list(tx.scalars(query.execution_options(populate_existing=True)))


def _enter(tx: Session, me: CampaignParticipant, team: CampaignTeam, now: datetime) -> None:
    me.team_id = team.id
    tx.flush()
    scoring.participant_changed(tx, team.campaign, [me.holder_id], now=now)


def _take_out(tx: Session, team: CampaignTeam, who: CampaignParticipant, now: datetime) -> None:
    """The team is held. It gets another captain where it needs one, and is gone where nobody stays."""
    who.team_id = None
    tx.flush()
    scoring.participant_changed(tx, team.campaign, [who.holder_id], now=now)
    _lead(tx, team)


def mend_teams(tx: Session, *, limit: int = 100) -> int:
    """Give teams another captain whose captain left the campaign, and end those nobody is left in. Returns how many."""
    row, held = CampaignParticipant, Campaign
    there = (row.team_id == CampaignTeam.id, row.holder_id == CampaignTeam.captain_id, row.left_at.is_(None))
    query = select(CampaignTeam).join(held, held.code == CampaignTeam.campaign)
    query = query.where(held.final_at.is_(None), held.cancelled_at.is_(None), ~select(1).where(*there).exists())
    query = query.order_by(CampaignTeam.id).limit(limit).with_for_update(of=CampaignTeam)
    found = list(tx.scalars(query.execution_options(populate_existing=True)))
    for team in found:
        _lead(tx, team)
    return len(found)


def _lead(tx: Session, team: CampaignTeam) -> None:
    """Let somebody who is in the team be its captain, the earliest participant first; without members it ends."""
    staying = _members(tx, team.id)
    if team.captain_id not in {row.holder_id for row in staying}:
        team.captain_id = staying[0].holder_id if staying else None
    if not staying:
        # Who left the campaign with the team may still be noted as in it.
        former = update(CampaignParticipant).where(CampaignParticipant.team_id == team.id)
        tx.execute(former.values(team_id=None).execution_options(synchronize_session=False))
        tx.delete(team)
    tx.flush()


def _index(vault: Vault, code: str) -> bytes:
    return vault.index("campaign team", code)
