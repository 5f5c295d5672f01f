"""Identifiers: UUID version 7 (RFC 9562): made in the program, ordered by time, unguessable.

An identifier exists before its row does, so a batch can wire activities, transactions, transfers and lots together
without asking the database for numbers.
"""

import os
import threading
from datetime import datetime
from uuid import UUID

from backend import clock

_lock = threading.Lock()
_last = 0


def first_id_at(instant: datetime) -> UUID:
    """The smallest identifier that can be made at this instant or later."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)


def new_id() -> UUID:
    """A fresh identifier, greater than every one this process made before."""
    global _last
    random = int.from_bytes(os.urandom(8), "big")
    milliseconds = int(clock.now().timestamp() * 1000)
    with _lock:
        # 48 bits of time, then a 12-bit counter: the order holds within a millisecond and when the clock steps back.
        _last = max(_last + 1, milliseconds << 12)
        ticks = _last
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | (random & ((1 << 62) - 1))
    return UUID(int=value)
