"""The two sides of a PK: who speaks for one, whether it may be challenged, and what others call it.

Whoever challenges sees nobody they could not see on a board: an opponent who hides, is under fourteen or left is not
there. A team is spoken for by its captain, a department by whoever an operator named.
"""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns import naming
from backend.campaigns import policy as campaign_policy
from backend.campaigns.challenges.models import CampaignCaptain
from backend.campaigns.challenges.policy import PERSON, TEAM
from backend.campaigns.errors import NotCaptain, NotTakingChallenges, OpponentNotFound, TooFewPeople
from backend.campaigns.models import CampaignGroup, CampaignParticipant, CampaignTeam
from backend.campaigns.policy import SMALLEST_GROUP, display_name
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import groups
from backend.campaigns.teams import participant


def side_spoken_for(tx: Session, campaign: CampaignView, kind: str, holder_id: UUID) -> UUID:
    """The side that this participant speaks for. Raises NotTakingPart, NotCaptain, and OpponentNotFound for a class."""
    me = participant(tx, campaign.code, holder_id)
    if kind == PERSON:
        if me.kind != campaign_policy.PERSON:
            raise OpponentNotFound
        return me.id
    if kind == TEAM:
        team = tx.get(CampaignTeam, me.team_id) if me.team_id else None
        if team is None or team.captain_id != holder_id:
            raise NotCaptain
        return groups.ids_of(tx, campaign.code, [(TEAM, str(team.id))])[TEAM, str(team.id)]
    query = select(CampaignCaptain.group_id).where(
        CampaignCaptain.campaign == campaign.code, CampaignCaptain.holder_id == holder_id
    )
    found = tx.scalar(query)
    if found is None:
        raise NotCaptain
    return found


def speaker(
    tx: Session, campaign: CampaignView, kind: str, side_id: UUID, *, now: datetime
) -> CampaignParticipant | None:
    """Who speaks for a side; None for one that is not there, or that nobody who takes part speaks for."""
    row = CampaignParticipant
    query = select(row).where(row.campaign == campaign.code, row.left_at.is_(None))
    if kind == PERSON:
        query = query.where(row.id == side_id, row.kind == campaign_policy.PERSON)
    else:
        group = tx.get(CampaignGroup, side_id)
        if group is None or group.campaign != campaign.code or group.kind != kind:
            return None
        if kind == TEAM:
            query = query.join(CampaignTeam, CampaignTeam.captain_id == row.holder_id)
            query = query.where(CampaignTeam.id == UUID(group.key), row.team_id == CampaignTeam.id)
        else:
            query = query.join(CampaignCaptain, CampaignCaptain.holder_id == row.holder_id)
            query = query.where(CampaignCaptain.group_id == side_id)
    found = tx.scalar(query.execution_options(populate_existing=True))
    if found is None or (kind == PERSON and identity.minors_among(tx, {found.holder_id}, now=now)):
        return None
    return found


def require_opponent(
    tx: Session, campaign: CampaignView, kind: str, side_id: UUID, *, now: datetime
) -> CampaignParticipant:
    """Who would answer for a side that somebody wants to challenge. Raises OpponentNotFound, NotTakingChallenges."""
    found = speaker(tx, campaign, kind, side_id, now=now)
    if found is None or (kind == PERSON and not found.shown):
        raise OpponentNotFound
    if not found.takes_challenges:
        raise NotTakingChallenges
    return found


def require_people(
    tx: Session, campaign: CampaignView, kind: str, side_ids: Collection[UUID], *, now: datetime
) -> None:
    """Teams and departments of a PK are large enough that a sum tells nothing of one member. Raises TooFewPeople."""
    if kind == PERSON:
        return
    today = clock.day_of(now)
    for side_id in sorted(side_ids):
        key = tx.get_one(CampaignGroup, side_id).key
        people = len(team_members(tx, key)) if kind == TEAM else len(staff_of(tx, campaign, key, today, today))
        if people < SMALLEST_GROUP:
            raise TooFewPeople(smallest=SMALLEST_GROUP)


