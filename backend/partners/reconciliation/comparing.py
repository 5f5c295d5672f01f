"""One comparison of one day: take the list in, go through it and through our events, and write down what differs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import transaction
from backend.partners.errors import DayClosed, UnknownPartner
from backend.partners.models import InboxEvent, Partner
from backend.partners.reconciliation import matching
from backend.partners.reconciliation.days import (
    BUSY_FOR,
    CLOSED,
    OPEN_DAY,
    DayView,
    begin_day,
    claim,
    day_view,
    hold_day,
    keep_claim,
)
from backend.partners.reconciliation.loading import finish_list, take_list
from backend.partners.reconciliation.matching import Page
from backend.partners.reconciliation.models import PartnerList
from backend.partners.reconciliation.recording import record, resolve_unseen

#: Opens a progress bar of this name and length; what it gives is told how far we are.
Bars = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
_Cursor = tuple[Any, Any] | None


@contextmanager
def no_bars(_name: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Nobody is watching."""
    yield lambda _done: None


@dataclass(frozen=True, slots=True)
class _Run:
    """A comparison under way. `begun_at`: what reached us later cannot be missed in the list, which we had by then."""

    sessions: sessionmaker[Session]
    bars: Bars
    partner: str
    day: date
    number: int
    now: datetime
    list_id: UUID
    begun_at: datetime


def reconcile(
    sessions: sessionmaker[Session],
    partner: str,
    day: date,
    *,
    file: BinaryIO | None = None,
    source: str = "file",
    bars: Bars = no_bars,
) -> DayView:
    """Compare a day, with a new list where a file is given, else with the one that is there; returns how it stands.

    It can be done again at any time: what is gone resolves, what stays keeps its age. A closed day takes no list, and
    only what came since then is looked at. Raises UnknownPartner, DayNotOver, DayClosed, ReconciliationRunning,
    InvalidList.
    """
    with transaction(sessions) as tx:
        if tx.get(Partner, partner) is None:
            raise UnknownPartner(partner)
        held = begin_day(tx, partner, day)
        closed_at = held.closed_at if held.state == CLOSED else None
        if closed_at is None:
            claim(tx, held, now=clock.now())
        elif file is not None:
            raise DayClosed(partner=partner, day=day.isoformat())
    if closed_at is not None:
        _look_for_late(sessions, partner, day, closed_at)
    else:
        _compare_open_day(sessions, partner, day, file, source, bars)
    with transaction(sessions) as tx:
        return day_view(tx, partner, day)


def hand_in(sessions: sessionmaker[Session], partner: str, day: date, file: BinaryIO, *, source: str) -> DayView:
    """Take a list in without comparing: the next daily round does that. Raises what `reconcile` raises."""
    with transaction(sessions) as tx:
        held = begin_day(tx, partner, day)
        if held.state == CLOSED:
            raise DayClosed(partner=partner, day=day.isoformat())
        claim(tx, held, now=clock.now())
    with _claimed(sessions, partner, day):
        _take_in(sessions, partner, day, file, source, no_bars)
    with transaction(sessions) as tx:
        return day_view(tx, partner, day)


@contextmanager
def _claimed(sessions: sessionmaker[Session], partner: str, day: date) -> Iterator[None]:
    """The claim on the day is given back, whatever happens."""
    try:
        yield
    finally:
        with transaction(sessions) as tx:
            keep_claim(tx, partner, day, until=clock.now())


def _compare_open_day(
    sessions: sessionmaker[Session], partner: str, day: date, file: BinaryIO | None, source: str, bars: Bars
) -> None:
    with _claimed(sessions, partner, day):
        if file is not None:
            _take_in(sessions, partner, day, file, source, bars)
        run = _begin_run(sessions, partner, day, bars)
        if run is not None:
            _go_through(run)


def _take_in(sessions: sessionmaker[Session], partner: str, day: date, file: BinaryIO, source: str, bars: Bars) -> None:
    """Read the list and let the day name it."""
    size_bytes = file.seek(0, 2)
    with bars("清单 list, bytes", size_bytes) as show:

        def on_batch(read_bytes: int) -> None:
            show(read_bytes)
            with transaction(sessions) as tx:
                keep_claim(tx, partner, day, until=clock.now() + BUSY_FOR)

        taken = take_list(sessions, partner, day, file, source=source, now=clock.now(), on_batch=on_batch)
    with transaction(sessions) as tx:
        held = hold_day(tx, partner, day)
        finish_list(tx, taken, now=clock.now())
        held.state, held.list_id, held.last_error = OPEN_DAY, taken.id, None
        held.reconciled_at = None  # until it is compared with this list


def _begin_run(sessions: sessionmaker[Session], partner: str, day: date, bars: Bars) -> _Run | None:
    """The next run; None while there is no list."""
    with transaction(sessions) as tx:
        held = hold_day(tx, partner, day)
        if held.list_id is None:
            return None
        held.run += 1
        begun_at = tx.scalars(select(PartnerList.begun_at).where(PartnerList.id == held.list_id)).one()
        return _Run(sessions, bars, partner, day, held.run, clock.now(), held.list_id, begun_at)


def _go_through(run: _Run) -> None:
    named = (run.partner, run.day, run.list_id)
    with transaction(run.sessions) as tx:
        listed = tx.scalars(select(PartnerList.rows).where(PartnerList.id == run.list_id)).one()
        of_day = (InboxEvent.partner == run.partner, InboxEvent.day == run.day)
        events = tx.scalars(select(func.count()).select_from(InboxEvent).where(*of_day)).one()
    _pages(run, "对方清单 their rows", listed, lambda tx, after: matching.compare_list(tx, *named, after))
    _pages(
        run,
        "我方事件 our events",
        events,
        lambda tx, after: matching.compare_events(tx, *named, run.begun_at, after),
    )
    with transaction(run.sessions) as tx:
        resolve_unseen(tx, run.partner, run.day, run=run.number)
        hold_day(tx, run.partner, run.day).reconciled_at = run.now


def _pages(run: _Run, name: str, total: int, compare: Callable[[Session, _Cursor], Page]) -> None:
    """Every page in a transaction of its own, so that nothing waits for the whole."""
    with run.bars(name, total) as show:
        done, after, more = 0, None, True
        while more:
            with transaction(run.sessions) as tx:
                page = compare(tx, after)
                record(tx, run.partner, run.day, page.found, run=run.number, now=run.now)
                keep_claim(tx, run.partner, run.day, until=clock.now() + BUSY_FOR)
            done, after = done + page.count, page.cursor
            more = after is not None
            show(done)


def _look_for_late(sessions: sessionmaker[Session], partner: str, day: date, closed_at: datetime) -> None:
    """Events that came after their day was closed."""
    after: _Cursor = None
    while True:
        with transaction(sessions) as tx:
            page = matching.compare_late(tx, partner, day, closed_at, after)
            number = hold_day(tx, partner, day).run
            record(tx, partner, day, page.found, run=number, now=clock.now())
        after = page.cursor
        if after is None:
            return
