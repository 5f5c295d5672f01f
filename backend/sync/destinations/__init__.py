"""The kinds of destinations: one module and one line each."""

from backend.sync.destinations import loyalty, webhook
from backend.sync.interfaces import Destination, Mirror

#: Kinds that can be asked what they hold.
MIRRORS: dict[str, Mirror] = {kind.kind: kind for kind in (loyalty.DESTINATION,)}
DESTINATIONS: dict[str, Destination] = {webhook.DESTINATION.kind: webhook.DESTINATION, **MIRRORS}

__all__ = ["DESTINATIONS", "MIRRORS"]
