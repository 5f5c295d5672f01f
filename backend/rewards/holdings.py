"""What the room of rewards holds about a member, row by row."""

from uuid import UUID

from sqlalchemy.orm import Session

from backend.holdings import Held, held_rows
from backend.rewards.catalogue.models import Voucher
from backend.rewards.orders.models import Handover, OrderRecipient, ProviderAnswer, ProviderOrder
from backend.rewards.orders.recipients import held_recipients
from backend.rewards.redemptions.models import Redemption, RedemptionStep
from backend.vault import Vault


def holdings(tx: Session, vault: Vault, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out. A code is shown where it is redeemed, not here.

    An address is handed out in clear while it exists.
    """
    return {
        Redemption.__tablename__: held_rows(tx, Redemption, holder_id, without=("device_index", "person_id")),
        RedemptionStep.__tablename__: held_rows(tx, RedemptionStep, holder_id, without=("operator_id",)),
        Voucher.__tablename__: held_rows(tx, Voucher, holder_id, without=("sealed_code", "shown_for")),
        ProviderOrder.__tablename__: held_rows(tx, ProviderOrder, holder_id),
        ProviderAnswer.__tablename__: held_rows(tx, ProviderAnswer, holder_id),
        Handover.__tablename__: held_rows(tx, Handover, holder_id, without=("operator_id",)),
        OrderRecipient.__tablename__: held_recipients(tx, vault, holder_id),
    }
