"""Pages of boards, as the API answers them."""

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns.boards import among, groups
from backend.campaigns.boards.interfaces import AROUND, DEPARTMENT, FRIENDS, TOP, Asked, Page
from backend.campaigns.boards.sources import Sources
from backend.campaigns.errors import BoardNotFound, CampaignNotFound
from backend.campaigns.policy import CANCELLED, PERSON, Board
from backend.campaigns.reading import CampaignView
from backend.database import reading

#: Whom a view is about that shows no whole board.
_MANY: dict[str, Callable[[Session, Asked], Collection[UUID]]] = {
    DEPARTMENT: among.department,
    FRIENDS: among.friends_too,
}


def board_of(campaign: CampaignView, name: str, *, now: datetime) -> Board:
    """The board of this name. Raises BoardNotFound; a campaign that was cancelled has none."""
    board = campaign.board(name)
    if board is None or campaign.state(now) == CANCELLED:
        raise BoardNotFound(board=name[:80])
    return board


def period_asked(campaign: CampaignView, board: Board, day: date | None, *, now: datetime) -> str:
    """The board's period that a day lies in; without one, today's, or the nearest that the campaign has."""
    first, last = campaign.days[0], campaign.days[-1]
    return board.period_on(day or min(max(clock.day_of(now), first), last))


def page(
    sources: Sources,
    campaign: CampaignView,
    board: Board,
    period: str,
    viewer: UUID | None,
    *,
    view: str,
    limit: int,
    now: datetime,
) -> dict[str, Any]:
    """A page of a board, ready to be told. Raises CampaignNotFound for who is not in the campaign's programme."""
    asked = Asked(campaign, board, period, viewer, view == AROUND, limit, now)
    if board.subject != PERSON:
        return _told(asked, *_groups(sources, asked))
    if view in (TOP, AROUND):
        found = sources.read(asked)
    else:
        with reading(sources.sessions, one_moment=True) as tx:
            found = among.read(tx, asked, _MANY[view](tx, asked))
    if found.me is None and viewer is not None:
        _require_member(sources, campaign, viewer)
    return _told(asked, found.as_of, _persons(found))


def _groups(sources: Sources, asked: Asked) -> tuple[datetime, dict[str, Any]]:
    """Of when the board is, and its page."""
    found, mine = sources.groups(asked), None
    if asked.viewer is not None:
        with reading(sources.sessions) as tx:
            mine = groups.own_keys(tx, asked)
        if mine is None:
            _require_member(sources, asked.campaign, asked.viewer)
    return found.as_of, groups.told(asked, found, mine or set())


def _require_member(sources: Sources, campaign: CampaignView, viewer: UUID) -> None:
    with reading(sources.sessions) as tx:
        if campaign.programme not in {enrolment.programme for enrolment in identity.enrolments(tx, viewer)}:
            raise CampaignNotFound(campaign=campaign.code)


def _told(asked: Asked, as_of: datetime, page: dict[str, Any]) -> dict[str, Any]:
    return {
        "board": asked.board.name,
        "period": asked.period,
        "measure": asked.board.measure,
        "state": asked.campaign.state(asked.now),
        "as_of": clock.iso(as_of),
        **page,
    }


def _persons(found: Page) -> dict[str, Any]:
    me = found.me
    mine = me.participant_id if me is not None else None
    standing = (
        {"rank": me.rank, "score": me.score, "listed": me.listed, "missing_to_next": me.missing_to_next} if me else None
    )
    return {
        "participants": found.people,
        "entries": [
            {"participant_id": id, "name": name, "rank": rank, "score": score, "me": id == mine}
            for id, rank, score, name in found.entries
        ],
        "me": standing,
    }
