"""What the books announce: how each transaction changed its holder's balances; and balances as of an announcement.

Every transaction is announced in the database transaction that posts it, with the signed change of each balance. So who
adds up the changes, in any order, holds the balances.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, cast, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from backend import outbox
from backend.database import Amount
from backend.ledger.chart import CHART
from backend.ledger.models import Balance
from backend.ledger.transactions import Transaction
from backend.lists import recordset
from backend.outbox import Announcement, OutboxRow

#: What a transaction is announced as, by the accounts of its first transfer.
_BY_MOVE = {
    ("points.pending", "points.available"): "points.ripened",
    ("points.available", "expired.points"): "points.lapsed",
    ("points.available", "points.reserved"): "points.reserved",
    ("points.reserved", "points.available"): "points.released",
    ("points.reserved", "spent.points"): "points.spent",
    ("points.available", "spent.points"): "points.spent",
    ("spent.points", "points.available"): "points.refunded",
    ("points.debt", "written_off.points"): "points.written_off",
}
#: What it is announced as by its kind, where the accounts do not tell.
_BY_KIND = {"grant": "points.granted", "grant.reversed": "points.revoked"}
_OTHERWISE = "balance.changed"
#: Everything that a posted transaction may be announced as.
TOPICS = (*dict.fromkeys(_BY_MOVE.values()), *_BY_KIND.values(), _OTHERWISE)

#: A moment of one account: holder, programme, and the position of the announcement it lies before.
Moment = tuple[UUID, str, int]


def changes(transactions: Iterable[Transaction]) -> dict[str, int]:
    """By how much these transactions change each balance, with sign; accounts that end as they were are left out."""
    changed: dict[str, int] = defaultdict(int)
    for item in transactions:
        for transfer in item.transfers:
            changed[transfer.debit] -= transfer.amount
            changed[transfer.credit] += transfer.amount
    return {name: amount for name, amount in sorted(changed.items()) if amount and not CHART[name].system}


def announce(tx: Session, posted: Sequence[Transaction], *, now: datetime) -> None:
    """Announce each transaction by itself."""
    outbox.announce(tx, [_news(item) for item in posted], now=now)


def _news(item: Transaction) -> Announcement:
    first = item.transfers[0]
    topic = _BY_KIND.get(item.kind) or _BY_MOVE.get((first.debit, first.credit), _OTHERWISE)
    activity_id = str(item.activity_id) if item.activity_id else None
    facts = {"programme": item.programme, "activity_id": activity_id, "changes": changes([item])}
    return Announcement(topic, item.holder_id, facts)


def balances_before(tx: Session, moments: Collection[Moment]) -> dict[Moment, dict[str, int]]:
    """What each account held when exactly what is announced before that position had happened; zeros are left out.

    Balances and later announcements are read by one statement, so no transaction is seen by half.
    """
    if not moments:
        return {}
    found: dict[tuple[UUID, str], dict[str, int]] = defaultdict(dict)
    later: dict[tuple[UUID, str], list[tuple[int | None, Mapping[str, int]]]] = defaultdict(list)
    for row in tx.execute(_balances_and_news(tx, moments)):
        if row.payload is None:
            found[row.holder_id, row.programme][row.account] = row.amount
        else:
            facts = json.loads(row.payload)
            later[row.holder_id, facts.get("programme")].append((row.amount, facts.get("changes", {})))
    held: dict[Moment, dict[str, int]] = {}
    for moment in moments:
        account, before = moment[:2], moment[2]
        amounts = defaultdict(int, found[account])
        for position, changed in later[account]:
            if position is None or position >= before:
                for name, amount in changed.items():
                    amounts[name] -= amount
        held[moment] = {name: amount for name, amount in sorted(amounts.items()) if amount}
    return held


def _balances_and_news(tx: Session, moments: Collection[Moment]) -> Any:
    """Balances of these holders, and what is announced of them from their first moment on (`amount`: its position)."""
    first: dict[UUID, int] = {}
    for holder_id, _, position in moments:
        first[holder_id] = min(position, first.get(holder_id, position))
    given = recordset(tx, "given", {"holder_id": Uuid(), "position": Amount}, sorted(first.items()))
    behind = or_(OutboxRow.position.is_(None), OutboxRow.position >= given.c.position)
    return union_all(
        select(
            Balance.holder_id, Balance.programme, Balance.account, Balance.amount, cast(null(), Text).label("payload")
        ).join(given, Balance.holder_id == given.c.holder_id),
        select(OutboxRow.holder_id, literal(""), literal(""), OutboxRow.position, OutboxRow.payload)
        .join(given, OutboxRow.holder_id == given.c.holder_id)
        .where(behind),
    )
