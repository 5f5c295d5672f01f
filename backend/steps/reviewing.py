"""What a reviewer decides about a day that is withheld."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend.steps import policy
from backend.steps.errors import StepDayNotWaiting
from backend.steps.reading import day_of
from backend.steps.recording import REFUSED, RELEASED, WAITING, count


def review(tx: Session, holder_id: UUID, day: date, *, released: bool, now: datetime) -> dict[str, object]:
    """Let the day count as far as a day can, or leave it for good as it stands. Returns how it stood before.

    Raises StepDayNotWaiting.
    """
    row = day_of(tx, holder_id, day)
    if row is None or row.review != WAITING:
        raise StepDayNotWaiting
    before: dict[str, object] = {"steps": row.steps, "counted": row.counted, "flag": row.flag, "review": row.review}
    row.review = RELEASED if released else REFUSED
    if released:
        counted, row.counted = row.counted, min(row.steps, policy.MOST_COUNTED)
        tx.flush()
        count(tx, holder_id, [(day, row.programme, counted, row.counted)], now=now)
    tx.flush()
    return before
