"""When a warning is due, when it may go out, and when its time is over. Pure."""

from datetime import date, datetime, time, timedelta

from backend import clock
from backend.member_messages.models import DISTANCES

FARTHEST, NEAREST = max(DISTANCES), min(DISTANCES)
#: Nobody is disturbed before nine and from nine in the evening on, Shanghai time.
OPENS, CLOSES = time(9), time(21)
#: How long a message is somebody's to send: longer than any call may take, the renewal of an access token included.
CLAIM = timedelta(minutes=2)
#: So often a message is tried that WeChat refuses for reasons of its own.
MOST_ATTEMPTS = 6
#: How long after each failed attempt a message is tried again; the last one from then on.
_BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


def distance(lapses_on: date, today: date) -> int | None:
    """Which warning is due today about points that are gone from `lapses_on` on: 30 or 7 days ahead, None for none.

    Up to the seventh day before it is the one of 30 days, from then on only that of 7: whoever could not be warned in
    time is warned late, but never twice at once.
    """
    ahead = (lapses_on - today).days
    if not 0 < ahead <= FARTHEST:
        return None
    return NEAREST if ahead <= NEAREST else FARTHEST


def outdated(lapses_on: date, days_ahead: int, today: date) -> bool:
    """Whether the time of a warning is over: the points are gone, or the next warning has taken its place."""
    return distance(lapses_on, today) != days_ahead


def last_day(lapses_on: date) -> date:
    """The last day on which points can be used that are gone from `lapses_on` on: what members are told."""
    return lapses_on - timedelta(days=1)


def may_disturb(now: datetime) -> bool:
    """Whether it is day for a member's phone."""
    return OPENS <= now.astimezone(clock.SHANGHAI).time() < CLOSES


def next_attempt(attempts: int, now: datetime) -> datetime:
    """When a message that has failed so many times is tried again."""
    return now + _BACKOFF[min(attempts, len(_BACKOFF)) - 1]


def opened(now: datetime) -> datetime:
    """When messages may first be sent on the Shanghai day of this instant."""
    return datetime.combine(clock.day_of(now), OPENS, tzinfo=clock.SHANGHAI)
