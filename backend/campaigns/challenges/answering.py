"""Answering: who is invited accepts or declines, and whoever changes their mind withdraws before the PK begins.

Locks: both sides in the order of their ids, then the PK.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.campaigns import reading
from backend.campaigns.challenges import sides
from backend.campaigns.challenges.inviting import require_open, written
from backend.campaigns.challenges.models import CampaignChallenge, CampaignChallengeDay, CampaignChallengeMember
from backend.campaigns.challenges.policy import (
    ACCEPTED,
    CHALLENGER,
    DEPARTMENT,
    INVITED,
    OPPONENT,
    PERSON,
    days_of,
    state_of,
)
from backend.campaigns.errors import (
    ChallengeChanged,
    ChallengeDaysTaken,
    ChallengeNotFound,
    NotCaptain,
    OpponentNotFound,
)
from backend.campaigns.models import CampaignGroup
from backend.campaigns.policy import CANCELLED
from backend.campaigns.reading import CampaignView
from backend.lists import insert_rows


def accept(tx: Session, challenge_id: UUID, holder_id: UUID, *, now: datetime) -> CampaignChallenge:
    """Take up a challenge in the name of the side that was invited. Teams are as they are now, until the end.

    Raises ChallengeNotFound, NotCaptain, ChallengeChanged, NoChallenges, OpponentNotFound, TooFewPeople,
    ChallengeDaysTaken.
    """
    campaign, row = _held(tx, challenge_id, now)
    _require_speaker(tx, campaign, row, row.opponent_id, holder_id, now)
    _require_state(campaign, row, now, INVITED)
    require_open(campaign, row.kind, now)
    if sides.speaker(tx, campaign, row.kind, row.challenger_id, now=now) is None:
        raise OpponentNotFound
    both = {CHALLENGER: row.challenger_id, OPPONENT: row.opponent_id}
    sides.require_people(tx, campaign, row.kind, both.values(), now=now)
    days = days_of(row.first_day, row.last_day)
    _take_days(tx, row, days)
    row.accepted_at, row.accepted_by = now, holder_id
    tx.flush()
    members = [
        {"holder_id": member, "challenge_id": row.id, "side": side}
        for side, side_id in both.items()
        for member in _members(tx, campaign, row.kind, side_id, now)
    ]
    insert_rows(tx, CampaignChallengeMember, sorted(members, key=lambda item: str(item["holder_id"])))
    return row


def decline(tx: Session, challenge_id: UUID, holder_id: UUID, *, now: datetime) -> CampaignChallenge:
    """Say no; the same side does not ask again. Raises ChallengeNotFound, NotCaptain, ChallengeChanged."""
    campaign, row = _held(tx, challenge_id, now)
    _require_speaker(tx, campaign, row, row.opponent_id, holder_id, now)
    _require_state(campaign, row, now, INVITED)
    row.declined_at = now
    tx.flush()
    return row


def withdraw(tx: Session, challenge_id: UUID, holder_id: UUID, *, now: datetime) -> CampaignChallenge:
    """Take an invitation back, or step back from a PK that has not begun: the challenger, once accepted either side.

    Raises ChallengeNotFound, NotCaptain, ChallengeChanged.
    """
    campaign, row = _held(tx, challenge_id, now)
    state = state_of(written(row), cancelled=campaign.state(now) == CANCELLED, now=now)
    may = [row.challenger_id, row.opponent_id] if state == ACCEPTED else [row.challenger_id]
    speakers = {side_id: sides.speaker(tx, campaign, row.kind, side_id, now=now) for side_id in may}
    if not any(found is not None and found.holder_id == holder_id for found in speakers.values()):
        raise ChallengeNotFound if row.kind == PERSON else NotCaptain
    _require_state(campaign, row, now, INVITED, ACCEPTED)
    row.withdrawn_at = now
    tx.flush()
    mine = CampaignChallengeDay.challenge_id == row.id
    tx.execute(delete(CampaignChallengeDay).where(mine).execution_options(synchronize_session=False))
    return row


def _held(tx: Session, challenge_id: UUID, now: datetime) -> tuple[CampaignView, CampaignChallenge]:
    found = tx.get(CampaignChallenge, challenge_id)
    if found is None:
        raise ChallengeNotFound
    sides.hold_sides(tx, found.campaign, found.kind, (found.challenger_id, found.opponent_id))
    row = tx.get_one(CampaignChallenge, challenge_id, with_for_update=True, populate_existing=True)
    return reading.campaign(tx, row.campaign, now=now), row


def _require_speaker(
    tx: Session, campaign: CampaignView, row: CampaignChallenge, side_id: UUID, holder_id: UUID, now: datetime
) -> None:
    found = sides.speaker(tx, campaign, row.kind, side_id, now=now)
    if found is None or found.holder_id != holder_id:
        raise ChallengeNotFound if row.kind == PERSON else NotCaptain


def _require_state(campaign: CampaignView, row: CampaignChallenge, now: datetime, *allowed: str) -> None:
    state = state_of(written(row), cancelled=campaign.state(now) == CANCELLED, now=now)
    if state not in allowed:
        raise ChallengeChanged(state=state)


def _take_days(tx: Session, row: CampaignChallenge, days: list[date]) -> None:
    """The key of the table lets a side have one PK on a day, whoever else accepts at this moment."""
    rows = [
        {"campaign": row.campaign, "side_id": side_id, "day": day, "challenge_id": row.id}
        for side_id in sorted((row.challenger_id, row.opponent_id))
        for day in days
    ]
    key = ("campaign", "side_id", "day")
    if len(insert_rows(tx, CampaignChallengeDay, rows, on_conflict=key, returning=("day",))) < len(rows):
        raise ChallengeDaysTaken


def _members(tx: Session, campaign: CampaignView, kind: str, side_id: UUID, now: datetime) -> list[UUID]:
    if kind == DEPARTMENT:
        return []
    if kind == PERSON:
        found = sides.speaker(tx, campaign, kind, side_id, now=now)
        return [found.holder_id] if found is not None else []
    return sides.team_members(tx, tx.get_one(CampaignGroup, side_id).key)
