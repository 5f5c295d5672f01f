"""What a screen shows: the campaign, what those who show themselves came to together, and the tops of its boards.

Only who is listed stands in it and counts in its sums: a sum of everybody less the entries of a board would tell
what somebody came to who does not want to be seen.
"""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from threading import Lock
from time import monotonic
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, database
from backend.bilingual import halves
from backend.campaigns import boards, reading
from backend.campaigns.boards import Sources
from backend.campaigns.errors import BoardNotFound
from backend.campaigns.policy import ALL, ANNOUNCED, CANCELLED, SMALLEST_GROUP
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.models import CampaignScore

#: How many boards a screen shows, one after the other, and how many entries of each.
MOST_BOARDS, ENTRIES = 12, 10
#: For how many seconds the screens of one process share a picture, and the sums in it.
PICTURE_S, SUMS_S = 4.0, 30.0
_SHOWN = ("name", "title", "rank", "score", "people")


@dataclass(slots=True)
class _Kept:
    """What is kept of a campaign, and since when; the lock lets one screen read for all of them."""

    lock: Lock = field(default_factory=Lock)
    picture: dict[str, Any] | None = None
    read_at: float = 0.0
    sums: dict[str, int] | None = None
    summed_at: float | None = None


class Pictures:
    """The pictures of this process: four screens that hang side by side ask the database once."""

    def __init__(self, sessions: sessionmaker[Session], sources: Sources) -> None:
        self._sessions, self._sources = sessions, sources
        self._kept: dict[str, _Kept] = {}

    def of(self, code: str) -> dict[str, Any]:
        """The picture of a campaign, at most four seconds old. Raises CampaignNotFound."""
        kept = self._kept.setdefault(code, _Kept())
        with kept.lock:
            if kept.picture is None or monotonic() >= kept.read_at + PICTURE_S:
                kept.picture, kept.read_at = self._read(code, kept, clock.now()), monotonic()
            return kept.picture

    def _read(self, code: str, kept: _Kept, now: datetime) -> dict[str, Any]:
        with database.reading(self._sessions) as tx:
            campaign = reading.campaign(tx, code, now=now)
            if kept.summed_at is None or monotonic() >= kept.summed_at + SUMS_S:
                kept.sums, kept.summed_at = _sums(tx, campaign), monotonic()
        instants = ("starts_at", "ends_at", "closes_at", "final_at")
        told = {name: getattr(campaign, name) and clock.iso(getattr(campaign, name)) for name in instants}
        return {
            "campaign": campaign.code,
            "title": halves(campaign.title),
            "state": campaign.state(now),
            **told,
            "sums": kept.sums,
            "boards": self._boards(campaign, now),
        }

    def _boards(self, campaign: CampaignView, now: datetime) -> list[dict[str, Any]]:
        if campaign.state(now) in (ANNOUNCED, CANCELLED):
            return []
        shown = (self._board(campaign, board.name, now) for board in campaign.terms.boards)
        return list(islice((board for board in shown if board is not None), MOST_BOARDS))

    def _board(self, campaign: CampaignView, name: str, now: datetime) -> dict[str, Any] | None:
        """The top of a board; None for one that is not shown to anybody."""
        try:
            board = boards.board_of(campaign, name, now=now)
        except BoardNotFound:
            return None
        period = boards.period_asked(campaign, board, None, now=now)
        page = boards.page(self._sources, campaign, board, period, None, view=boards.TOP, limit=ENTRIES, now=now)
        entries = [{name: entry[name] for name in _SHOWN if name in entry} for entry in page["entries"]]
        return {"board": name, "subject": board.subject, "measure": board.measure, "period": period, "entries": entries}


def _sums(tx: Session, campaign: CampaignView) -> dict[str, int] | None:
    """What the listed participants came to in the whole campaign; None while they are too few."""
    row = CampaignScore
    query = select(func.count(), func.sum(row.grams), func.sum(row.acts)).where(
        row.campaign == campaign.code, row.period == ALL, row.listed.is_(True)
    )
    people, grams, acts = tx.execute(query).one()
    return {"people": people, "grams": int(grams), "acts": int(acts)} if people >= SMALLEST_GROUP else None
