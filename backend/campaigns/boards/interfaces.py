"""What a board of persons is read from: the database, or an accelerator that answers alike or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from backend.campaigns.policy import Board
from backend.campaigns.reading import CampaignView

#: Which part of a board is shown: its beginning, the places around the viewer, their department, their friends.
TOP, AROUND, DEPARTMENT, FRIENDS = "top", "around", "department", "friends"
VIEWS = (TOP, AROUND, DEPARTMENT, FRIENDS)
#: No page has more entries.
MOST_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of a board of persons in one period. `around`: the places around the viewer, not the first ones."""

    campaign: CampaignView
    board: Board
    period: str
    viewer: UUID | None
    around: bool
    limit: int
    now: datetime


class Entry(NamedTuple):
    """A place on a page. `name`: what others call them."""

    participant_id: str
    rank: int
    score: int
    name: str


class Standing(NamedTuple):
    """How the viewer stands. `rank`: also of who is not listed, the one they would have; None before their first act.

    `missing_to_next`: what they lack to reach the next better score; None where there is none.
    """

    participant_id: str
    listed: bool
    score: int
    rank: int | None
    missing_to_next: int | None


class Page(NamedTuple):
    """What was asked. `people`: how many have a place on this board. `as_of`: what was announced until then counts."""

    as_of: datetime
    people: int
    entries: Sequence[Entry]
    me: Standing | None


class Places(Protocol):
    """Where places are read from."""

    def read(self, asked: Asked) -> Page | None:
        """The page; None where this source cannot vouch for it."""
        ...


def ranked(scores: Sequence[int], first_position: int, first_rank: int) -> list[int]:
    """Standard competition ranks of scores that follow each other on a board, from this position (1 is the first)."""
    found: list[int] = []
    for place, score in enumerate(scores):
        same = place and scores[place - 1] == score
        found.append(found[-1] if same else first_position + place if place else first_rank)
    return found


def window(position: int, people: int, limit: int) -> tuple[int, int]:
    """The first and last of `limit` places around a position (1 is the first), of so many people."""
    first = max(1, position - limit // 2)
    last = min(people, first + limit - 1)
    return max(1, last - limit + 1), last
