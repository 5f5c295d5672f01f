"""Boards of groups: departments, classes, cities and teams, with the viewer's own group."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import ceil
from typing import Any

from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns import scoring
from backend.campaigns.boards.interfaces import Asked, window
from backend.campaigns.boards.sql import counted_until
from backend.campaigns.interfaces import ClassHeads
from backend.campaigns.policy import periods_of
from backend.campaigns.scoring import GroupStanding
from backend.campaigns.scoring.groups import keys_by_day

#: Groups that somebody acts for who is in none of them.
CLASS = "class"


@dataclass(frozen=True)
class GroupPlaces:
    """The groups of a board in their order, as of an instant; the same for every viewer."""

    as_of: datetime
    standings: Sequence[GroupStanding]

    @cached_property
    def position(self) -> dict[str, int]:
        """A group's key → its position; 0 is the first."""
        return {standing.key: position for position, standing in enumerate(self.standings)}


def places(tx: Session, asked: Asked, heads: ClassHeads | None) -> GroupPlaces:
    """The places of the board's groups. Once the campaign is final nothing moves their scores any more: they are as
    they were when it was frozen."""
    found = scoring.group_standings(tx, asked.campaign, asked.board, asked.period, heads=heads, now=asked.now)
    return GroupPlaces(asked.campaign.final_at or counted_until(tx, asked.now), found)


def own_keys(tx: Session, asked: Asked) -> set[str] | None:
    """The keys of groups of the board's kind that the viewer is counted for, or of the classes they act for: on the
    last day of the period so far, for who moves is counted for another group from then on. None for who takes no part.
    """
    viewer, campaign = asked.viewer, asked.campaign
    assert viewer is not None
    accounts = [viewer]
    if asked.board.subject == CLASS:
        accounts += identity.stewarded_accounts(tx, viewer, now=asked.now)
    people = scoring.participants_of(tx, campaign.code, accounts)
    joined = [holder_id for holder_id, row in people.items() if row.left_at is None]
    if not joined:
        return None
    days = [day for day in campaign.days if asked.period in periods_of(day)]
    day = max((day for day in days if day <= clock.day_of(asked.now)), default=campaign.days[0])
    found = keys_by_day(tx, campaign, people, [(holder_id, day) for holder_id in joined])
    return {key for keys in found.values() for kind, key in keys if kind == asked.board.subject}


def told(asked: Asked, found: GroupPlaces, mine: set[str]) -> dict[str, Any]:
    """The entries of a page, how many groups have a place, and how the viewer's own one stands: the best of several."""
    standings = found.standings
    own = min((found.position[key] for key in mine if key in found.position), default=None)
    first, last = 1, asked.limit
    if asked.around and own is not None:
        first, last = window(own + 1, len(standings), asked.limit)
    return {
        "participants": len(standings),
        "entries": [_entry(standing, standing.key in mine) for standing in standings[first - 1 : last]],
        "me": _own(standings, own) if own is not None else None,
    }


def _entry(standing: GroupStanding, mine: bool) -> dict[str, Any]:
    return {
        "group_id": str(standing.group_id),
        "title": standing.title,
        "rank": standing.rank,
        "score": standing.value,
        "people": int(standing.people),
        "mine": mine,
    }


def _own(standings: Sequence[GroupStanding], own: int) -> dict[str, Any]:
    mine = standings[own]
    better = (
        standings[mine.rank - 2] if mine.rank > 1 else None
    )  # of those before the ones that share this rank, the last
    missing = None if better is None else ceil(better.exact - mine.exact)
    return {"rank": mine.rank, "score": mine.value, "listed": True, "missing_to_next": missing}
