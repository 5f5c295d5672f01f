"""Codes of our own pool: one free code, sealed for the member in the transaction that spends the points."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from backend import clock
from backend.rewards.catalogue import vouchers
from backend.rewards.interfaces import Fulfilment
from backend.vault import Vault


class VoucherPool:
    """Gives one code per redemption. The code is the thing itself: there is no quantity of it."""

    kind = "voucher_pool"

    def fulfil(self, tx: Session, vault: Vault, asked: Fulfilment, *, now: datetime) -> None:
        days = asked.settings.get("least_code_days", 0)
        assert isinstance(days, int) and asked.quantity == 1
        vouchers.take_code(
            tx,
            vault,
            reward=asked.reward,
            holder_id=asked.holder_id,
            redemption_id=asked.redemption_id,
            usable_until=clock.day_of(now) + timedelta(days=days),
            sealer=asked.sealer,
        )


PROVIDER = VoucherPool()
