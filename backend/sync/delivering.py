"""One round of one destination: claim it, send what is due, write down what came of it.

Nothing is sent inside a database transaction: a receiver that takes its time holds no lock and no connection. A worker
that dies between sending and writing lets its claim run out, and the same notices go out again under the same ids.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, identity
from backend.database import transaction
from backend.outbox import OutboxRow
from backend.sync import accounts, comparing, policy
from backend.sync.destinations import DESTINATIONS
from backend.sync.fan_out import fan_out
from backend.sync.interfaces import Answered, Notice, Target
from backend.sync.models import DEAD, DELIVERED, STOPPED, WAITING, WITHHELD, Comparison, Delivery, Destination
from backend.sync.notices import ENDINGS, notice
from backend.sync.registry import keys_at
from backend.vault import Vault

BATCH = 100
#: Calls to one destination at the same time.
CONCURRENCY = 8
#: No call is begun later than this in a round; with the deadline of the last one it ends well within the claim.
ROUND_S = 30.0
CLAIM = timedelta(seconds=120)

#: A notice and the attempts made so far.
_Key = tuple[UUID, int]
_Due = tuple[Delivery, OutboxRow]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Round:
    """What one worker does at one destination before it lets go: notices by delivery id and attempts made so far.

    `persons` are those whom notices are about that go out only while they may.
    """

    code: str
    kind: str
    target: Target
    consented_to: str | None
    claimed_until: datetime
    looked_at: int
    notices: Mapping[_Key, Notice]
    persons: Mapping[_Key, UUID]


def due_destinations(tx: Session, *, now: datetime) -> list[str]:
    """Destinations that nobody works on and that have something to do."""
    waiting = select(Delivery.id).where(
        Delivery.destination == Destination.code, Delivery.state == WAITING, Delivery.next_attempt_at <= now
    )
    announced = select(OutboxRow.id).where(OutboxRow.position > Destination.position)
    compared = select(Comparison.id).where(Comparison.destination == Destination.code, *comparing.due(now))
    to_do = or_(waiting.exists(), announced.exists(), compared.exists())
    query = select(Destination.code).where(*_free(now), to_do)
    return list(tx.scalars(query.order_by(Destination.code)))


def deliver_round(
    sessions: sessionmaker[Session],
    vault: Vault,
    code: str,
    *,
    allowed_hosts: Collection[str] = (),
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Send one batch to one destination. Returns how much there was to do; 0 also when another worker is at it."""
    with transaction(sessions) as tx:
        begun = _begin(tx, vault, code, allowed_hosts, now=clock.now())
    if begun is None:
        return 0
    answers = _send(sessions, begun, stopping)
    with transaction(sessions) as tx:
        _finish(tx, begun, answers, now=clock.now())
    return begun.looked_at + len(answers)


def _free(now: datetime) -> tuple[Any, ...]:
    return Destination.active, Destination.quiet_until <= now, Destination.claimed_until <= now


def _begin(tx: Session, vault: Vault, code: str, allowed_hosts: Collection[str], *, now: datetime) -> _Round | None:
    query = select(Destination).where(Destination.code == code, *_free(now)).with_for_update(skip_locked=True)
    destination = tx.scalar(query)
    if destination is None:
        return None
    destination.claimed_until = now + CLAIM
    looked_at = fan_out(tx, vault, destination, now=now)
    due = (
        select(Delivery, OutboxRow)
        .join(OutboxRow, OutboxRow.id == Delivery.outbox_id)
        .where(Delivery.destination == code, Delivery.state == WAITING, Delivery.next_attempt_at <= now)
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(BATCH)
    )
    rows = [(row, announced) for row, announced in tx.execute(due)]
    allowed = _without_withheld(tx, destination, rows, now=now)
    notices = {(row.id, row.attempts): _notice(vault, row, announced) for row, announced in allowed}
    persons = {(row.id, row.attempts): row.holder_id for row, told in allowed if told.topic not in ENDINGS}
    target = Target(destination.url, keys_at(tx, vault, code, now), allowed_hosts)
    claim = destination.claimed_until
    looked_at += len(rows) - len(allowed)
    return _Round(code, destination.kind, target, destination.consented_to, claim, looked_at, notices, persons)


