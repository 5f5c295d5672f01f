"""What boards are read from in this process, and what of campaigns may be a few seconds old."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from backend import database
from backend.campaigns import reading
from backend.campaigns.boards import groups
from backend.campaigns.boards.final import FinalPlaces
from backend.campaigns.boards.groups import GroupPlaces
from backend.campaigns.boards.interfaces import Asked, Page
from backend.campaigns.boards.redis import Accelerator
from backend.campaigns.boards.sql import SqlPlaces
from backend.campaigns.interfaces import ClassHeads
from backend.campaigns.policy import ALL, CLOSING, FINAL, RUNNING
from backend.campaigns.reading import CampaignView

#: For how long a campaign and the places of its groups are not read again: both are asked about with every page, and
#: are the same for everybody.
KEPT = timedelta(seconds=2)
#: So many boards of groups are kept at a time; for more, those before are let go.
MOST_KEPT = 500


def sources(
    redis_url: str | None, sessions: sessionmaker[Session], *, class_heads: ClassHeads | None = None
) -> "Sources":
    """The database, and Redis where there is one. `class_heads` tells of classes; without it they have no places."""
    return Sources(sessions, accelerator(redis_url, sessions), class_heads)


def accelerator(redis_url: str | None, sessions: sessionmaker[Session]) -> Accelerator | None:
    """Redis as an accelerator of boards; None where there is none."""
    return Accelerator(redis_url, sessions) if redis_url else None


@dataclass(frozen=True, slots=True)
class Sources:
    """The database, and what answers in its place where it can."""

    sessions: sessionmaker[Session]
    accelerator: Accelerator | None = None
    class_heads: ClassHeads | None = None
    _campaigns: dict[str, tuple[datetime, CampaignView]] = field(default_factory=dict)
    _groups: dict[tuple[str, str, str, bool], tuple[datetime, GroupPlaces]] = field(default_factory=dict)

    def campaign(self, code: str, *, now: datetime) -> CampaignView:
        """The announced campaign of this code, at most two seconds old. Raises CampaignNotFound."""
        read_at, found = self._campaigns.get(code, (None, None))
        if read_at is None or found is None or not read_at <= now < read_at + KEPT:
            with database.reading(self.sessions) as tx:
                found = reading.campaign(tx, code, now=now)
            self._campaigns[code] = now, found
        return found

    def read(self, asked: Asked) -> Page:
        """The page, from whoever can vouch for it. A result that is final never comes from an accelerator.

        Whom the accelerator does not know may have joined just now.
        """
        state = asked.campaign.state(asked.now)
        if state == FINAL and asked.period == ALL and (frozen := FinalPlaces(self.sessions).read(asked)):
            return frozen
        if self.accelerator is not None and state in (RUNNING, CLOSING):
            found = self.accelerator.read(asked)
            if found is not None and (found.me is not None or asked.viewer is None):
                return found
        return SqlPlaces(self.sessions).read(asked)

    def groups(self, asked: Asked) -> GroupPlaces:
        """The places of the board's groups, at most two seconds old, from the database."""
        key = asked.campaign.code, asked.board.name, asked.period, asked.campaign.final_at is not None
        read_at, found = self._groups.get(key, (None, None))
        if read_at is None or found is None or not read_at <= asked.now < read_at + KEPT:
            with database.reading(self.sessions, one_moment=True) as tx:
                found = groups.places(tx, asked, self.class_heads)
            if len(self._groups) >= MOST_KEPT:
                self._groups.clear()
            self._groups[key] = asked.now, found
        return found
