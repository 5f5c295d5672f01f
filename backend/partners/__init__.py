"""Partners: their keys, their events, the worker that settles them, and what became of each.

An event comes in by `receiving` (the gate), alone or in one of the `batches`. `contract` reads it, `intake` writes it
into the `inbox`, the `worker` settles it through `translation` and the partner's adapter, and `deliveries` tells what
became of it. `registry` has partners as they are configured, `keys` and `rotation` their keys, `linking` their side of
links; `reconciliation` compares whole days. `forgetting` and `holdings` are about one member.
"""

from backend.partners import reconciliation
from backend.partners.adapters import ADAPTERS
from backend.partners.batches import batch_proof
from backend.partners.contract import Event, read_event
from backend.partners.deliveries import deliveries
from backend.partners.errors import (
    EventIdReused,
    InvalidEnvelope,
    PartnerInactive,
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
    wake_agreed,
    wake_holder,
    wake_ready,
    wake_references,
    wake_users,
)
from backend.partners.keys import KeyView, add_key, end_key, has_keys, key_id, keys_in_force, rotate_secret
from backend.partners.receiving import Gate
from backend.partners.registry import (
    PartnerSetup,
    add_partner,
    partners,
    require_partner,
    save_partner,
    set_active,
)
from backend.partners.worker import settle_waiting

__all__ = [
    "ADAPTERS",
    "Event",
    "EventIdReused",
    "Gate",
    "InboxState",
    "InvalidEnvelope",
    "KeyView",
    "PartnerInactive",
    "PartnerSetup",
    "UnknownEventType",
    "UnknownPartner",
    "add_key",
    "add_partner",
    "batch_proof",
    "deliveries",
    "end_key",
    "erase_unowned",
    "expire_parked",
    "forget_member",
    "has_keys",
    "holdings",
    "inbox_state",
    "key_id",
    "keys_in_force",
    "partners",
    "read_event",
    "reconciliation",
    "redrive",
    "require_partner",
    "rotate_secret",
    "save_partner",
    "set_active",
    "settle_waiting",
    "wake_agreed",
    "wake_holder",
    "wake_ready",
    "wake_references",
    "wake_users",
]
