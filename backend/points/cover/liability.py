"""What a programme still owes in points: taken once a day, set by set, and kept.

A snapshot is the first of its Shanghai day and is never changed. Whoever asks reads it instead of summing
millions of lots; only an operator may ask for this very moment.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, identity, ledger
from backend.database import reading, transaction
from backend.lists import insert_rows
from backend.points.budgets.reading import budgets_of
from backend.points.cover.models import LiabilitySnapshot
from backend.points.cover.setting_aside import set_aside_on
from backend.points.models import Lot

MONTHS = 24
#: The rate is that of at least so many days, where there are so many.
RATE_DAYS = 28
#: How far back lots whose life is over say what share of points lapses.
HISTORY = timedelta(days=730)
#: What was posted as yesterday may commit a little after midnight.
SETTLED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Liability:
    """What a programme owes in points at `taken_at`. Whole points; None: nobody said, or it cannot be known yet.

    Outstanding are pending, available and reserved points; `debt` is what members owe, told apart. `funded` and `left`
    are those of the programme's own budget in force. `granted` points (less what was taken back) were issued in
    `granted_days` days. `expiring`: month → pending and available points whose last day it holds, `expiring_later`
    those behind it. Of `ended` points whose life is over, `lapsed` were never used.
    """

    programme: str
    day: date
    taken_at: datetime
    pending: int
    available: int
    reserved: int
    debt: int
    funded: int | None
    left: int | None
    granted: int
    granted_days: int
    expiring: Mapping[str, int]
    expiring_later: int
    ended: int
    lapsed: int
    fen_per_1000_points: int | None

    @property
    def outstanding(self) -> int:
        return self.pending + self.available + self.reserved

    @property
    def days_left(self) -> int | None:
        """For how many days what is left lasts at the rate of the last weeks."""
        if self.left is None or self.granted <= 0:
            return None
        return self.left * self.granted_days // self.granted

    @property
    def expected_lapse(self) -> int | None:
        """An estimate: how many of the pending and available points will never be used, if all goes on as it did."""
        return (self.pending + self.available) * self.lapsed // self.ended if self.ended else None

    @property
    def set_aside_fen(self) -> int | None:
        """What the issuer states to have set aside for what is outstanding, in fen, rounded up."""
        stated = self.fen_per_1000_points
        return None if stated is None else -(-self.outstanding * stated // 1000)


@dataclass(frozen=True, slots=True)
class _Lots:
    """What the lots of one programme come to, by the instant at which they lapse."""

    expires_at: datetime
    open: int
    amount: int
    expired: int


def newest_liability(tx: Session, programme: str) -> Liability | None:
    """The newest snapshot, or None before the first. Raises UnknownProgramme."""
    identity.require_programme(tx, programme)
    query = select(LiabilitySnapshot).where(LiabilitySnapshot.programme == programme)
    row = tx.scalar(query.order_by(LiabilitySnapshot.day.desc()).limit(1))
    if row is None:
        return None
    # What was written before a field was there says nothing of it: a field that is added needs a default.
    told = {name: value for name, value in json.loads(row.figures).items() if name in Liability.__dataclass_fields__}
    return Liability(programme, row.day, row.taken_at, **told)


def snapshot_liabilities(sessions: sessionmaker[Session], now: datetime) -> int:
    """Take today's snapshot of each programme that has none yet, each as of one moment. Returns how many were taken.

    However often it runs, and in how many processes: a programme has one snapshot a day.
    """
    day = clock.day_of(now)
    if now < clock.start_of(day) + SETTLED_AFTER:
        return 0
    with transaction(sessions) as tx:
        taken = set(tx.scalars(select(LiabilitySnapshot.programme).where(LiabilitySnapshot.day == day)))
        waiting = sorted(identity.programmes(tx).keys() - taken)
    if not waiting:
        return 0
    with reading(sessions, one_moment=True) as tx:
        rows = [_row(found, since) for found, since in _measured(tx, waiting, now)]
    with transaction(sessions) as tx:
        return len(insert_rows(tx, LiabilitySnapshot, rows, on_conflict=_KEY, returning=("programme",)))


_KEY = ("programme", "day")


def liability_now(tx: Session, programme: str, *, now: datetime) -> Liability:
    """As of this moment: sums over every lot, so it takes its time. Raises UnknownProgramme."""
    identity.require_programme(tx, programme)
    return _measured(tx, [programme], now)[0][0]


def _row(found: Liability, granted_since: tuple[int, date]) -> dict[str, Any]:
    figures = {
        name: getattr(found, name)
        for name in Liability.__dataclass_fields__
        if name not in ("programme", "day", "taken_at")
    }
    granted, since = granted_since
    return {
        "programme": found.programme,
        "day": found.day,
        "taken_at": found.taken_at,
        "granted": granted,
        "granted_since": since,
        "figures": json.dumps(figures, sort_keys=True, separators=(",", ":")),
    }


def _measured(tx: Session, programmes: Sequence[str], now: datetime) -> list[tuple[Liability, tuple[int, date]]]:
    """Each programme's liability, and what it granted since its last snapshot."""
    totals = ledger.programme_totals(tx, ("points.pending", "points.available", "points.reserved", "points.debt"))
    lots = _lots_by_end(tx, programmes, now)
    found = []
    for programme in programmes:
        since = _granted_since(tx, programme, now)
        balances = {name: totals.get((programme, f"points.{name}"), 0) for name in _ACCOUNTS}
        granted, days = _rate(tx, programme, since, clock.day_of(now))
        funded = _funded(tx, programme, clock.day_of(now))
        figures = {**balances, **funded, "granted": granted, "granted_days": days, **_by_end(lots[programme], now)}
        stated = set_aside_on(tx, programme, clock.day_of(now))
        item = Liability(programme, clock.day_of(now), now, **figures, fen_per_1000_points=stated)
        found.append((item, since))
    return found


