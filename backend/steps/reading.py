"""What a member sees of their steps, and what is held about them."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import clock
from backend.holdings import Held, held_rows
from backend.steps import policy
from backend.steps.models import StepDay, StepPermissionEnd
from backend.steps.reasons import sentence
from backend.steps.recording import REFUSED, WAITING


def days_of(tx: Session, holder_id: UUID, programme: str, *, now: datetime) -> list[dict[str, Any]]:
    """The last days of a person in a programme, newest first."""
    since = clock.day_of(now) - timedelta(days=policy.DAYS_BACK)
    mine = (StepDay.holder_id == holder_id, StepDay.programme == programme, StepDay.day >= since)
    return [_told(row) for row in tx.scalars(select(StepDay).where(*mine).order_by(StepDay.day.desc()))]


def _told(row: StepDay) -> dict[str, Any]:
    return {
        "day": row.day,
        "steps": row.steps,
        "counted": row.counted,
        "spendable": row.spendable,
        "spendable_from": row.spendable_from,
        "source": row.source,
        "why": sentence(_why(row)),
    }


def _why(row: StepDay) -> str | None:
    if row.review == WAITING:
        return row.flag
    if row.review == REFUSED:
        return policy.REFUSED
    return policy.CAPPED if row.steps > row.counted else None


def told_verdict(verdict: policy.Verdict) -> dict[str, Any]:
    """What became of a reported day, in words."""
    return {
        "day": verdict.day,
        "steps": verdict.steps,
        "counted": verdict.counted,
        "why": sentence(verdict.code),
    }


def waiting_for_review(tx: Session, *, limit: int = 200) -> list[StepDay]:
    """Days that are withheld, the oldest reports first."""
    query = select(StepDay).where(StepDay.review == WAITING).order_by(StepDay.reported_at, StepDay.holder_id)
    return list(tx.scalars(query.limit(limit)))


def day_of(tx: Session, holder_id: UUID, day: date) -> StepDay | None:
    return tx.get(StepDay, (holder_id, day), with_for_update=True, populate_existing=True)


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this person."""
    return {model.__tablename__: held_rows(tx, model, holder_id) for model in (StepDay, StepPermissionEnd)}


def forget(tx: Session, holder_id: UUID) -> None:
    """Erase the daily counts of a person who is forgotten; what counted stays in the books."""
    for model in (StepDay, StepPermissionEnd):
        tx.execute(delete(model).where(model.holder_id == holder_id))
