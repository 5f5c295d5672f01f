"""The inbox: an event is on disk before it is answered, and never in limbo afterwards."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Text, Uuid, func, select, update
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.database import Instant
from backend.lists import Columns, recordset
from backend.partners.models import InboxConflict, InboxEvent, Partner

STATES = WAITING, DONE, PARKED, DEAD = "waiting", "done", "parked", "dead"
PARKED_LIFE = timedelta(days=30)
MISSED_WITHIN = timedelta(hours=1)
#: Between reading the clock and committing, a batch takes less than this.
LONGEST_SETTLEMENT = timedelta(minutes=1)
#: After a failure the event is tried again after so long; after the last time it is a dead letter.
RETRY_AFTER = tuple(timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
#: What an outcome is parked for.
PARKED_FOR = {"NO_LINK": "LINK", "NO_CONSENT": "CONSENT", "NO_AGREEMENT": "AGREEMENT", "AWAITING_ORDER": "ORDER"}


def body_context(partner: str, event_id: str) -> bytes:
    """What a sealed body is bound to."""
    return f"inbox:{partner}:{event_id}".encode()


def due_ids(tx: Session, *, now: datetime, limit: int) -> list[UUID]:
    """Events of active partners whose turn it is, oldest first, that no other worker holds."""
    active = InboxEvent.partner.in_(select(Partner.code).where(Partner.active))
    query = (
        select(InboxEvent.id)
        .where(InboxEvent.state == WAITING, InboxEvent.next_attempt_at <= now, active)
        .order_by(InboxEvent.next_attempt_at, InboxEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.scalars(query))


def hold(tx: Session, ids: Collection[UUID]) -> list[Any]:
    """Lock these waiting events and read them; those another worker took meanwhile are left out."""
    given = recordset(tx, "given", {"id": Uuid()}, [(id,) for id in sorted(ids)])
    query = (
        select(InboxEvent.__table__)
        .join(given, InboxEvent.id == given.c.id)
        .where(InboxEvent.state == WAITING)
        .order_by(InboxEvent.id)
        .with_for_update(skip_locked=True, of=InboxEvent)
    )
    return list(tx.execute(query))


_SETTLED: Columns = {
    "id": Uuid(),
    "state": Text(),
    "parked_for": Text(),
    "sealed_body": LargeBinary(),
    "user_ref_index": LargeBinary(),
    "holder_id": Uuid(),
    "outcome": Text(),
    "next_attempt_at": Instant(),
}


def finish(tx: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what became of a batch of events (the fields of `_SETTLED`)."""
    values = [tuple(row[name] for name in _SETTLED) for row in sorted(rows, key=lambda row: row["id"])]
    given = recordset(tx, "given", _SETTLED, values)
    tx.execute(
        update(InboxEvent)
        .values({name: given.c[name] for name in list(_SETTLED)[1:]} | {"last_error": None})
        .where(InboxEvent.id == given.c.id)
        .execution_options(synchronize_session=False)
    )


def fail(tx: Session, event_id: UUID, error: str, *, now: datetime) -> None:
    """Note a failed attempt: try again later, or give the event up as a dead letter that an operator can redrive."""
    row = tx.get(InboxEvent, event_id, with_for_update=True)
    if row is None or row.state != WAITING:
        return
    row.last_error = error
    if row.attempts < len(RETRY_AFTER):
        row.next_attempt_at = now + RETRY_AFTER[row.attempts]
    else:
        row.state = DEAD
    row.attempts += 1


def _wake(tx: Session, condition: Any, now: datetime) -> int:
    statement = (
        update(InboxEvent)
        .values(state=WAITING, parked_for=None, next_attempt_at=now)
        .where(InboxEvent.state == PARKED, condition)
        .execution_options(synchronize_session=False)
    )
    return len(list(tx.scalars(statement.returning(InboxEvent.id))))


def wake_users(tx: Session, users: Collection[tuple[str, bytes]], *, now: datetime) -> int:
    """Let the parked events of these (partner, user reference index) be settled: a link or a consent has come."""
    given = recordset(tx, "given", {"partner": Text(), "user_ref_index": LargeBinary()}, sorted(users))
    mine = (InboxEvent.partner == given.c.partner) & (InboxEvent.user_ref_index == given.c.user_ref_index)
    return _wake(tx, select(given.c.partner).where(mine).exists(), now)


def wake_orders(tx: Session, orders: Collection[tuple[str, str]], *, now: datetime) -> int:
    """Let parked corrections of these (partner, order number) be settled: their order has come."""
    given = recordset(tx, "given", {"partner": Text(), "order_no": Text()}, sorted(orders))
    mine = (InboxEvent.partner == given.c.partner) & (InboxEvent.order_no == given.c.order_no)
    return _wake(tx, (InboxEvent.parked_for == "ORDER") & select(given.c.partner).where(mine).exists(), now)


