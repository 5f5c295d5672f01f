"""Inviting: one side challenges another, within limits that keep everybody from being drowned.

Locks: both sides in the order of their ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend import clock
from backend.campaigns.challenges import sides
from backend.campaigns.challenges.models import CampaignChallenge, CampaignChallengeDay
from backend.campaigns.challenges.policy import (
    DEPARTMENT,
    KINDS,
    LONGEST_DAYS,
    PERSON,
    TEAM,
    Asked,
    Written,
    days_of,
    due_at,
    lapses_at,
    limit_reached,
    state_of,
)
from backend.campaigns.errors import (
    ChallengeDaysTaken,
    ChallengeLimit,
    InvalidChallenge,
    NoChallenges,
    NotTakingPart,
)
from backend.campaigns.policy import ANNOUNCED, CANCELLED, GRAMS, POINTS, RUNNING
from backend.campaigns.reading import CampaignView
from backend.ids import new_id
from backend.lists import insert_rows


@dataclass(frozen=True, slots=True)
class Wish:
    """The PK somebody would like: against whom, in grams or points, from one day to another."""

    kind: str
    opponent_id: UUID
    measure: str
    first_day: date
    last_day: date


def invite(tx: Session, campaign: CampaignView, holder_id: UUID, wish: Wish, *, now: datetime) -> UUID:
    """Challenge another side in the name of one's own; returns the id of the PK.

    Raises NoChallenges, InvalidChallenge, NotTakingPart, NotCaptain, OpponentNotFound, NotTakingChallenges,
    TooFewPeople, ChallengeLimit, ChallengeDaysTaken.
    """
    require_open(campaign, wish.kind, now)
    _require_days(campaign, wish, now)
    mine = sides.side_spoken_for(tx, campaign, wish.kind, holder_id)
    if mine == wish.opponent_id:
        raise InvalidChallenge(field="opponent_id", problem="nobody has a PK with themselves")
    both = sorted((mine, wish.opponent_id))
    sides.hold_sides(tx, campaign.code, wish.kind, both)
    me = sides.speaker(tx, campaign, wish.kind, mine, now=now)
    if me is None or me.holder_id != holder_id:  # under fourteen, or captain no longer
        raise NotTakingPart(campaign=campaign.code)
    sides.require_opponent(tx, campaign, wish.kind, wish.opponent_id, now=now)
    sides.require_people(tx, campaign, wish.kind, both, now=now)
    before = _before(tx, campaign, both, now)
    if limit := limit_reached(before, mine, wish.opponent_id, clock.day_of(now)):
        raise ChallengeLimit(limit=limit)
    require_days_free(tx, campaign.code, both, days_of(wish.first_day, wish.last_day))
    row = {
        "id": new_id(),
        "campaign": campaign.code,
        "kind": wish.kind,
        "measure": wish.measure,
        "challenger_id": mine,
        "opponent_id": wish.opponent_id,
        "invited_by": holder_id,
        "first_day": wish.first_day,
        "last_day": wish.last_day,
        "due_at": due_at(wish.last_day, campaign.closes_at),
        "invited_at": now,
        "lapses_at": lapses_at(now, wish.first_day),
    }
    insert_rows(tx, CampaignChallenge, [row])
    return UUID(str(row["id"]))


def require_open(campaign: CampaignView, kind: str, now: datetime) -> None:
    """Whether a PK of this kind may still begin in the campaign. Raises NoChallenges."""
    state, terms = campaign.state(now), campaign.terms
    held = {PERSON: True, TEAM: terms.teams, DEPARTMENT: terms.department_depth > 0}
    if not terms.pk or not held.get(kind) or state not in (ANNOUNCED, RUNNING):
        raise NoChallenges(campaign=campaign.code, state=state)


def _require_days(campaign: CampaignView, wish: Wish, now: datetime) -> None:
    if wish.kind not in KINDS or wish.measure not in (GRAMS, POINTS):
        raise InvalidChallenge(field="measure", problem="grams or points")
    if not clock.day_of(now) < wish.first_day <= wish.last_day:
        raise InvalidChallenge(field="first_day", problem="a PK begins tomorrow or later, and ends no earlier")
    within = campaign.days
    if wish.first_day < within[0] or wish.last_day > within[-1]:
        raise InvalidChallenge(field="last_day", problem="a PK lies within its campaign")
    if (wish.last_day - wish.first_day).days >= LONGEST_DAYS:
        raise InvalidChallenge(field="last_day", problem=f"a PK has {LONGEST_DAYS} days at most")


def _before(tx: Session, campaign: CampaignView, both: Sequence[UUID], now: datetime) -> list[Asked]:
    row = CampaignChallenge
    query = select(row).where(or_(row.challenger_id.in_(both), row.opponent_id.in_(both)))
    cancelled = campaign.state(now) == CANCELLED
    return [
        Asked(
            found.challenger_id,
            found.opponent_id,
            state_of(written(found), cancelled=cancelled, now=now),
            clock.day_of(found.invited_at),
        )
        for found in tx.scalars(query)
    ]


def require_days_free(tx: Session, campaign: str, both: Sequence[UUID], days: Sequence[date]) -> None:
    """Neither side has a PK on these days. Raises ChallengeDaysTaken."""
    taken = CampaignChallengeDay
    query = select(taken.day).where(taken.campaign == campaign, taken.side_id.in_(both), taken.day.in_(days)).limit(1)
    if tx.scalar(query) is not None:
        raise ChallengeDaysTaken


def written(row: CampaignChallenge | Any) -> Written:
    """What of a row its state depends on."""
    return Written(*(getattr(row, name) for name in Written._fields))
