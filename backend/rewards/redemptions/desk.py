"""Where redemptions are taken: the database, the keys, the doors to providers, and how long a member waits for them."""

from dataclasses import dataclass
from threading import BoundedSemaphore
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from backend.rewards.orders.finishing import finish_one
from backend.rewards.orders.outside import Doors
from backend.vault import Vault

#: How long the member waits for an outside provider; afterwards a worker asks on.
PATIENCE_S = 5.0
#: So many threads of a process wait for providers; a provider that hangs shall not keep all of them from other members.
WAITING_AT_ONCE = 4
_places = BoundedSemaphore(WAITING_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where redemptions are taken."""

    sessions: sessionmaker[Session]
    vault: Vault
    doors: Doors

    def ask_provider(self, holder_id: UUID, redemption_id: UUID) -> None:
        """See to an order once while its member waits, if not too many wait; what is left open, a worker sees to."""
        if _places.acquire(blocking=False):
            try:
                finish_one(self.sessions, self.vault, self.doors, holder_id, redemption_id, deadline_s=PATIENCE_S)
            finally:
                _places.release()