_ACCOUNTS = ("pending", "available", "reserved", "debt")


def _lots_by_end(tx: Session, programmes: Sequence[str], now: datetime) -> dict[str, list[_Lots]]:
    """One pass over the lots, grouped by the instants at which they end: these are beginnings of days, so few."""
    stands = Lot.taken_back_at.is_(None)
    amount, expired = (case((stands, column), else_=0) for column in (Lot.amount, Lot.expired))
    query = (
        select(Lot.programme, Lot.expires_at, func.sum(Lot.remaining), func.sum(amount), func.sum(expired))
        .where(Lot.programme.in_(programmes), Lot.expires_at > now - HISTORY)
        .group_by(Lot.programme, Lot.expires_at)
    )
    found: dict[str, list[_Lots]] = {programme: [] for programme in programmes}
    for programme, expires_at, *sums in tx.execute(query):
        found[programme].append(_Lots(expires_at, *map(int, sums)))
    return found


def _by_end(lots: Sequence[_Lots], now: datetime) -> dict[str, Any]:
    """Points by the month that holds the last day on which they can be used; what is overdue lapses this month."""
    months = _months(clock.day_of(now))
    expiring, later = dict.fromkeys(months, 0), 0
    for item in lots:
        last = clock.day_of(max(item.expires_at - timedelta(microseconds=1), now))
        if (month := f"{last:%Y-%m}") in expiring:
            expiring[month] += item.open
        else:
            later += item.open
    over = [item for item in lots if item.expires_at <= now]
    ended, lapsed = sum(item.amount for item in over), sum(item.expired for item in over)
    return {"expiring": expiring, "expiring_later": later, "ended": ended, "lapsed": lapsed}


def _months(day: date) -> list[str]:
    first = day.year * 12 + day.month - 1
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, first + MONTHS)]


def _funded(tx: Session, programme: str, day: date) -> dict[str, int | None]:
    """The programme's own budget in force, of several the one that binds; None where it has none."""
    own = [item for item in budgets_of(tx, programme) if item.scope == "programme" and item.covers(day)]
    if not own:
        return {"funded": None, "left": None}
    binding = min(own, key=lambda item: (item.left, item.number))
    return {"funded": binding.total, "left": binding.left}


def _granted_since(tx: Session, programme: str, now: datetime) -> tuple[int, date]:
    """What was issued less what went back, and since which day: from the last snapshot to the beginning of today."""
    today = clock.day_of(now)
    query = select(func.max(LiabilitySnapshot.day)).where(LiabilitySnapshot.programme == programme)
    last = tx.scalar(query.where(LiabilitySnapshot.day <= today))
    since = last or today - timedelta(days=RATE_DAYS)
    issued = ledger.net_issued_points(tx, programme, since=clock.start_of(since), until=clock.start_of(today))
    if last is None:  # nothing was granted before a programme began
        since = clock.day_of(issued.first_at) if issued.first_at else today
    return issued.points, since


def _rate(tx: Session, programme: str, newest: tuple[int, date], today: date) -> tuple[int, int]:
    """Points granted, and in how many days: as many snapshots back as make up the days of a rate."""
    query = select(LiabilitySnapshot.granted, LiabilitySnapshot.granted_since, LiabilitySnapshot.day)
    query = query.where(LiabilitySnapshot.programme == programme, LiabilitySnapshot.day <= today)
    points, since = newest
    for row in tx.execute(query.order_by(LiabilitySnapshot.day.desc()).limit(RATE_DAYS + 1)):
        if (today - since).days >= RATE_DAYS:
            break
        points, since = points + row.granted, row.granted_since
    return points, (today - since).days
