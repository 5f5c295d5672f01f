"""Partners: their keys, their events, the worker that settles them, and what became of each."""

from backend.partners import reconciliation
from backend.partners.batches import batch_proof
from backend.partners.contract import Event, read_event
from backend.partners.deliveries import deliveries
from backend.partners.errors import (
    EventIdReused,
    InvalidEnvelope,
    UnknownEventType,
    UnknownPartner,
)
from backend.partners.forgetting import forget_member
from backend.partners.holdings import holdings
from backend.partners.inbox import (
    InboxState,
    erase_unowned,
    expire_parked,
    inbox_state,
    redrive,
    wake_holder,
    wake_ready,
    wake_users,
)
from backend.partners.receiving import Gate
from backend.partners.registry import (
    PartnerSetup,
    add_key,
    has_keys,
    partners,
    require_partner,
    rotate_secret,
    save_partner,
)
from backend.partners.worker import settle_waiting

__all__ = [
    "Event",
    "EventIdReused",
    "Gate",
    "InboxState",
    "InvalidEnvelope",
    "PartnerSetup",
    "UnknownEventType",
    "UnknownPartner",
    "add_key",
    "batch_proof",
    "deliveries",
    "erase_unowned",
    "expire_parked",
    "forget_member",
    "has_keys",
    "holdings",
    "inbox_state",
    "partners",
    "read_event",
    "reconciliation",
    "redrive",
    "require_partner",
    "rotate_secret",
    "save_partner",
    "settle_waiting",
    "wake_holder",
    "wake_ready",
    "wake_users",
]
