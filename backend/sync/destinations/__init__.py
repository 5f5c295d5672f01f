"""The kinds of destinations: one module and one line each."""

from backend.sync.destinations import webhook
from backend.sync.interfaces import Destination

DESTINATIONS: dict[str, Destination] = {kind.kind: kind for kind in (webhook.DESTINATION,)}

__all__ = ["DESTINATIONS"]
