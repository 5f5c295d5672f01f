"""Boards of persons in Redis: the same places as in the database, found without counting.

Every board is a sorted set; one number says how much somebody has and when they reached it, so that the order is the
order of the board, participants' ids last. It never answers with what it cannot vouch for: the boards of a campaign
belong to a position in what was announced, and to a moment; without either, long after it, or when the sizes of its
parts are not what they were, the database is asked.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.orm import Session, sessionmaker

from backend.campaigns.boards.interfaces import Asked, Entry, Page, Standing, ranked
from backend.campaigns.policy import PERIOD_KINDS, PERSON, display_name, periods_of
from backend.campaigns.reading import CampaignView

#: A score takes 28 bits and the second it was reached 25: together what a sorted set counts with exactly.
SECOND_BITS, SCORE_BITS = 25, 28
_LAST_SECOND = (1 << SECOND_BITS) - 1
SCRIPTS = Path(__file__).parent
#: How old boards may be that were not told they are up to date.
STALE_AFTER = timedelta(seconds=15)
#: How long Redis is left alone after it did not answer, and how long an answer may take.
PAUSE_SECONDS, PATIENCE_SECONDS = 2.0, 0.5

log = structlog.get_logger(__name__)


class TooLarge(Exception):
    """A score that no sorted set can hold exactly: such a campaign stays in the database."""


def encode(score: int, second: int) -> int:
    """The number a place is sorted by, the best first. Raises TooLarge."""
    if score >> SCORE_BITS or second >> SECOND_BITS:
        raise TooLarge
    return -((score << SECOND_BITS) + _LAST_SECOND - second)


def score_in(number: str) -> int:
    """The score in a number that `encode` made."""
    return -int(float(number)) >> SECOND_BITS


def periods(campaign: CampaignView) -> dict[str, str]:
    """Every period of the campaign, and which kind it is of."""
    return {period: kind for day in campaign.days for kind, period in zip(PERIOD_KINDS, periods_of(day), strict=True)}


def boards_of(campaign: CampaignView) -> list[tuple[str, str]]:
    """(period, measure) of every board of persons that the campaign has."""
    wanted = {(board.measure, board.period_kind) for board in campaign.terms.boards if board.subject == PERSON}
    return [
        (period, measure)
        for period, kind in periods(campaign).items()
        for measure, board_kind in sorted(wanted)
        if board_kind == kind
    ]


class Keys:
    """What the parts of a campaign's boards are called."""

    def __init__(self, campaign: str, copy: str = "") -> None:
        self._prefix = f"board:{{{campaign}}}:{copy}"
        self.state, self.who, self.names = (f"{self._prefix}{name}" for name in ("state", "who", "names"))

    def places(self, period: str, measure: str) -> str:
        """The sorted set of a board."""
        return f"{self._prefix}{period}:{measure}"

    def hidden(self, period: str, measure: str) -> str:
        """The scores of those who are not on it."""
        return f"{self._prefix}{period}:{measure}:hidden"

    def parts(self, campaign: CampaignView) -> Iterator[str]:
        """Everything but the state."""
        yield from (self.who, self.names)
        for period, measure in boards_of(campaign):
            yield from (self.places(period, measure), self.hidden(period, measure))


class Accelerator:
    """Redis, and the database it is filled from."""

    def __init__(self, url: str, sessions: sessionmaker[Session]) -> None:
        patience = {"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS}
        self.redis: Any = redis.Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0), **patience)
        self.sessions = sessions
        #: Campaigns whose scores are too large for it.
        self.unfit: set[str] = set()
        self.read_script, self.apply_script, self.show_script = (
            self.redis.register_script((SCRIPTS / f"{name}.lua").read_text("utf-8"))
            for name in ("read", "apply", "show")
        )
        self._silent_until = 0.0

    def read(self, asked: Asked) -> Page | None:
        """The page; None where Redis cannot vouch for it or does not answer."""
        if monotonic() < self._silent_until:
            return None
        keys, board = Keys(asked.campaign.code), (asked.period, asked.board.measure)
        holder = asked.viewer.hex if asked.viewer is not None else ""
        try:
            found = self.read_script(
                keys=(keys.state, keys.places(*board), keys.hidden(*board), keys.who, keys.names),
                args=(holder, int(asked.around), asked.limit),
            )
        except redis.RedisError as error:
            self._silent_until = monotonic() + PAUSE_SECONDS
            log.warning("boards_without_redis", error=type(error).__name__)
            return None
        if not found or abs(asked.now.timestamp() - float(found[0])) > STALE_AFTER.total_seconds():
            return None
        return _page(found)


def _page(found: list[Any]) -> Page:
    _, as_of, people, id, listed, mine, above, nearest, first, first_rank, rows, names = found
    ids, scores = rows[::2], [score_in(number) for number in rows[1::2]]
    known = names or [None] * len(ids)
    ranks = ranked(scores, first, first_rank)
    entries = [
        Entry(id, rank, score, name if name is not None else display_name(id, None, False))
        for id, rank, score, name in zip(ids, ranks, scores, known, strict=True)
    ]
    me = None
    if id:
        score = score_in(mine) if mine else 0
        missing = score_in(nearest) - score if nearest else None
        me = Standing(id, listed == "1", score, above + 1 if mine else None, missing)
    return Page(datetime.fromtimestamp(float(as_of), UTC), people, entries, me)