def wake_holder(tx: Session, holder_id: UUID, partner: str, *, now: datetime) -> int:
    """Let the parked events of a member be settled that came from one partner."""
    return _wake(tx, (InboxEvent.holder_id == holder_id) & (InboxEvent.partner == partner), now)


def wake_references(tx: Session, references: Collection[tuple[str, bytes]], *, now: datetime) -> int:
    """Let the parked events of these (programme, reference index) be settled: they name an account now."""
    return wake_users(tx, _users_called(tx, references), now=now)


def wake_agreed(tx: Session, partner: str, *, now: datetime) -> int:
    """Let a partner's events be settled that waited for an agreement."""
    return _wake(tx, (InboxEvent.parked_for == "AGREEMENT") & (InboxEvent.partner == partner), now)


def _users_called(tx: Session, references: Collection[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The (partner, index) of these (programme, index) at every partner whose events rest on an agreement."""
    resting = tx.execute(select(Partner.programme, Partner.code).where(Partner.programme.is_not(None))).all()
    return [(code, index) for programme, code in resting for called, index in references if called == programme]


def wake_ready(tx: Session, *, now: datetime) -> int:
    """Wake parked events whose link, account or consent came at the very moment they were parked, and was missed then.

    An event that was looked at since stays parked: whatever came did not help it.
    """
    allowed = identity.recently_allowed(tx, since=now - MISSED_WITHIN)
    named = identity.agreements.recently_named(tx, since=now - MISSED_WITHIN)
    for (programme, index), at in named.items():
        allowed |= dict.fromkeys(_users_called(tx, [(programme, index)]), at)
    types: Columns = {"partner": Text(), "user_ref_index": LargeBinary(), "looked_at_before": Instant()}
    rows = [(*user, at + LONGEST_SETTLEMENT) for user, at in sorted(allowed.items())]
    given = recordset(tx, "given", types, rows)
    missed = (
        (InboxEvent.partner == given.c.partner)
        & (InboxEvent.user_ref_index == given.c.user_ref_index)
        & (InboxEvent.next_attempt_at < given.c.looked_at_before)
    )
    return _wake(tx, select(given.c.partner).where(missed).exists(), now)


def expire_parked(tx: Session, *, now: datetime, limit: int = 500) -> int:
    """End parked events older than 30 days and erase their payload."""
    query = (
        select(InboxEvent)
        .where(InboxEvent.state == PARKED, InboxEvent.received_at <= now - PARKED_LIFE)
        .order_by(InboxEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(tx.scalars(query))
    for row in rows:
        row.outcome = json.dumps([{"line": "*", "status": "refused", "code": "PARKED_TOO_LONG"}])
        row.state, row.parked_for, row.sealed_body, row.user_ref_index = DONE, None, None, None
    return len(rows)


def erase_unowned(tx: Session, *, now: datetime) -> int:
    """Erase the bodies of old events that never found their person: nobody could ask for them to be forgotten."""
    old = now - PARKED_LIFE
    events = (InboxEvent.state == DONE, InboxEvent.holder_id.is_(None), InboxEvent.received_at <= old)
    erased = 0
    for table, conditions in ((InboxEvent, events), (InboxConflict, (InboxConflict.received_at <= old,))):
        statement = update(table).values(sealed_body=None).where(table.sealed_body.is_not(None), *conditions)
        statement = statement.returning(table.event_id).execution_options(synchronize_session=False)
        erased += len(list(tx.scalars(statement)))
    return erased


def redrive(tx: Session, *, partner: str | None, event_id: str | None, now: datetime) -> int:
    """Give dead letters another life with their attempts forgotten; the event id stays. Returns how many."""
    statement = (
        update(InboxEvent)
        .values(state=WAITING, attempts=0, next_attempt_at=now)
        .where(InboxEvent.state == DEAD)
        .execution_options(synchronize_session=False)
    )
    if partner is not None:
        statement = statement.where(InboxEvent.partner == partner)
    if event_id is not None:
        statement = statement.where(InboxEvent.event_id == event_id)
    return len(list(tx.scalars(statement.returning(InboxEvent.id))))


@dataclass(frozen=True, slots=True)
class InboxState:
    """How the inbox is doing: events by (partner, state), and how long the oldest due event has waited, in seconds.

    Events of partners that are not active wait as well, but nobody is late with them.
    """

    counts: Mapping[tuple[str, str], int]
    oldest_waiting_s: int


def inbox_state(tx: Session) -> InboxState:
    """Counts for the operator."""
    counts = select(InboxEvent.partner, InboxEvent.state, func.count()).group_by(InboxEvent.partner, InboxEvent.state)
    active = InboxEvent.partner.in_(select(Partner.code).where(Partner.active))
    due = select(func.min(InboxEvent.next_attempt_at)).where(InboxEvent.state == WAITING, active)
    oldest = tx.scalar(due)
    now = clock.now()
    waited = max(0, int((now - oldest).total_seconds())) if oldest else 0
    return InboxState({(row[0], row[1]): row[2] for row in tx.execute(counts)}, waited)
