"""Scores planted without acts, and who stands where by the plainest reckoning."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend import House, clock
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import bucket_of
from backend.campaigns.scoring.models import CampaignBucket, CampaignScore
from backend.identity.models import Holder
from backend.ids import new_id
from backend.lists import insert_rows
from tests.backend.campaigns.week import CODE


@dataclass
class Planted:
    holder_id: UUID
    id: UUID
    score: int
    at: int
    listed: bool = True
    name: str | None = None

    @property
    def key(self) -> tuple[int, int, UUID]:
        return -self.score, self.at, self.id if self.listed else UUID(int=0)


def plant(
    house: House, *scores: tuple[int, int], hidden: tuple[int, ...] = (), known: tuple[UUID, ...] = ()
) -> list[Planted]:
    """Participants with these (grams, second), over the whole campaign; `hidden`: numbers of those who hide.

    The first of them are the holders that are `known`.
    """
    holders = [*known, *(new_id() for _ in scores[len(known) :])]
    made = [
        Planted(holder, new_id(), score, at, number not in hidden)
        for number, (holder, (score, at)) in enumerate(zip(holders, scores, strict=True))
    ]
    now = clock.now()
    who = {"campaign": CODE, "takes_challenges": True, "name_passed": True, "city": None, "team_id": None}
    with house.transaction() as tx:
        insert_rows(tx, Holder, [{"id": id, "kind": "person", "created_at": now} for id in holders[len(known) :]])
        rows = [
            {"holder_id": p.holder_id, "id": p.id, "kind": "person", "shown": p.listed, "name": p.name}
            | who
            | {"joined_at": now, "left_at": None}
            for p in made
        ]
        insert_rows(tx, CampaignParticipant, rows)
        insert_rows(tx, CampaignScore, [_row(each) for each in made])
        counted = Counter(bucket_of(each.score) for each in made if each.listed)
        insert_rows(
            tx,
            CampaignBucket,
            [
                {"campaign": CODE, "period": "all", "measure": "grams", "bucket": bucket, "people": people}
                for bucket, people in sorted(counted.items())
            ],
        )
    return made


def _row(planted: Planted) -> dict[str, Any]:
    return {
        "holder_id": planted.holder_id,
        "campaign": CODE,
        "period": "all",
        "participant_id": planted.id,
        "grams": planted.score,
        "points": 0,
        "acts": 1,
        "grams_at": planted.at,
        "points_at": 0,
        "groups": None,
        "listed": planted.listed,
    }


def around(planted: list[Planted], me: Planted, limit: int) -> list[tuple[str, int, int]]:
    """(participant, rank, score) of the places around somebody, from the list of all."""
    board = sorted((p for p in planted if p.listed), key=lambda p: p.key)
    position = sum(p.key < me.key for p in board)
    first = max(0, position - limit // 2)
    last = min(len(board), first + limit)
    first = max(0, last - limit)
    return [(str(p.id), rank(planted, p), p.score) for p in board[first:last]]


def rank(planted: list[Planted], me: Planted) -> int:
    return 1 + sum(p.listed and p.score > me.score for p in planted)


def missing(planted: list[Planted], me: Planted) -> int | None:
    return min((p.score - me.score for p in planted if p.listed and p.score > me.score), default=None)

