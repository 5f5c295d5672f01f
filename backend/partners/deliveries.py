"""What became of a partner's events, as the partner reads it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, func, select
from sqlalchemy.orm import Session

from backend import activities, clock
from backend.activities import REASONS
from backend.ids import first_id_at
from backend.lists import recordset
from backend.partners.errors import EventIdReused
from backend.partners.inbox import PARKED, PARKED_LIFE
from backend.partners.models import Batch, InboxConflict, InboxEvent

MOST, USUAL = 100, 50
#: Of the refused contents of one event id so many are told, the latest.
MOST_CONFLICTS = 10
_TOLD = ("id", "event_id", "received_at", "state", "parked_for", "attempts", "batch_id", "batch_line")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries are asked for; those after `before` in the list, which begins with the newest."""

    event_id: str | None = None
    state: str | None = None
    since: datetime | None = None
    conflicts: bool = False
    before: UUID | None = None
    limit: int = USUAL


def deliveries(tx: Session, partner: str, **wanted: Any) -> list[dict[str, Any]]:
    """The deliveries of a page (the fields of Wanted)."""
    return page(tx, partner, Wanted(**wanted))[0]


def page(tx: Session, partner: str, wanted: Wanted) -> tuple[list[dict[str, Any]], bool]:
    """What became of a partner's events, newest first, and whether there are more.

    A line's `status` is what its settlement decided; `standing` is how its act stands today, after later corrections,
    cancellations and better claims.
    """
    found = list(tx.execute(_query(partner, wanted).limit(wanted.limit + 1)))
    rows = found[: wanted.limit]
    lines = {row.id: json.loads(row.outcome) if row.outcome else [] for row in rows}
    _add_standing(tx, rows, lines)
    batches = _message_ids(tx, {row.batch_id for row in rows if row.batch_id})
    conflicts = _conflicts(tx, partner, [row.event_id for row in rows])
    told = [
        {
            "id": str(row.id),
            "event_id": row.event_id,
            "received_at": clock.iso(row.received_at),
            "state": row.state,
            "waiting_for": row.parked_for,
            "parked_until": clock.iso(row.received_at + PARKED_LIFE) if row.state == PARKED else None,
            "attempts": row.attempts,
            "batch": {"id": batches[row.batch_id], "line": row.batch_line} if row.batch_id else None,
            "lines": [line | {"reason": _sentence(line["code"])} for line in lines[row.id]],
            "conflicts": conflicts.get(row.event_id, []),
        }
        for row in rows
    ]
    return told, len(found) > wanted.limit


def _query(partner: str, wanted: Wanted) -> Select[Any]:
    columns = (getattr(InboxEvent, name) for name in (*_TOLD, "holder_id", "outcome"))
    query = select(*columns).where(InboxEvent.partner == partner)
    if wanted.event_id is not None:
        query = query.where(InboxEvent.event_id == wanted.event_id)
    if wanted.state is not None:
        query = query.where(InboxEvent.state == wanted.state)
    if wanted.since is not None:
        # An id is made after its event was received: older ones need not be looked at.
        query = query.where(InboxEvent.id >= first_id_at(wanted.since), InboxEvent.received_at >= wanted.since)
    if wanted.conflicts:
        refused = select(InboxConflict.event_id).where(InboxConflict.partner == partner)
        query = query.where(InboxEvent.event_id.in_(refused))
    if wanted.before is not None:
        query = query.where(InboxEvent.id < wanted.before)
    return query.order_by(InboxEvent.id.desc())


def _add_standing(tx: Session, rows: Sequence[Any], lines: dict[UUID, list[dict[str, Any]]]) -> None:
    acts = {
        (row.holder_id, UUID(line["activity_id"])): line
        for row in rows
        for line in lines[row.id]
        if row.holder_id is not None and "activity_id" in line
    }
    for key, act in activities.load(tx, acts).items():
        acts[key]["standing"] = act.status


def _message_ids(tx: Session, batch_ids: set[UUID]) -> dict[UUID, str]:
    """The ids under which the partner sent these batches."""
    query = select(Batch.id, Batch.message_id).where(Batch.id.in_(batch_ids))
    return {row.id: row.message_id for row in tx.execute(query)} if batch_ids else {}


def _conflicts(tx: Session, partner: str, event_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Event id → what else came under it and was refused, the latest first."""
    given = recordset(tx, "given", {"event_id": Text()}, [(event_id,) for event_id in event_ids])
    newest = func.row_number().over(
        partition_by=InboxConflict.event_id, order_by=(InboxConflict.received_at.desc(), InboxConflict.body_sha256)
    )
    columns = (InboxConflict.event_id, InboxConflict.received_at, InboxConflict.body_sha256, newest.label("place"))
    refused = select(*columns).where(InboxConflict.partner == partner)
    numbered = refused.join(given, InboxConflict.event_id == given.c.event_id).subquery()
    latest = select(numbered).where(numbered.c.place <= MOST_CONFLICTS).order_by(numbered.c.event_id, numbered.c.place)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in tx.execute(latest):
        told = {"received_at": clock.iso(row.received_at), "body_sha256": row.body_sha256.hex()}
        refusal = {"code": EventIdReused.code, "reason": EventIdReused.title}
        found.setdefault(row.event_id, []).append(told | refusal)
    return found


def _sentence(code: str | None) -> str | None:
    """What a code means, in a sentence: 中文 / English."""
    return " / ".join(REASONS[code]) if code in REASONS else None
