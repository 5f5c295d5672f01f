"""What happened, written in the same database transaction as what happened.

An outbox row is the only way news leaves the books: whoever follows (boards, third-party platforms, notices) reads
rows in the order of their ids and keeps its own place. Nothing is announced that did not commit, and nothing that
committed goes unannounced.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.database import Base, Instant
from backend.ids import new_id
from backend.lists import insert_rows


class OutboxRow(Base):
    """One announcement. `topic` is dotted and past tense (`reduction.issued`); `payload` is canonical JSON."""

    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    holder_id: Mapped[UUID | None] = mapped_column(Uuid)
    payload: Mapped[str] = mapped_column(Text)
    announced_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Announcement:
    topic: str
    holder_id: UUID | None
    payload: Mapping[str, Any]


def announce(tx: Session, announcements: Sequence[Announcement], *, now: datetime) -> None:
    """Write the announcements of one act or one batch."""
    insert_rows(
        tx,
        OutboxRow,
        [
            {
                "id": new_id(),
                "topic": item.topic,
                "holder_id": item.holder_id,
                "payload": json.dumps(item.payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
                "announced_at": now,
            }
            for item in announcements
        ],
    )
