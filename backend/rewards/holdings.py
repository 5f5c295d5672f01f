"""What the room of rewards holds about a member, row by row."""

from uuid import UUID

from sqlalchemy.orm import Session

from backend.holdings import Held, held_rows
from backend.rewards.models import Voucher


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out. A code is shown where it is redeemed, not here."""
    return {Voucher.__tablename__: held_rows(tx, Voucher, holder_id, without=("sealed_code", "shown_for"))}
