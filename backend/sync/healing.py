"""Standing differences with a mirroring platform: reading them, and stating the balances anew where they differ."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import identity
from backend.sync import accounts
from backend.sync.making import Telling, make
from backend.sync.models import HEALED, TOLD, AccountSequence, Difference
from backend.sync.registry import require
from backend.vault import Vault

BATCH = 500


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """A difference as an operator reads it. `holder` is the platform's name for the member."""

    id: UUID
    destination: str
    holder: str
    programme: str
    reason: str
    state: str
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    first_seen_at: datetime
    last_seen_at: datetime


def differences(
    tx: Session, destination: str | None = None, *, healed: bool = False, after: UUID | None = None, limit: int = BATCH
) -> list[DifferenceView]:
    """Standing differences, oldest first, with those that healed if asked for; `after` is the last one already seen."""
    query = select(Difference).order_by(Difference.id).limit(limit)
    if destination is not None:
        query = query.where(Difference.destination == require(tx, destination).code)
    if not healed:
        query = query.where(Difference.state != HEALED)
    if after is not None:
        query = query.where(Difference.id > after)
    return [
        DifferenceView(
            row.id,
            row.destination,
            row.pseudonym,
            row.programme,
            row.reason,
            row.state,
            json.loads(row.ours) if row.ours else None,
            json.loads(row.theirs) if row.theirs else None,
            row.first_seen_at,
            row.last_seen_at,
        )
        for row in tx.scalars(query)
    ]


def count_differences(tx: Session, code: str) -> int:
    """How many accounts this platform and we see differently, by the last comparison of each."""
    query = select(func.count()).where(Difference.destination == code, Difference.state != HEALED)
    return tx.scalar(query) or 0


def state_balances(
    tx: Session, vault: Vault, code: str, *, after: UUID | None = None, now: datetime, limit: int = BATCH
) -> tuple[int, UUID | None]:
    """State the balances of the next accounts that differ at this platform, where it may be told about them.

    Returns how many were stated, and the last difference looked at, behind which to go on; None when that was all.
    """
    destination = require(tx, code)
    standing = select(Difference.id, AccountSequence.holder_id, AccountSequence.programme).join(
        AccountSequence,
        (AccountSequence.destination == Difference.destination)
        & (AccountSequence.pseudonym == Difference.pseudonym)
        & (AccountSequence.programme == Difference.programme),
        isouter=True,
    )
    standing = standing.where(Difference.destination == code, Difference.state != HEALED)
    if after is not None:
        standing = standing.where(Difference.id > after)
    rows = tx.execute(standing.order_by(Difference.id).limit(limit)).all()
    found = [(row.holder_id, row.programme) for row in rows if row.holder_id is not None]
    told = {account: item for account, item in accounts.told(tx, code, found).items() if item.state == TOLD}
    holders = {holder_id for holder_id, _ in told}
    may = identity.may_be_told_about(tx, holders, consented_to=destination.consented_to, now=now)
    before = destination.position + 1
    tellings = [Telling(account, before) for account in sorted(told) if account[0] in may]
    made = make(tx, vault, destination, tellings, told, now=now)
    return made, rows[-1].id if len(rows) == limit else None
