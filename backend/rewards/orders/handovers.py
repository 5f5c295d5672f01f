"""What operators have to carry out themselves, and that they did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import operator_log
from backend.errors import NotFound
from backend.identity import OperatorView
from backend.rewards.catalogue.models import CHARITY, Reward
from backend.rewards.errors import AlreadyCarriedOut
from backend.rewards.interfaces import Recipient
from backend.rewards.orders import recipients
from backend.rewards.orders.models import Handover
from backend.vault import Unreadable, Vault


@dataclass(frozen=True, slots=True)
class HandoverView:
    """Something to carry out, or carried out at an instant."""

    holder_id: UUID
    redemption_id: UUID
    reward: str
    quantity: int
    recorded_at: datetime
    carried_out_at: datetime | None


def open_handovers(tx: Session, *, reward: str | None = None, limit: int = 100) -> Sequence[HandoverView]:
    """What waits to be carried out, oldest first."""
    query = select(Handover).where(Handover.carried_out_at.is_(None))
    if reward is not None:
        query = query.where(Handover.reward == reward)
    return [_view(row) for row in tx.scalars(query.order_by(Handover.recorded_at, Handover.redemption_id).limit(limit))]


def handover_of(tx: Session, holder_id: UUID, redemption_id: UUID) -> HandoverView | None:
    """How far it is; None where nothing has to be carried out by an operator."""
    row = tx.get(Handover, (holder_id, redemption_id))
    return None if row is None else _view(row)


def waits(tx: Session, holder_id: UUID, redemption_id: UUID) -> bool:
    """Whether it is an operator's to carry out, and nobody has yet."""
    found = tx.get(Handover, (holder_id, redemption_id))
    return found is not None and found.carried_out_at is None


def waiting_for(tx: Session, holder_id: UUID) -> Sequence[UUID]:
    """Redemptions of a member that wait to be carried out for them. What they gave to a charity is for others."""
    query = select(Handover.redemption_id).join(Reward, Reward.code == Handover.reward)
    query = query.where(Handover.holder_id == holder_id, Handover.carried_out_at.is_(None), Reward.kind != CHARITY)
    return tx.scalars(query).all()


def carry_out(tx: Session, redemption_id: UUID, *, operator: OperatorView, reason: str, now: datetime) -> HandoverView:
    """An operator says that it was done; once. Raises NotFound, AlreadyCarriedOut."""
    query = select(Handover).where(Handover.redemption_id == redemption_id).with_for_update()
    row = tx.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound
    if row.carried_out_at is not None:
        raise AlreadyCarriedOut(carried_out_at=row.carried_out_at)
    row.carried_out_at, row.operator_id = now, operator.id
    tx.flush()
    recipients.delete(tx, row.holder_id, redemption_id, recipients.DELIVERED, now=now)
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="reward.carried_out",
        subject=f"{row.reward} {redemption_id}",
        reason=reason,
        before={"carried_out": False},
        after={"carried_out": True, "quantity": row.quantity},
        now=now,
    )
    return _view(row)


def call_off(tx: Session, holder_id: UUID, redemption_id: UUID) -> bool:
    """Take it off the list for good. False when it was carried out, or was never on it. The redemption is held."""
    row = tx.get(Handover, (holder_id, redemption_id), with_for_update=True, populate_existing=True)
    if row is None or row.carried_out_at is not None:
        return False
    tx.delete(row)
    tx.flush()
    return True


def read_recipient(
    tx: Session, vault: Vault, redemption_id: UUID, *, operator: OperatorView, reason: str, now: datetime
) -> Recipient | None:
    """For whom something is that an operator has to send; that it was read stands in the operator log.

    Raises NotFound, also when it was deleted.
    """
    row = tx.scalar(select(Handover).where(Handover.redemption_id == redemption_id))
    if row is None:
        raise NotFound
    try:
        found = recipients.needed(tx, vault, row.holder_id, redemption_id)
    except Unreadable:
        raise NotFound from None
    subject = f"{row.reward} {redemption_id}"
    action = "reward.recipient_read"
    operator_log.write(tx, operator_id=operator.id, action=action, subject=subject, reason=reason, now=now)
    return found


def _view(row: Handover) -> HandoverView:
    return HandoverView(row.holder_id, row.redemption_id, row.reward, row.quantity, row.recorded_at, row.carried_out_at)
