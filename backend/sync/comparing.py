"""Comparing a mirroring platform's balances with ours: a page at a time, asked outside of any transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import transaction
from backend.ids import new_id
from backend.lists import insert_rows
from backend.safe_http import AddressRefused, OutsideUnavailable
from backend.sync.destinations import MIRRORS
from backend.sync.differing import compare_page
from backend.sync.errors import NoMirror
from backend.sync.interfaces import Page, Target
from backend.sync.models import Comparison, Destination
from backend.sync.registry import keys_at, require
from backend.vault import Vault

#: Holders asked for at once.
PAGE = 200
CLAIM = timedelta(seconds=60)
#: A question that fails is asked again after this long, so many times.
PATIENCE, MOST_FAILURES = timedelta(minutes=10), 10
#: How long after its beginning a comparison is followed by the next one. Less than a day, so that none is left out.
RHYTHM = timedelta(hours=23)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Question:
    comparison: UUID
    kind: str
    target: Target
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """How far a comparison is; `error` says why it ended early."""

    begun_at: datetime
    finished_at: datetime | None
    accounts: int
    differing: int
    error: str | None


def begin_comparisons(tx: Session, *, now: datetime) -> int:
    """Begin the daily comparison with every mirroring platform whose last one lies back long enough."""
    recent = select(Comparison.id).where(Comparison.destination == Destination.code, Comparison.begun_at > now - RHYTHM)
    query = select(Destination.code).where(Destination.active, Destination.kind.in_(MIRRORS), ~recent.exists())
    return sum(_begin(tx, code, now=now) for code in tx.scalars(query.order_by(Destination.code)).all())


def begin_comparison(tx: Session, code: str, *, now: datetime) -> None:
    """Begin a comparison now, or go on with the one under way. Raises UnknownDestination, NoMirror."""
    if require(tx, code).kind not in MIRRORS:
        raise NoMirror(destination=code, kinds=sorted(MIRRORS))
    _begin(tx, code, now=now)


def _begin(tx: Session, code: str, *, now: datetime) -> int:
    standing = select(Comparison).where(Comparison.destination == code, Comparison.finished_at.is_(None))
    under_way = tx.scalar(standing.with_for_update())
    if under_way is not None:
        under_way.next_attempt_at = now
        return 0
    counts = {"accounts": 0, "differing": 0, "failures": 0}
    row = {"id": new_id(), "destination": code, "begun_at": now, "next_attempt_at": now, "claimed_until": now}
    insert_rows(tx, Comparison, [row | counts])
    return 1


def newest_comparison(tx: Session, code: str) -> ComparisonView | None:
    """The comparison under way or finished last; None when there never was one."""
    query = select(Comparison).where(Comparison.destination == code).order_by(Comparison.begun_at.desc()).limit(1)
    row = tx.scalar(query)
    if row is None:
        return None
    return ComparisonView(row.begun_at, row.finished_at, row.accounts, row.differing, row.error)


def compare_step(
    sessions: sessionmaker[Session], vault: Vault, code: str, *, allowed_hosts: Collection[str] = ()
) -> int:
    """Ask for one page and compare it. Returns 0 when there is nothing to ask now, or another one is at it."""
    with transaction(sessions) as tx:
        question = _claim(tx, vault, code, allowed_hosts, now=clock.now())
    if question is None:
        return 0
    answer: Page | str
    try:
        mirror = MIRRORS[question.kind]
        answer = mirror.accounts_after(question.target, question.cursor, limit=PAGE, now=clock.now())
    except OutsideUnavailable as failure:
        answer = failure.reason
    except AddressRefused as refusal:
        answer = refusal.code
    with transaction(sessions) as tx:
        _note(tx, code, question, answer, now=clock.now())
    return 1


def _claim(tx: Session, vault: Vault, code: str, allowed_hosts: Collection[str], *, now: datetime) -> _Question | None:
    query = (
        select(Comparison, Destination)
        .join(Destination, Destination.code == Comparison.destination)
        .where(Comparison.destination == code, Destination.active, *due(now))
        .with_for_update(skip_locked=True, of=Comparison)
    )
    found = tx.execute(query).first()
    if found is None:
        return None
    comparison, destination = found
    comparison.claimed_until = now + CLAIM
    target = Target(destination.url, keys_at(tx, vault, code, now), allowed_hosts)
    return _Question(comparison.id, destination.kind, target, comparison.cursor)


def due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Comparisons that wait for their next question."""
    return Comparison.finished_at.is_(None), Comparison.next_attempt_at <= now, Comparison.claimed_until <= now


def _note(tx: Session, code: str, question: _Question, answer: Page | str, *, now: datetime) -> None:
    destination = require(tx, code)
    comparison = tx.get(Comparison, question.comparison, with_for_update=True)
    assert comparison is not None
    if comparison.finished_at is not None or comparison.cursor != question.cursor:
        return  # another worker asked meanwhile
    comparison.claimed_until = now
    if isinstance(answer, str):
        comparison.failures += 1
        comparison.next_attempt_at, comparison.error = now + PATIENCE, answer
        if comparison.failures >= MOST_FAILURES:
            comparison.finished_at = now
            log.error("comparison_failed", destination=code, error=answer)
        return
    compared = compare_page(tx, destination, question.cursor, answer, now=now)
    comparison.accounts += compared.accounts
    comparison.differing += compared.differing
    comparison.cursor, comparison.failures, comparison.error = compared.upto, 0, None
    if compared.upto is None:
        comparison.finished_at = now
        log.info("compared", destination=code, accounts=comparison.accounts, differing=comparison.differing)
