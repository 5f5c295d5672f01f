"""Forgetting a member: what was not sent is cancelled; whom things were for, and the answers kept, are erased."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import idempotency
from backend.rewards.orders import recipients
from backend.rewards.redemptions import changing
from backend.rewards.redemptions.errors import TooLateToCancel
from backend.rewards.redemptions.models import Redemption
from backend.rewards.redemptions.policy import HELD


def forget(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """End what the member has open. Comes in the transaction that destroys their key, and so holds it."""
    query = select(Redemption.id).where(Redemption.holder_id == holder_id, Redemption.state.in_(HELD))
    for redemption_id in sorted(tx.scalars(query)):
        try:
            changing.cancel(tx, holder_id, redemption_id, why="MEMBER_FORGOTTEN", now=now)
        except TooLateToCancel:
            continue  # it is on its way; its outcome settles it
    recipients.forget(tx, holder_id, now=now)
    idempotency.forget(tx, holder_id)