def team_members(tx: Session, key: str) -> list[UUID]:
    """Who is in the team of this group key."""
    there = (CampaignParticipant.team_id == UUID(key), CampaignParticipant.left_at.is_(None))
    return list(tx.scalars(select(CampaignParticipant.holder_id).where(*there).order_by(CampaignParticipant.holder_id)))


def staff_of(tx: Session, campaign: CampaignView, path: str, first: date, last: date) -> dict[UUID, bool]:
    """Everybody on the roster of a department on some days: id → whether it is that of an account."""
    return dict(identity.roster.department_staff(tx, campaign.programme, path, first, last))


def hold_sides(tx: Session, campaign: str, kind: str, side_ids: Collection[UUID]) -> None:
    """Let nobody else invite, accept or withdraw for these sides until commit."""
    row = CampaignParticipant if kind == PERSON else CampaignGroup
    query = select(row.id).where(row.campaign == campaign, row.id.in_(side_ids)).order_by(row.id)
    tx.execute(query.with_for_update(key_share=True))


def names_of(tx: Session, campaign: str, kind: str, side_ids: Collection[UUID]) -> dict[UUID, str]:
    """What others call these sides: a checked name or a number of theirs; of a department its path."""
    if kind == PERSON:
        row = CampaignParticipant
        query = select(row.id, row.name, row.name_passed).where(row.campaign == campaign, row.id.in_(side_ids))
        return {found.id: display_name(*found) for found in tx.execute(query)}
    found = {group.id: group for group in tx.scalars(select(CampaignGroup).where(CampaignGroup.id.in_(side_ids)))}
    if kind != TEAM:
        return {id: group.key for id, group in found.items()}
    keys = {id: UUID(group.key) for id, group in found.items()}
    teams = {team.id: team for team in tx.scalars(select(CampaignTeam).where(CampaignTeam.id.in_(keys.values())))}
    gone = {id: naming.team_name(key, "", False) for id, key in keys.items() if key not in teams}
    there = {id: teams[key] for id, key in keys.items() if key in teams}
    return gone | {id: naming.team_name(team.id, team.name, team.name_passed) for id, team in there.items()}


def sides_of(tx: Session, campaign: CampaignView, holder_id: UUID, days: Collection[date]) -> set[UUID]:
    """Every side somebody is on, or speaks for: themselves, their team, their departments on these days."""
    me = tx.get(CampaignParticipant, (holder_id, campaign.code))
    if me is None:
        return set()
    keys: set[groups.GroupKey] = set()
    if me.team_id is not None:
        keys.add((TEAM, str(me.team_id)))
    if campaign.terms.department_depth:
        paths = identity.roster.departments_by_day(tx, campaign.programme, [(holder_id, day) for day in days])
        counted = {groups.department_counted(path, campaign.terms.department_depth) for path in paths.values()}
        keys |= {("department", path) for path in counted if path}
    led = select(CampaignCaptain.group_id).where(
        CampaignCaptain.campaign == campaign.code, CampaignCaptain.holder_id == holder_id
    )
    return {me.id, *groups.known(tx, campaign.code, sorted(keys)).values(), *tx.scalars(led)}


def challengeable(tx: Session, campaign: CampaignView, kind: str, *, limit: int) -> list[dict[str, object]]:
    """Teams or departments whose captain takes challenges, the newest first. Persons are found on boards."""
    row = CampaignParticipant
    willing = (row.campaign == campaign.code, row.left_at.is_(None), row.takes_challenges)
    if kind == TEAM:
        query = select(CampaignTeam.id).join(row, row.holder_id == CampaignTeam.captain_id)
        query = query.where(*willing, row.team_id == CampaignTeam.id).order_by(CampaignTeam.id.desc())
        keys = [(TEAM, str(id)) for id in tx.scalars(query.limit(limit))]
        known = groups.ids_of(tx, campaign.code, keys)
        ids = [known[key] for key in keys]
    else:
        led = select(CampaignCaptain.group_id).join(row, row.holder_id == CampaignCaptain.holder_id)
        led = led.where(*willing, CampaignCaptain.campaign == campaign.code).order_by(CampaignCaptain.group_id.desc())
        ids = list(tx.scalars(led.limit(limit)))
    names = names_of(tx, campaign.code, kind, ids)
    return [{"id": id, "name": names[id]} for id in ids]
