"""Sync: what is announced in the outbox, told to third-party platforms."""

from backend.sync.courier import Courier
from backend.sync.delivering import deliver_round, due_destinations
from backend.sync.errors import DestinationExists, InvalidDestination, UnknownDestination, UnknownKind, UnknownTopic
from backend.sync.notices import TOPICS, holder_pseudonym
from backend.sync.registry import (
    DestinationState,
    Handler,
    add_destination,
    destination_states,
    handlers,
    redrive,
    rotate_key,
)

__all__ = [
    "TOPICS",
    "Courier",
    "DestinationExists",
    "DestinationState",
    "Handler",
    "InvalidDestination",
    "UnknownDestination",
    "UnknownKind",
    "UnknownTopic",
    "add_destination",
    "deliver_round",
    "destination_states",
    "due_destinations",
    "handlers",
    "holder_pseudonym",
    "redrive",
    "rotate_key",
]
