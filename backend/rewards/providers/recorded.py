"""Rewards that operators carry out themselves: a donation, a reward of a class, goods picked up at a counter.

The redemption is confirmed at once; what has to be done stands in a list until an operator says that it was done.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from backend.lists import insert_rows
from backend.rewards.interfaces import Fulfilment
from backend.rewards.orders.models import Handover
from backend.vault import Vault


class Recorded:
    kind = "recorded"

    def fulfil(self, tx: Session, vault: Vault, asked: Fulfilment, *, now: datetime) -> None:
        """Put it on the list."""
        row = {
            "holder_id": asked.holder_id,
            "redemption_id": asked.redemption_id,
            "reward": asked.reward,
            "quantity": asked.quantity,
            "recorded_at": now,
        }
        insert_rows(tx, Handover, [row], on_conflict=("holder_id", "redemption_id"))


PROVIDER = Recorded()
