"""How long announcements and deliveries are kept. What a platform was told about whom stays in `sync_sequences`."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from backend.database import Base
from backend.outbox import OutboxRow
from backend.sync.models import (
    DEAD,
    DELIVERED,
    HEALED,
    STOPPED,
    WITHHELD,
    Comparison,
    Delivery,
    Destination,
    Difference,
)


def purge(
    tx: Session,
    *,
    kept: timedelta,
    dead_kept: timedelta,
    now: datetime,
    followed: int | None = None,
    limit: int = 1_000,
) -> int:
    """Remove announcements older than `kept` with their deliveries, oldest first, and comparisons as old.

    An announcement stays while a destination or whoever else follows (up to `followed`) has not come to it, while a
    delivery of it waits and, where one is dead or stopped, until it is older than `dead_kept`; the newest stays in any
    case, because positions go on from it. Returns how many announcements and comparisons were removed, 0 when there
    are no more.
    """
    long_ago = now - kept
    newest = select(func.max(OutboxRow.position)).scalar_subquery()
    reached = select(func.min(Destination.position)).where(Destination.retired_at.is_(None)).scalar_subquery()
    finished = or_(
        Delivery.state.in_((DELIVERED, WITHHELD)),
        and_(Delivery.state.in_((DEAD, STOPPED)), Delivery.next_attempt_at <= now - dead_kept),
    )
    needed = select(Delivery.id).where(Delivery.outbox_id == OutboxRow.id, ~finished).exists()
    query = select(OutboxRow.id).where(
        OutboxRow.position < newest,
        OutboxRow.position <= func.coalesce(reached, newest),
        OutboxRow.position <= (newest if followed is None else followed),
        OutboxRow.announced_at <= long_ago,
        ~needed,
    )
    ids = list(tx.scalars(query.order_by(OutboxRow.position).limit(limit)))
    _remove(tx, Delivery, Delivery.outbox_id.in_(ids))
    _remove(tx, OutboxRow, OutboxRow.id.in_(ids))
    healed = select(Difference.id).where(Difference.state == HEALED, Difference.last_seen_at <= long_ago).limit(limit)
    compared = select(Comparison.id).where(Comparison.finished_at <= long_ago).limit(limit)
    done = [
        _remove(tx, Difference, Difference.id.in_(healed)),
        _remove(tx, Comparison, Comparison.id.in_(compared)),
    ]
    return len(ids) + sum(done)


def _remove(tx: Session, table: type[Base], condition: ColumnElement[bool]) -> int:
    """Returns how many."""
    statement = delete(table).where(condition).returning(*table.__table__.primary_key)
    return len(tx.execute(statement.execution_options(synchronize_session=False)).all())
