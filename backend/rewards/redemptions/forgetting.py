"""Forgetting a member: what was neither sent nor carried out is cancelled, but for gifts to charity, which need nobody;
whom things were for, and the answers kept, are erased."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import idempotency
from backend.rewards.orders import handovers, recipients
from backend.rewards.redemptions import changing
from backend.rewards.redemptions.errors import TooLateToCancel
from backend.rewards.redemptions.models import Redemption
from backend.rewards.redemptions.policy import HELD


def forget(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """End what the member has open. Comes in the transaction that destroys their key, and so holds it."""
    held = select(Redemption.id).where(Redemption.holder_id == holder_id, Redemption.state.in_(HELD))
    for redemption_id in sorted({*tx.scalars(held), *handovers.waiting_for(tx, holder_id)}):
        try:
            changing.cancel(tx, holder_id, redemption_id, why="MEMBER_FORGOTTEN", now=now)
        except TooLateToCancel:
            continue  # it is on its way, and its outcome settles it; or an operator was quicker
    recipients.forget(tx, holder_id, now=now)
    idempotency.forget(tx, holder_id)
