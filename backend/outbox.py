"""What happened, written in the same database transaction as what happened.

An outbox row is the only way news leaves the books: whoever follows (boards, third-party platforms, notices) reads
rows in the order of their positions and keeps its own place. Nothing is announced that did not commit, and nothing that
committed goes unannounced.

Positions are given after the commit, because ids are made before it: of two rows the one with the smaller id may become
visible later, and whoever followed ids would pass it over.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Row, Text, Uuid, func, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.database import Amount, Base, Instant
from backend.ids import new_id
from backend.lists import insert_rows, recordset


class OutboxRow(Base):
    """One announcement. `topic` is dotted and past tense (`reduction.issued`); `payload` is canonical JSON.

    `position`: where it stands for those who follow; none until `give_positions` has seen it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_without_position",
            "id",
            postgresql_where=text("position IS NULL"),
            sqlite_where=text("position IS NULL"),
        ),
        Index("ix_outbox_holder", "holder_id", "position"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    holder_id: Mapped[UUID | None] = mapped_column(Uuid)
    payload: Mapped[str] = mapped_column(Text)
    announced_at: Mapped[datetime] = mapped_column(Instant)
    position: Mapped[int | None] = mapped_column(Amount, unique=True)


@dataclass(frozen=True, slots=True)
class Announcement:
    topic: str
    holder_id: UUID | None
    payload: Mapping[str, Any]


def announce(tx: Session, announcements: Sequence[Announcement], *, now: datetime) -> list[UUID]:
    """Write the announcements of one act or one batch; returns their ids."""
    ids = [new_id() for _ in announcements]
    rows = [
        {
            "id": id,
            "topic": item.topic,
            "holder_id": item.holder_id,
            "payload": json.dumps(item.payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
            "announced_at": now,
        }
        for id, item in zip(ids, announcements, strict=True)
    ]
    insert_rows(tx, OutboxRow, rows)
    return ids


def give_positions(tx: Session, *, limit: int = 500) -> int:
    """Give the next positions to announcements that committed without one. Returns how many.

    For one process at a time. Two at once cannot spoil it: the second waits at the newest that has a position and reads
    on from there; before there is any, they lock in one order, and the unique key undoes the second one's transaction.
    """
    newest = select(OutboxRow.id).where(OutboxRow.position.is_not(None)).order_by(OutboxRow.position.desc()).limit(1)
    tx.execute(newest.with_for_update(key_share=True))
    last = last_position(tx)
    query = (
        select(OutboxRow.id).where(OutboxRow.position.is_(None)).order_by(OutboxRow.id).limit(limit).with_for_update()
    )
    rows = [(id, last + number) for number, id in enumerate(tx.scalars(query), start=1)]
    if not rows:
        return 0
    given = recordset(tx, "given", {"id": Uuid(), "position": Amount}, rows)
    tx.execute(
        update(OutboxRow)
        .values(position=given.c.position)
        # Not IS NULL: SQLite would go by the index of positions and look at every pair of rows.
        .where(OutboxRow.id == given.c.id, func.coalesce(OutboxRow.position, 0) == 0)
        .execution_options(synchronize_session=False)
    )
    return len(rows)


def last_position(tx: Session) -> int:
    """The position of the newest announcement that has one; 0 when none has."""
    return tx.scalar(select(func.max(OutboxRow.position))) or 0


def read_after(tx: Session, position: int, *, limit: int) -> Sequence[Row[Any]]:
    """The announcements behind a position, in order; whoever has read up to one of them has missed none before it."""
    query = select(OutboxRow.__table__).where(OutboxRow.position > position)
    return tx.execute(query.order_by(OutboxRow.position).limit(limit)).all()


def waiting_for(tx: Session, holder_ids: Collection[UUID], position: int) -> set[UUID]:
    """Those of these holders of whom something was announced that who has read up to a position has not read yet."""
    if not holder_ids:
        return set()
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in sorted(set(holder_ids))])
    behind = or_(OutboxRow.position > position, OutboxRow.position.is_(None))
    query = select(OutboxRow.holder_id).join(given, given.c.holder_id == OutboxRow.holder_id).where(behind)
    return {id for id in tx.scalars(query.distinct()) if id is not None}
