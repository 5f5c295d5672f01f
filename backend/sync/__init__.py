"""Sync: what is announced in the outbox, told to third-party platforms.

The `courier` gives each destination a thread. There `delivering` has `fan_out` choose the notices and `making` number
them (`accounts` knows how far each account is told), and sends them by `calling`, as the kind in `destinations` says;
`notices` is what they hold, `policy` when they are tried again. A platform that mirrors balances is asked by
`comparing`; `differing` puts its page beside ours, `judging` says what is different, and `healing` shows it and states
the balances anew. `registry` has destinations and their keys.
"""

from backend.sync.comparing import (
    ComparisonView,
    begin_comparison,
    begin_comparisons,
    compare_step,
    newest_comparison,
)
from backend.sync.courier import courier
from backend.sync.delivering import deliver_round, due_destinations
from backend.sync.entrusting import ENTRUST, decide_entrusted, request_entrusted
from backend.sync.errors import (
    DestinationExists,
    InvalidDestination,
    NoMirror,
    UnknownDestination,
    UnknownKind,
    UnknownTopic,
)
from backend.sync.healing import DifferenceView, count_differences, differences, state_balances
from backend.sync.holdings import holdings
from backend.sync.notices import TOPICS, holder_pseudonym
from backend.sync.registry import (
    DestinationState,
    Handler,
    add_destination,
    destination_states,
    handlers,
    redrive,
    retire,
    rotate_key,
    standing,
)
from backend.sync.retention import purge

__all__ = [
    "ENTRUST",
    "TOPICS",
    "ComparisonView",
    "DestinationExists",
    "DestinationState",
    "DifferenceView",
    "Handler",
    "InvalidDestination",
    "NoMirror",
    "UnknownDestination",
    "UnknownKind",
    "UnknownTopic",
    "add_destination",
    "begin_comparison",
    "begin_comparisons",
    "compare_step",
    "count_differences",
    "courier",
    "decide_entrusted",
    "deliver_round",
    "destination_states",
    "differences",
    "due_destinations",
    "handlers",
    "holder_pseudonym",
    "holdings",
    "newest_comparison",
    "purge",
    "redrive",
    "request_entrusted",
    "retire",
    "rotate_key",
    "standing",
    "state_balances",
]
