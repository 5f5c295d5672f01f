"""Boards of persons from the database: the truth, without anything kept for it but counts by bucket.

The order on a board: the higher score first, of equals who reached it first, then by the participant's id. A rank is
one more than there are better ones; they are counted by buckets, and one by one only within the viewer's own bucket.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, desc, func, literal, select, tuple_
from sqlalchemy.orm import Session, sessionmaker

from backend import database, identity
from backend.campaigns.boards.interfaces import Asked, Entry, Page, Standing, ranked, window
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import PERSON, bucket_of, display_name, most_in_bucket
from backend.campaigns.scoring.following import NAME as FOLLOWER
from backend.campaigns.scoring.models import CampaignBucket, CampaignFollower, CampaignScore
from backend.outbox import OutboxRow

#: Before every participant of equal score: where somebody who is not listed would stand among them.
FIRST = UUID(int=0)


class Own(NamedTuple):
    """The viewer's own place: `score` is None before their first act of the period."""

    participant_id: UUID
    listed: bool
    score: int | None
    reached: int

    @property
    def key(self) -> tuple[int, int, UUID]:
        """Where they stand in the order of the board; behind everybody without a score."""
        if self.score is None:
            return -1, 0, FIRST
        return self.score, self.reached, self.participant_id if self.listed else FIRST


class SqlPlaces:
    """Places as the database has them: always an answer, all of one moment."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def read(self, asked: Asked) -> Page:
        """The page."""
        with database.reading(self._sessions, one_moment=True) as tx:
            return read(tx, asked)


def read(tx: Session, asked: Asked) -> Page:
    """The page, in a transaction of the caller's that reads one moment."""
    people = _people(tx, asked)
    own = own_place(tx, asked) if asked.viewer is not None else None
    if asked.around and own is not None:
        entries = _around(tx, asked, own, people)
    else:
        rows = tx.execute(_ordered(asked).limit(asked.limit)).all()
        entries = _entries(rows, 1, 1)
    return Page(counted_until(tx, asked.now), people, entries, standing(tx, asked, own))


def counted_until(tx: Session, now: datetime) -> datetime:
    """Of when the newest announcement is that scores are made of; now, when none was followed."""
    followed = select(OutboxRow.announced_at).join(CampaignFollower, CampaignFollower.position == OutboxRow.position)
    return tx.scalar(followed.where(CampaignFollower.name == FOLLOWER)) or now


def better(tx: Session, campaign: str, period: str, measure: str, score: int) -> int:
    """How many listed participants have a higher score."""
    bucket = bucket_of(score)
    counted = CampaignBucket
    above = select(func.coalesce(func.sum(counted.people), 0)).where(
        *(counted.campaign == campaign, counted.period == period, counted.measure == measure, counted.bucket > bucket)
    )
    worth = _column(measure)
    within = select(func.count()).where(
        *(CampaignScore.campaign == campaign, CampaignScore.period == period, CampaignScore.listed),
        *(worth > score, worth <= most_in_bucket(bucket)),
    )
    return int(tx.scalar(select(above.scalar_subquery() + within.scalar_subquery())) or 0)


def own_place(tx: Session, asked: Asked) -> Own | None:
    """The viewer's place; None when they do not take part."""
    measure = asked.board.measure
    who, score = CampaignParticipant, CampaignScore
    same = (score.holder_id == who.holder_id) & (score.campaign == who.campaign) & (score.period == asked.period)
    query = (
        select(who.id, who.kind, who.shown, score.listed, _column(measure), _reached(measure).label("reached"))
        .outerjoin_from(who, score, same)
        .where(who.holder_id == asked.viewer, who.campaign == asked.campaign.code, who.left_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    if row.listed is None:
        minors = identity.minors_among(tx, {asked.viewer}, now=asked.now) if asked.viewer else set()
        return Own(row.id, row.shown and row.kind == PERSON and not minors, None, 0)
    return Own(row.id, row.listed, getattr(row, measure), row.reached)


def standing(tx: Session, asked: Asked, own: Own | None) -> Standing | None:
    """How the viewer stands on the whole board."""
    if own is None:
        return None
    worth, score = _column(asked.board.measure), own.score or 0
    nearest = tx.scalar(_places(asked, worth).where(worth > score).order_by(worth).limit(1))
    rank = None if own.score is None else 1 + _better(tx, asked, score)
    missing = None if nearest is None else nearest - score
    return Standing(str(own.participant_id), own.listed, score, rank, missing)


def named(asked: Asked) -> Select[Any]:
    """The scores of a board with the names of their participants, in no order."""
    score, who = CampaignScore, CampaignParticipant
    measure = asked.board.measure
    query = _places(
        asked, score.participant_id, _column(measure).label("worth"), _reached(measure), who.name, who.name_passed
    )
    return query.outerjoin_from(score, who, (who.campaign == score.campaign) & (who.id == score.participant_id))


def in_order(query: Select[Any], asked: Asked) -> Select[Any]:
    """In the order of the board."""
    measure = asked.board.measure
    return query.order_by(desc(_column(measure)), _reached(measure), CampaignScore.participant_id)


def _ordered(asked: Asked) -> Select[Any]:
    return in_order(named(asked), asked)


def _around(tx: Session, asked: Asked, own: Own, people: int) -> list[Entry]:
    score, reached, id = own.key
    measure = asked.board.measure
    worth, at = _column(measure), _reached(measure)
    place, mine = tuple_(at, CampaignScore.participant_id), tuple_(literal(reached), literal(id, Uuid()))
    query, last = named(asked), (desc(at), desc(CampaignScore.participant_id))
    before = tx.execute(query.where(worth == score, place < mine).order_by(*last).limit(asked.limit)).all()
    if more := asked.limit - len(before):
        before = [*before, *tx.execute(query.where(worth > score).order_by(worth, *last).limit(more))]
    after = tx.execute(in_order(query.where(worth == score, place >= mine), asked).limit(asked.limit + 1)).all()
    if (more := asked.limit + 1 - len(after)) > 0:
        after = [*after, *tx.execute(in_order(query.where(worth < score), asked).limit(more))]
    equal_before = tx.scalar(_places(asked, func.count()).where(worth == score, place < mine)) or 0
    position = 1 + _better(tx, asked, score) + equal_before
    first, last_place = window(position, people, asked.limit)
    begins = position - len(before)
    rows = [*reversed(before), *after][first - begins : last_place - begins + 1]
    first_rank = 1 + _better(tx, asked, rows[0].worth) if rows else 1
    return _entries(rows, first, first_rank)


def _entries(rows: Sequence[Row[Any]], first_position: int, first_rank: int) -> list[Entry]:
    ranks = ranked([row.worth for row in rows], first_position, first_rank)
    return [
        Entry(
            str(row.participant_id), rank, row.worth, display_name(row.participant_id, row.name, bool(row.name_passed))
        )
        for rank, row in zip(ranks, rows, strict=True)
    ]


def _people(tx: Session, asked: Asked) -> int:
    """How many have a place."""
    return _better(tx, asked, -1)


def _better(tx: Session, asked: Asked, score: int) -> int:
    return better(tx, asked.campaign.code, asked.period, asked.board.measure, score)


def _places(asked: Asked, *columns: Any) -> Select[Any]:
    score = CampaignScore
    return select(*columns).where(score.campaign == asked.campaign.code, score.period == asked.period, score.listed)


def _column(measure: str) -> Any:
    return getattr(CampaignScore, measure)


def _reached(measure: str) -> Any:
    return getattr(CampaignScore, f"{measure}_at")