def _without_withheld(tx: Session, destination: Destination, rows: Sequence[_Due], *, now: datetime) -> list[_Due]:
    """Those of these notices that may be sent. The others never will be: they keep their numbers, which do not come."""
    holders = {row.holder_id for row, announced in rows if announced.topic not in ENDINGS}
    may = identity.may_be_told_about(tx, holders, consented_to=destination.consented_to, now=now)
    allowed, withheld = [], set()
    for row, told in rows:
        if told.topic in ENDINGS or accounts.may_tell(may, row.holder_id, told.announced_at):
            allowed.append((row, told))
        else:
            row.state = WITHHELD
            withheld.add((row.holder_id, row.programme))
    accounts.interrupt(tx, destination.code, withheld)
    return allowed


def _notice(vault: Vault, row: Delivery, announced: OutboxRow) -> Notice:
    return notice(
        vault,
        row.destination,
        delivery_id=row.id,
        topic=announced.topic,
        holder_id=row.holder_id,
        sequence=row.sequence,
        payload=announced.payload,
        announced_at=announced.announced_at,
    )


def _send(sessions: sessionmaker[Session], begun: _Round, stopping: Callable[[], bool]) -> dict[_Key, Answered]:
    """Call the destination, several calls at a time; what is not reached in this round waits as it did.

    A receiver that asks for patience, or wants nothing any more, gets no further call, and none begins about a person
    who withdrew or was forgotten meanwhile.
    """
    kind = DESTINATIONS[begun.kind]
    answers: dict[_Key, Answered] = {}
    ends = time.monotonic() + ROUND_S
    enough = False

    def call(key: _Key) -> None:
        nonlocal enough
        if enough or stopping() or time.monotonic() > ends or not _still_allowed(sessions, begun, key):
            return
        try:
            answer = kind.deliver(begun.target, begun.notices[key], now=clock.now())
        except Exception as error:  # our own mistake: it counts as a failure, so that one notice cannot hold up others
            log.error("delivery_failed", destination=begun.code, exc_info=error)
            answer = Answered(False, error=type(error).__name__)
        answers[key] = answer
        enough = enough or answer.gone or answer.slow_down

    if begun.notices:
        with ThreadPoolExecutor(min(CONCURRENCY, len(begun.notices)), thread_name_prefix="sync") as pool:
            list(pool.map(call, begun.notices))
    return answers


def _still_allowed(sessions: sessionmaker[Session], begun: _Round, key: _Key) -> bool:
    if (person := begun.persons.get(key)) is None:
        return True
    with transaction(sessions) as tx:
        return bool(identity.may_be_told_about(tx, [person], consented_to=begun.consented_to, now=clock.now()))


def _finish(tx: Session, begun: _Round, answers: Mapping[_Key, Answered], *, now: datetime) -> None:
    """Write the answers down and let the destination go. What somebody else decided meanwhile stands."""
    destination = tx.get(Destination, begun.code, with_for_update=True)
    assert destination is not None
    query = select(Delivery).where(Delivery.id.in_([id for id, _ in answers])).order_by(Delivery.id).with_for_update()
    for row in tx.scalars(query):
        answer = answers.get((row.id, row.attempts))
        if answer is not None and row.state == WAITING:
            _note(row, answer, now=now)
    if destination.claimed_until == begun.claimed_until:
        destination.claimed_until = now
    if patience := [item.retry_after_s for item in answers.values() if item.slow_down]:
        asked = [policy.quiet_until(now=now, retry_after_s=seconds) for seconds in patience]
        destination.quiet_until = max(destination.quiet_until, *asked)
    if any(item.gone for item in answers.values()):
        _stop(tx, destination)


def _note(row: Delivery, answer: Answered, *, now: datetime) -> None:
    row.attempts += 1
    row.last_status, row.last_error = answer.status, answer.error
    if answer.delivered:
        row.state, row.delivered_at = DELIVERED, now
        return
    again = policy.next_attempt(row.attempts, now=now, retry_after_s=answer.retry_after_s)
    if again is None:
        row.state = DEAD
        log.error("notice_dead", destination=row.destination, delivery=str(row.id), status=row.last_status)
    else:
        row.next_attempt_at = again


def _stop(tx: Session, destination: Destination) -> None:
    """The receiver wants nothing any more: end the subscription until an operator redrives it."""
    destination.active = False
    tx.flush()
    mine: Sequence[Any] = (Delivery.destination == destination.code, Delivery.state == WAITING)
    tx.execute(update(Delivery).values(state=STOPPED).where(*mine).execution_options(synchronize_session=False))
    log.warning("destination_stopped", destination=destination.code)
