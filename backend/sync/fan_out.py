"""From announcements to deliveries: each gets the next number of its account at this destination."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, select
from sqlalchemy.orm import Session

from backend import outbox
from backend.ids import new_id
from backend.lists import insert_rows, recordset, upsert_rows
from backend.sync.models import AccountSequence, Delivery, Destination
from backend.sync.notices import TOPICS
from backend.sync.registry import WAITING

BATCH = 500
#: An account: holder and programme.
_Account = tuple[UUID, str]


def fan_out(tx: Session, destination: Destination, *, now: datetime, limit: int = BATCH) -> int:
    """Make deliveries of the next announcements. Returns how many were looked at.

    The caller holds the destination's row, so its numbers are given by one transaction at a time and have no gaps.
    """
    rows = outbox.read_after(tx, destination.position, limit=limit)
    if not rows:
        return 0
    wanted = TOPICS.keys() & set(json.loads(destination.topics))
    told = [(row, _account(row)) for row in rows if row.topic in wanted]
    numbers = _last_numbers(tx, destination.code, sorted({account for _, account in told}))
    deliveries = []
    for row, account in told:
        numbers[account] = numbers.get(account, 0) + 1
        deliveries.append(_delivery(destination.code, row.id, account, numbers[account], now))
    upsert_rows(
        tx,
        AccountSequence,
        [
            {"destination": destination.code, "holder_id": account[0], "programme": account[1], "last": last}
            for account, last in sorted(numbers.items())
        ],
        key=("destination", "holder_id", "programme"),
    )
    insert_rows(tx, Delivery, deliveries)
    destination.position = rows[-1].position
    tx.flush()
    return len(rows)


def _account(row: Any) -> _Account:
    return row.holder_id, json.loads(row.payload)["programme"]


def _last_numbers(tx: Session, code: str, accounts: Sequence[_Account]) -> dict[_Account, int]:
    given = recordset(tx, "given", {"holder_id": Uuid(), "programme": Text()}, accounts)
    query = select(AccountSequence.holder_id, AccountSequence.programme, AccountSequence.last).join(
        given,
        (AccountSequence.holder_id == given.c.holder_id) & (AccountSequence.programme == given.c.programme),
    )
    query = query.where(AccountSequence.destination == code)
    return {(row.holder_id, row.programme): row.last for row in tx.execute(query)}


def _delivery(code: str, outbox_id: UUID, account: _Account, sequence: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "destination": code,
        "outbox_id": outbox_id,
        "holder_id": account[0],
        "programme": account[1],
        "sequence": sequence,
        "state": WAITING,
        "attempts": 0,
        "next_attempt_at": now,
    }
