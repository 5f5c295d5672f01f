"""Runs of a restatement: which acts they go over, and where each of them stands."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from backend.activities.errors import UnknownVersion
from backend.activities.models import Activity, RestatementRun
from backend.activities.records import ISSUED, Act, ActivityKey, act_of
from backend.ids import new_id
from methodologies import Library


@dataclass(frozen=True, slots=True)
class Scope:
    """The acts a run goes over: the issued ones of a methodology, from the first to the last day of one version.

    `last_day` is None while the version is in force.
    """

    methodology: str
    version: str
    first_day: date
    last_day: date | None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        given = [Activity.methodology == self.methodology, Activity.status == ISSUED, Activity.day >= self.first_day]
        return given if self.last_day is None else [*given, Activity.day <= self.last_day]


def scope_of(library: Library, methodology: str, version: str) -> Scope:
    """The days in force of a version. Raises MethodologyError (UNKNOWN_METHODOLOGY) and UnknownVersion."""
    versions = library.get(methodology).versions
    for position, found in enumerate(versions):
        if found.version == version:
            days = [found.in_force_until] if found.in_force_until else []
            days += [later.in_force_from - timedelta(days=1) for later in versions[position + 1 : position + 2]]
            return Scope(methodology, version, found.in_force_from, min(days, default=None))
    raise UnknownVersion(methodology=methodology, version=version, known=[found.version for found in versions])


def library_digest(library: Library) -> bytes:
    """SHA-256 of the lock that lists everything the library publishes."""
    return hashlib.sha256((library.root / "PUBLISHED.lock").read_bytes()).digest()


def count_issued(tx: Session, scope: Scope) -> int:
    """How many acts a run over this scope examines."""
    return int(tx.scalar(select(func.count()).select_from(Activity).where(*scope.conditions)) or 0)


def issued_after(tx: Session, scope: Scope, cursor: ActivityKey | None, limit: int) -> list[Act]:
    """The next acts of this scope behind the cursor, by holder and id."""
    query = select(Activity.__table__).where(*scope.conditions)
    if cursor is not None:
        query = query.where(tuple_(Activity.holder_id, Activity.id) > cursor)
    return [act_of(row) for row in tx.execute(query.order_by(Activity.holder_id, Activity.id).limit(limit))]


def open_run(tx: Session, scope: Scope, digest: bytes, *, now: datetime) -> RestatementRun:
    """The last run over this scope if it was interrupted and began with this library, else a new one."""
    query = (
        select(RestatementRun)
        .where(RestatementRun.methodology == scope.methodology, RestatementRun.version == scope.version)
        .order_by(RestatementRun.id.desc())
        .limit(1)
    )
    found = tx.scalars(query).first()
    if found is None or found.finished_at is not None or found.library_digest != digest:
        counts: dict[str, Any] = {"examined": 0, "restated": 0, "refused": 0}
        named = {"methodology": scope.methodology, "version": scope.version, "library_digest": digest}
        found = RestatementRun(id=new_id(), started_at=now, **named, **counts)
        tx.add(found)
    return found


def hold_run(tx: Session, run_id: UUID) -> RestatementRun:
    """The run as it stands, held until commit; changes of it are written with the transaction."""
    return tx.get_one(RestatementRun, run_id, with_for_update=True, populate_existing=True)
