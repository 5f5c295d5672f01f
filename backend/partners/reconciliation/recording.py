"""Writing differences down: each keeps its age and its explanation while it is found again, and resolves when not."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, case, null, or_, update
from sqlalchemy.orm import Session

from backend.ids import new_id
from backend.lists import Columns, insert_rows, recordset
from backend.partners.reconciliation.differences import Found
from backend.partners.reconciliation.models import Difference

OPEN, EXPLAINED, RESOLVED = STATES = "open", "explained", "resolved"
_EXPLANATION = ("explanation", "explained_by", "explained_at")
_KEY = ("partner", "day", "kind", "key", "line")
_AGAIN: Columns = {"kind": Text(), "key": Text(), "line": Text(), "theirs": Text(), "ours": Text()}


def record(tx: Session, partner: str, day: date, found: Sequence[Found], *, run: int, now: datetime) -> None:
    """Write what was found; what was known already is marked as seen again, and reopened where a side changed."""
    items = {(item.kind, item.key, item.line): item for item in found}
    rows = [_row(partner, day, item, run, now) for _, item in sorted(items.items())]
    new = insert_rows(tx, Difference, rows, on_conflict=_KEY, returning=("kind", "key", "line"))
    known = items.keys() - {tuple(row) for row in new}
    again = [row for row in rows if (row["kind"], row["key"], row["line"]) in known]
    if again:
        _see_again(tx, partner, day, again, run=run, now=now)


def _row(partner: str, day: date, item: Found, run: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "partner": partner,
        "day": day,
        "kind": item.kind,
        "key": item.key,
        "line": item.line,
        "order_no": item.order_no,
        "event_id": item.event_id,
        "theirs": json.dumps(item.theirs, ensure_ascii=False, sort_keys=True),
        "ours": json.dumps(item.ours, ensure_ascii=False, sort_keys=True),
        "run": run,
        "first_seen": now,
        "last_seen": now,
        "state": OPEN,
    }


def _see_again(
    tx: Session, partner: str, day: date, rows: Sequence[dict[str, Any]], *, run: int, now: datetime
) -> None:
    given = recordset(tx, "given", _AGAIN, [tuple(row[name] for name in _AGAIN) for row in rows])
    changed = or_(Difference.theirs != given.c.theirs, Difference.ours != given.c.ours)
    # What was explained is explained as it was: when a side says something else, it has to be looked at again.
    reopened = or_(Difference.state == RESOLVED, changed)
    kept: dict[str, Any] = {name: getattr(Difference, name) for name in _EXPLANATION}
    tx.execute(
        update(Difference)
        .values(
            {
                "theirs": given.c.theirs,
                "ours": given.c.ours,
                "run": run,
                "last_seen": now,
                "state": case((reopened, OPEN), else_=Difference.state),
                **{name: case((reopened, null()), else_=column) for name, column in kept.items()},
            }
        )
        .where(Difference.partner == partner, Difference.day == day)
        .where(*(getattr(Difference, name) == given.c[name] for name in ("kind", "key", "line")))
        .execution_options(synchronize_session=False)
    )


def resolve_unseen(tx: Session, partner: str, day: date, *, run: int) -> None:
    """Resolve what this run no longer found."""
    statement = update(Difference).values(state=RESOLVED).where(Difference.partner == partner, Difference.day == day)
    statement = statement.where(Difference.run != run, Difference.state != RESOLVED)
    tx.execute(statement.execution_options(synchronize_session=False))
