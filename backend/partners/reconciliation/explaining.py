"""Differences once they are written down: read, told to both sides, and explained."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend import clock, operator_log
from backend.errors import NotFound
from backend.identity import OperatorView
from backend.partners.reconciliation.days import hold_day
from backend.partners.reconciliation.models import Difference
from backend.partners.reconciliation.recording import EXPLAINED, OPEN


def differences_of(
    tx: Session,
    partner: str,
    day: date,
    *,
    kind: str | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int | None = None,
    seen_until: datetime | None = None,
) -> Iterator[Difference]:
    """Differences of a day in the order they were found, read as they are needed."""
    query = select(Difference).where(Difference.partner == partner, Difference.day == day)
    if kind is not None:
        query = query.where(Difference.kind == kind)
    if state is not None:
        query = query.where(Difference.state == state)
    if after is not None:
        query = query.where(Difference.id > after)
    if seen_until is not None:
        query = query.where(Difference.first_seen <= seen_until)
    yield from tx.scalars(query.order_by(Difference.id).limit(limit).execution_options(yield_per=1_000))


def difference_as_json(found: Difference, *, now: datetime) -> dict[str, Any]:
    """A difference as it is shown and told: `age_days` since it was first seen."""
    return {
        "id": str(found.id),
        "kind": found.kind,
        "order_no": found.order_no,
        "line": found.line or None,
        "event_id": found.event_id,
        "theirs": json.loads(found.theirs),
        "ours": json.loads(found.ours),
        "state": found.state,
        "explanation": found.explanation,
        "first_seen": clock.iso(found.first_seen),
        "last_seen": clock.iso(found.last_seen),
        "age_days": (clock.day_of(now) - clock.day_of(found.first_seen)).days,
    }


def explain(
    tx: Session,
    partner: str,
    day: date,
    *,
    kind: str | None = None,
    difference: UUID | None = None,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> int:
    """Explain the open differences of a day: all, those of one kind, or one. Returns how many; NotFound for none."""
    hold_day(tx, partner, day)
    meant = [Difference.partner == partner, Difference.day == day, Difference.state == OPEN]
    if kind is not None:
        meant.append(Difference.kind == kind)
    if difference is not None:
        meant.append(Difference.id == difference)
    count = tx.scalar(select(func.count()).select_from(Difference).where(*meant)) or 0
    if not count:
        raise NotFound("no open difference is meant", partner=partner, day=day.isoformat())
    values = {"state": EXPLAINED, "explanation": reason, "explained_by": operator.id, "explained_at": now}
    statement = update(Difference).where(*meant).values(values)
    tx.execute(statement.execution_options(synchronize_session=False))
    subject = f"{partner} {day} {difference or kind or 'all'} ({count})"
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="reconciliation.explained",
        subject=subject,
        reason=reason,
        before={OPEN: count},
        after={EXPLAINED: count},
        now=now,
    )
    return count
