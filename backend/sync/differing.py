"""One page of a comparison: what a platform says it holds, beside what we have, and every difference written down."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, or_, select
from sqlalchemy.orm import Session

from backend import ledger
from backend.database import Amount
from backend.ids import new_id
from backend.lists import recordset
from backend.outbox import OutboxRow
from backend.sync.interfaces import Mirrored, Page
from backend.sync.judging import DIGESTION, Ours, Uncounted, Verdict, judge
from backend.sync.models import (
    DELIVERED,
    HEALED,
    INTERRUPTED,
    TOLD,
    WITHHELD,
    AccountSequence,
    Delivery,
    Destination,
    Difference,
)
from backend.sync.notices import STATED

#: Accounts of ours looked at in one step.
CHUNK = 1_000
#: The platform's name of a holder, and the programme.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """What one step came to: `upto` is the last holder compared, None when there are no more on either side."""

    accounts: int
    differing: int
    upto: str | None


def compare_page(tx: Session, destination: Destination, after: str | None, page: Page, *, now: datetime) -> Compared:
    """Compare the holders behind `after`, as far as the page and one chunk of ours reach.

    The caller holds the destination's row, so no number is given and no announcement passed on meanwhile.
    """
    upto = None if page.complete else page.accounts[-1].holder
    rows, upto = _our_chunk(tx, destination.code, after or "", upto)
    theirs = {(item.holder, item.programme): item for item in page.accounts if upto is None or item.holder <= upto}
    ours = _ours(tx, destination, rows, theirs, now=now)
    undecided = {key for key, item in ours.items() if item.state == INTERRUPTED}
    verdicts: dict[_Key, Verdict] = {}
    for key in sorted(ours.keys() | theirs.keys()):
        verdict = judge(ours.get(key), theirs.get(key), now=now)
        if verdict is not None:
            verdicts[key] = verdict
    standing = _standing(tx, destination.code, after or "", upto)
    for key in standing.keys() - verdicts.keys() - undecided:
        standing[key].state, standing[key].last_seen_at = HEALED, now
    for key, verdict in verdicts.items():
        row = standing.get(key) or _new(destination.code, key, now)
        row.reason, row.state, row.last_seen_at = verdict.reason, verdict.state, now
        row.ours = None if verdict.expected is None else json.dumps(verdict.expected, sort_keys=True)
        row.theirs = _as_json(theirs.get(key))
        tx.add(row)
    tx.flush()
    return Compared(len(ours.keys() | theirs.keys()), len(verdicts), upto)


def _our_chunk(tx: Session, code: str, after: str, upto: str | None) -> tuple[Sequence[AccountSequence], str | None]:
    """The accounts this platform was told about in that range; where they are too many, the range ends earlier."""
    query = select(AccountSequence).where(AccountSequence.destination == code, AccountSequence.pseudonym > after)
    if upto is not None:
        query = query.where(AccountSequence.pseudonym <= upto)
    rows = list(tx.scalars(query.order_by(AccountSequence.pseudonym).limit(CHUNK)))
    if len(rows) < CHUNK:
        return rows, upto
    torn = rows[-1].pseudonym
    whole = [row for row in rows if row.pseudonym != torn]
    return whole, whole[-1].pseudonym


def _ours(
    tx: Session,
    destination: Destination,
    rows: Sequence[AccountSequence],
    theirs: Mapping[_Key, Mirrored],
    *,
    now: datetime,
) -> dict[_Key, Ours]:
    before = destination.position + 1
    told = [row for row in rows if row.state == TOLD]
    held = ledger.balances_before(tx, {(row.holder_id, row.programme, before) for row in told})
    uncounted = _uncounted(tx, destination.code, told, theirs, now=now)
    return {
        (row.pseudonym, row.programme): Ours(
            row.state,
            row.last,
            held.get((row.holder_id, row.programme, before), {}),
            uncounted[row.pseudonym, row.programme],
        )
        for row in rows
    }


def _uncounted(
    tx: Session, code: str, told: Sequence[AccountSequence], theirs: Mapping[_Key, Mirrored], *, now: datetime
) -> Mapping[_Key, list[Uncounted]]:
    """The notices that the platform does not count: those behind its number, and those it misses.

    Of an account it does not list at all, only what has not reached it or reached it just now.
    """
    found: dict[_Key, list[Uncounted]] = defaultdict(list)
    counted: dict[tuple[UUID, str], tuple[_Key, int, frozenset[int]]] = {}
    given = []
    for row in told:
        key = row.pseudonym, row.programme
        mirrored = theirs.get(key)
        number, missing = (mirrored.sequence, mirrored.missing) if mirrored else (row.last, frozenset[int]())
        counted[row.holder_id, row.programme] = key, number if mirrored else 0, missing
        given.append((row.holder_id, row.programme, min(missing, default=number + 1)))
    for delivery, announced in tx.execute(_deliveries_from(tx, code, given, now - DIGESTION)):
        key, number, missing = counted[delivery.holder_id, delivery.programme]
        if delivery.sequence > number or delivery.sequence in missing:
            facts = json.loads(announced.payload)
            changes = None if announced.topic == STATED else facts.get("changes", {})
            found[key].append(Uncounted(delivery.state, delivery.delivered_at, changes))
    return found


def _deliveries_from(tx: Session, code: str, given: Sequence[tuple[UUID, str, int]], just_now: datetime) -> Any:
    """Deliveries of these accounts from a number on, and whatever of them was not delivered, or only just now."""
    wanted = recordset(tx, "wanted", {"holder_id": Uuid(), "programme": Text(), "first": Amount}, given)
    return (
        select(Delivery, OutboxRow)
        .join(OutboxRow, OutboxRow.id == Delivery.outbox_id)
        .join(wanted, (Delivery.holder_id == wanted.c.holder_id) & (Delivery.programme == wanted.c.programme))
        .where(
            Delivery.destination == code,
            Delivery.state != WITHHELD,
            or_(Delivery.sequence >= wanted.c.first, Delivery.state != DELIVERED, Delivery.delivered_at > just_now),
        )
    )


def _standing(tx: Session, code: str, after: str, upto: str | None) -> dict[_Key, Difference]:
    """The differences of that range that have not healed, held."""
    query = select(Difference).where(
        Difference.destination == code, Difference.state != HEALED, Difference.pseudonym > after
    )
    if upto is not None:
        query = query.where(Difference.pseudonym <= upto)
    return {(row.pseudonym, row.programme): row for row in tx.scalars(query.with_for_update())}


def _new(code: str, key: _Key, now: datetime) -> Difference:
    return Difference(id=new_id(), destination=code, pseudonym=key[0], programme=key[1], first_seen_at=now)


def _as_json(mirrored: Mirrored | None) -> str | None:
    if mirrored is None:
        return None
    return json.dumps({"balances": dict(mirrored.balances), "sequence": mirrored.sequence}, sort_keys=True)
