"""Proposals: what showed that two persons may be one. Nobody is merged by them; an operator decides."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from backend.errors import NotFound
from backend.identity.merging.models import CAUSES, MergeProposal
from backend.lists import insert_rows

PHONE, STAFF_LOGIN = CAUSES


@dataclass(frozen=True, slots=True)
class ProposalView:
    """Whoever showed something of somebody else's, whose it is, and what it was."""

    holder_id: UUID
    other_id: UUID
    cause: str
    proposed_at: datetime


def propose(tx: Session, holder_id: UUID, other_id: UUID, cause: str, *, now: datetime) -> None:
    """Note that these two may be one person; once, also where an operator found before that they are not."""
    row = {"holder_id": holder_id, "other_id": other_id, "cause": cause, "proposed_at": now}
    insert_rows(tx, MergeProposal, [row], on_conflict=("holder_id", "other_id", "cause"))


def proposals(tx: Session, *, limit: int) -> list[ProposalView]:
    """What waits for an operator, oldest first."""
    query = select(MergeProposal).where(MergeProposal.settled_at.is_(None))
    found = tx.scalars(query.order_by(MergeProposal.proposed_at, MergeProposal.holder_id).limit(limit))
    return [ProposalView(row.holder_id, row.other_id, row.cause, row.proposed_at) for row in found]


def dismiss(tx: Session, holder_id: UUID, other_id: UUID, *, now: datetime) -> None:
    """They are two persons. NotFound where nothing proposed otherwise."""
    if not settle(tx, holder_id, other_id, now=now):
        raise NotFound


def settle(tx: Session, one: UUID, other: UUID, *, now: datetime) -> int:
    """End the proposals about these two, whoever of them showed what; returns how many."""
    pair = or_(
        and_(MergeProposal.holder_id == one, MergeProposal.other_id == other),
        and_(MergeProposal.holder_id == other, MergeProposal.other_id == one),
    )
    open_ones = update(MergeProposal).where(pair, MergeProposal.settled_at.is_(None)).values(settled_at=now)
    ended = open_ones.returning(MergeProposal.cause).execution_options(synchronize_session=False)
    return len(list(tx.scalars(ended)))


def forget_proposals(tx: Session, holder_id: UUID) -> None:
    """Remove what was proposed about a person who is forgotten."""
    about = or_(MergeProposal.holder_id == holder_id, MergeProposal.other_id == holder_id)
    tx.execute(delete(MergeProposal).where(about).execution_options(synchronize_session=False))
