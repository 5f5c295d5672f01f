"""The board of a whole campaign once its result is frozen: from the result itself, and from nothing else."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, Uuid, desc, func, literal, select, tuple_
from sqlalchemy.orm import Session, sessionmaker

from backend import database
from backend.campaigns.boards.interfaces import Asked, Entry, Page, Standing, window
from backend.campaigns.boards.sql import FIRST
from backend.campaigns.closing.models import CampaignFinal, CampaignFinalScore
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import display_name

_TABLE = CampaignFinalScore.__table__.c


class FinalPlaces:
    """Places of a frozen result; no answer where there is none."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def read(self, asked: Asked) -> Page | None:
        """The page, of the whole campaign."""
        with database.reading(self._sessions, one_moment=True) as tx:
            final = tx.get(CampaignFinal, asked.campaign.code)
            if final is None:
                return None
            own = _own(tx, asked)
            rows = _around(tx, asked, own, final.listed) if asked.around and own is not None else _top(tx, asked)
            return Page(final.frozen_at, final.listed, [_entry(row) for row in rows], _standing(tx, asked, own))


def _own(tx: Session, asked: Asked) -> Row[Any] | None:
    """The viewer's row; None for who takes no part, without a score for who did nothing that counts."""
    who, measure = CampaignParticipant.__table__.c, asked.board.measure
    same = (_TABLE.holder_id == who.holder_id) & (_TABLE.campaign == who.campaign)
    mine = who.id, who.shown, _TABLE.listed, _TABLE[measure].label("worth"), _rank(asked).label("place")
    query: Select[Any] = select(*mine, _at(asked).label("reached")).outerjoin_from(
        CampaignParticipant.__table__, CampaignFinalScore.__table__, same
    )
    taking_part = who.holder_id == asked.viewer, who.campaign == asked.campaign.code, who.left_at.is_(None)
    return tx.execute(query.where(*taking_part)).one_or_none()


def _standing(tx: Session, asked: Asked, own: Row[Any] | None) -> Standing | None:
    if own is None:
        return None
    score, worth = own.worth or 0, _TABLE[asked.board.measure]
    above = [worth > 0] if own.place is None else [_rank(asked) < own.place]
    nearest = tx.scalar(_listed(asked, worth).where(*above).order_by(desc(_rank(asked))).limit(1))
    listed = own.shown if own.listed is None else own.listed
    return Standing(str(own.id), listed, score, own.place, None if nearest is None else nearest - score)


def _top(tx: Session, asked: Asked) -> Sequence[Row[Any]]:
    return tx.execute(_named(asked).order_by(*_order(asked)).limit(asked.limit)).all()


def _around(tx: Session, asked: Asked, own: Row[Any], people: int) -> Sequence[Row[Any]]:
    rank, limit = _rank(asked), asked.limit
    place = tuple_(rank, _at(asked), _TABLE.participant_id)
    if own.place is None:
        mine = tuple_(literal(people + 1), literal(0), literal(FIRST, Uuid()))
        position = people + 1
    else:
        mine = tuple_(literal(own.place), literal(own.reached), literal(own.id if own.listed else FIRST, Uuid()))
        equal_before = _listed(asked, func.count()).where(rank == own.place, place < mine)
        position = own.place + (tx.scalar(equal_before) or 0)
    last = tuple(desc(column) for column in _order(asked))
    before = tx.execute(_named(asked).where(place < mine).order_by(*last).limit(limit)).all()
    after = tx.execute(_named(asked).where(place >= mine).order_by(*_order(asked)).limit(limit + 1)).all()
    first, end = window(position, people, limit)
    begins = position - len(before)
    return [*reversed(before), *after][first - begins : end - begins + 1]


def _entry(row: Row[Any]) -> Entry:
    name = display_name(row.participant_id, row.name, bool(row.name_passed))
    return Entry(str(row.participant_id), row.place, row.worth, name)


def _named(asked: Asked) -> Select[Any]:
    who = CampaignParticipant.__table__
    same = (who.c.campaign == _TABLE.campaign) & (who.c.id == _TABLE.participant_id)
    worth, place = _TABLE[asked.board.measure].label("worth"), _rank(asked).label("place")
    query = _listed(asked, _TABLE.participant_id, worth, place, who.c.name, who.c.name_passed)
    return query.outerjoin_from(CampaignFinalScore.__table__, who, same)


def _listed(asked: Asked, *columns: Any) -> Select[Any]:
    query = select(*columns).select_from(CampaignFinalScore.__table__)
    return query.where(_TABLE.campaign == asked.campaign.code, _TABLE.listed)


def _order(asked: Asked) -> tuple[Any, ...]:
    return _rank(asked), _at(asked), _TABLE.participant_id


def _rank(asked: Asked) -> Any:
    return _TABLE[f"rank_{asked.board.measure}"]


def _at(asked: Asked) -> Any:
    return _TABLE[f"{asked.board.measure}_at"]
