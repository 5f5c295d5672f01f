"""Releasing a month: its figures are worked out once, written down, and shown as they were written ever after.

A second report of the same month, worked out after somebody's journey came late or was taken back, would show that
journey by subtraction. So there is none: what comes later is in no report.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock, operator_log
from backend.employer.errors import MonthNotOver, ReleasedBefore
from backend.employer.figures import figures
from backend.employer.models import EmployerReport
from backend.errors import NotFound
from backend.identity import ADMINISTRATOR, OperatorView, require_programme
from backend.lists import insert_rows
from backend.strict_json import canonical

#: How long a month has to be over: what arrives late arrives mostly by then.
WAIT = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Report:
    """A released month. `content`: categories with rows and totals, and factors."""

    programme: str
    month: date
    group_floor: int
    released_at: datetime
    content: dict[str, Any]


def release(
    tx: Session, programme: str, month: date, *, floor: int, operator: OperatorView, reason: str, now: datetime
) -> None:
    """Work out a month and write it down; `tx` reads nothing before. `month` is its first day.

    Raises OperatorNotAllowed, UnknownProgramme, MonthNotOver, ReleasedBefore.
    """
    operator.require(ADMINISTRATOR)
    require_programme(tx, programme)
    last = last_day(month)
    if clock.day_of(now) <= last + WAIT:
        raise MonthNotOver(from_day=(last + WAIT + timedelta(days=1)).isoformat())
    content = canonical(figures(tx, programme, first=month, last=last, floor=floor))
    row = {"programme": programme, "month": month, "group_floor": floor, "content": content}
    row |= {"operator_id": operator.id, "released_at": now}
    if not insert_rows(tx, EmployerReport, [row], on_conflict=("programme", "month"), returning=("month",)):
        raise ReleasedBefore(month=month.isoformat()[:7])
    after = {"month": month.isoformat()[:7], "group_floor": floor}
    what: dict[str, Any] = {"action": "employer.report_released", "subject": programme, "reason": reason}
    operator_log.write(tx, operator_id=operator.id, after=after, now=now, **what)


def report(tx: Session, programme: str, month: date) -> Report:
    """The report of a month as it was released. Raises NotFound."""
    row = tx.get(EmployerReport, (programme, month))
    if row is None:
        raise NotFound
    return Report(programme, month, row.group_floor, row.released_at, json.loads(row.content))


def released(tx: Session, programme: str) -> list[date]:
    """The months of a programme that were released, oldest first."""
    mine = EmployerReport.programme == programme
    return list(tx.scalars(select(EmployerReport.month).where(mine).order_by(EmployerReport.month)))


def last_day(month: date) -> date:
    """The last day of the month that begins on this one."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
