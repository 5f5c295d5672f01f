"""Forgetting a member: what was neither sent nor carried out is cancelled, but for gifts to charity, which need nobody;
whom things were for, and the answers kept, are erased."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import idempotency
from backend.rewards.orders import handovers, recipients
from backend.rewards.redemptions import steps
from backend.rewards.redemptions.cancelling import call_off
from backend.rewards.redemptions.models import Redemption
from backend.rewards.redemptions.policy import HELD


def forget(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """End what the member has open. Comes in the transaction that destroys their key, and so holds it."""
    held = select(Redemption.id).where(Redemption.holder_id == holder_id, Redemption.state.in_(HELD))
    for redemption_id in sorted({*tx.scalars(held), *handovers.waiting_for(tx, holder_id)}):
        redemption = steps.hold(tx, holder_id, redemption_id)
        if redemption is not None:  # what is on its way is settled by its outcome
            call_off(tx, redemption, "MEMBER_FORGOTTEN", now=now)
    recipients.forget(tx, holder_id, now=now)
    idempotency.forget(tx, holder_id)
