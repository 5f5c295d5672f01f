"""When a change of what acts earn may begin to count: on a day behind its announcement, never backwards."""

from datetime import date, datetime, timedelta

from backend.points.errors import RuleTooLate
from backend.points.policy import announced_on


def require_later(begins: date, now: datetime) -> None:
    """RuleTooLate unless what is announced now begins on a later day."""
    if begins <= announced_on(now):
        raise RuleTooLate(earliest=announced_on(now) + timedelta(days=1))


def require_not_past(last_day: date, now: datetime) -> None:
    """RuleTooLate where what is announced now to end then should have ended already."""
    if last_day < announced_on(now):
        raise RuleTooLate(earliest=announced_on(now))
