"""The only place that knows what time it is.

Stored instants are UTC; a *day* is the calendar day in Asia/Shanghai, because that is the day members, partners and
factor tables mean.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day in Asia/Shanghai."""
    return day_of(now())


def day_of(instant: datetime) -> date:
    """The Asia/Shanghai calendar day an aware instant falls on."""
    return instant.astimezone(SHANGHAI).date()


def start_of(day: date) -> datetime:
    """The first instant of a Shanghai day, in UTC."""
    return datetime.combine(day, time.min, tzinfo=SHANGHAI).astimezone(UTC)


def start_of_day_after(day: date, days: int) -> datetime:
    """The first instant of the day that lies `days` days after `day`, in UTC."""
    return start_of(day + timedelta(days=days))


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant with an offset, as UTC; ValueError for anything else (naive, date only, odd digits)."""
    if not text.isascii() or "T" not in text.upper() or len(text) > 40:
        raise ValueError("not an RFC 3339 instant")
    instant = datetime.fromisoformat(text.upper())
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset such as +08:00 or Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant must lie between the years 1 and 9999") from None


def iso(instant: datetime) -> str:
    """How the API writes an instant: UTC, to the second, with Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
