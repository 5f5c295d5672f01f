"""Showing a voucher's code to its owner: once, and again to the repeat of the request that showed it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import idempotency, identity
from backend.errors import NotFound
from backend.idempotency import Answer
from backend.rewards.catalogue import vouchers
from backend.rewards.catalogue.vouchers import ShownCode
from backend.rewards.redemptions import steps
from backend.rewards.redemptions.errors import RedemptionChanged
from backend.rewards.redemptions.policy import CONFIRMED
from backend.vault import Vault


def show_code(
    tx: Session, vault: Vault, *, person_id: UUID, holder_id: UUID, redemption_id: UUID, key: str, now: datetime
) -> tuple[ShownCode, bool]:
    """The code, and whether this request has shown it before. What is kept under the key holds no code.

    Raises NotFound, RedemptionChanged, NoSuchVoucher, CodeAlreadyShown, IdempotencyKeyReused.
    """
    if not identity.hold_living(tx, {person_id}):  # so that no answer is kept of who is being forgotten
        raise NotFound
    asked = idempotency.ask(vault, person_id, key, "POST /redemptions/{id}/reveal", [holder_id, redemption_id])
    found = idempotency.take(tx, asked, redemption_id, now=now, answer=Answer(200, "{}"))
    held = steps.hold(tx, holder_id, redemption_id)
    if held is None:
        raise NotFound
    if held.state != CONFIRMED:
        raise RedemptionChanged(state=held.state)
    shown = vouchers.reveal(tx, vault, holder_id=holder_id, redemption_id=redemption_id, key=key, now=now)
    return shown, found is not None
