"""What became of a partner's events, as the partner reads it."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import activities, clock
from backend.partners.models import InboxEvent


def deliveries(
    tx: Session, partner: str, *, event_id: str | None = None, before: UUID | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """What became of a partner's events, newest first.

    A line's `status` is what its settlement decided; `standing` is how its act stands today, after later corrections,
    cancellations and better claims.
    """
    query = select(InboxEvent).where(InboxEvent.partner == partner)
    if event_id is not None:
        query = query.where(InboxEvent.event_id == event_id)
    if before is not None:
        query = query.where(InboxEvent.id < before)
    rows = list(tx.scalars(query.order_by(InboxEvent.id.desc()).limit(limit)))
    lines = {row.id: json.loads(row.outcome) if row.outcome else [] for row in rows}
    acts = {
        (row.holder_id, UUID(line["activity_id"])): line
        for row in rows
        for line in lines[row.id]
        if row.holder_id is not None and "activity_id" in line
    }
    for key, act in activities.load(tx, acts).items():
        acts[key]["standing"] = act.status
    return [
        {
            "id": str(row.id),
            "event_id": row.event_id,
            "received_at": clock.iso(row.received_at),
            "state": row.state,
            "waiting_for": row.parked_for,
            "attempts": row.attempts,
            "lines": lines[row.id],
        }
        for row in rows
    ]
