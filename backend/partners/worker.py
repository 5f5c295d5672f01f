"""The worker: waiting events in batches through settlement; a bad one is found by halving and set aside."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, identity, settlement, strict_json
from backend.database import transaction
from backend.identity import Receiver
from backend.partners import inbox, registry, translation
from backend.partners.contract import Event, read_event
from backend.partners.registry import PartnerSetup
from backend.settlement import Outcome, Statement
from backend.vault import Sealer, Vault

BATCH = 500
#: How often a batch begins again because another one was in its way.
PATIENCE = 5

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Opened:
    """An inbox row with what is in it."""

    row: Any
    body: bytes
    event: Event
    user_ref_index: bytes
    receiver: Receiver | None = None
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)


def settle_waiting(sessions: sessionmaker[Session], vault: Vault, *, limit: int = BATCH) -> int:
    """Settle one batch of waiting events. Returns how many were taken up."""
    now = clock.now()
    ids: list[UUID] = []
    try:
        with transaction(sessions) as tx:
            ids = inbox.due_ids(tx, now=now, limit=limit)
            if ids:
                _settle(tx, vault, ids, now=now)
    except Exception as error:
        if not ids:
            raise
        log.warning("batch_begins_again", events=len(ids), error=repr(error))
        _settle_apart(sessions, vault, ids)
    return len(ids)


def _settle_apart(sessions: sessionmaker[Session], vault: Vault, ids: Sequence[UUID]) -> None:
    """Settle a batch that failed: again when something was in its way, by halves when it is itself the trouble."""
    error = _settle_patiently(sessions, vault, ids)
    if error is None:
        return
    if len(ids) > 1:
        middle = len(ids) // 2
        _settle_apart(sessions, vault, ids[:middle])
        _settle_apart(sessions, vault, ids[middle:])
        return
    log.error("event_set_aside", inbox_id=str(ids[0]), error=repr(error))
    # A database in trouble raises here as well: then nothing is noted against the event, and the worker waits.
    with transaction(sessions) as tx:
        inbox.fail(tx, ids[0], type(error).__name__, now=clock.now())


def _settle_patiently(sessions: sessionmaker[Session], vault: Vault, ids: Sequence[UUID]) -> Exception | None:
    """Settle these events; None when it worked. Deadlocks and races are no fault of theirs and are tried again."""
    for _ in range(PATIENCE):
        try:
            with transaction(sessions) as tx:
                _settle(tx, vault, ids, now=clock.now())
            return None
        except (OperationalError, activities.Contended) as error:
            last: Exception = error
        except Exception as error:
            return error
    return last


def _settle(tx: Session, vault: Vault, ids: Collection[UUID], *, now: datetime) -> None:
    """Settle the events that are still waiting, in one transaction."""
    setups = registry.partners(tx, vault)
    # A partner that was deactivated a moment ago: its events wait on.
    rows = [row for row in inbox.hold(tx, ids) if row.partner in setups and setups[row.partner].active]
    persons = identity.person_sealers(tx, vault, [row.holder_id for row in rows if row.holder_id is not None])
    opened = [_open(row, persons.get(row.holder_id, vault.house), vault, setups[row.partner]) for row in rows]
    _find_receivers(tx, opened, setups)
    statements, owners = [], []
    for item in opened:
        for line in item.event.lines:
            statements.append(_statement(vault, item, line, setups[item.row.partner]))
            owners.append((item, line))
    for (item, line), outcome in zip(owners, settlement.settle(tx, vault, statements), strict=True):
        item.outcomes.append((line, outcome))
    inbox.finish(tx, [_finished(vault, item) | {"next_attempt_at": now} for item in opened])
    begun = {(i.row.partner, i.event.order_no) for i in opened if i.event.order_type is not None}
    inbox.wake_orders(tx, begun, now=now)


def _open(row: Any, sealer: Sealer, vault: Vault, setup: PartnerSetup) -> _Opened:
    body = sealer.open(row.sealed_body, inbox.body_context(row.partner, row.event_id))
    event = read_event(strict_json.loads_object(body))
    if setup.programme is not None:
        return _Opened(row, body, event, identity.agreements.reference_index(vault, setup.programme, event.user_ref))
    return _Opened(row, body, event, identity.user_ref_index(vault, row.partner, event.user_ref))


def _find_receivers(tx: Session, opened: Sequence[_Opened], setups: Mapping[str, PartnerSetup]) -> None:
    """Whose events these are: by the links of partners' users, or as an office or school system called them then."""
    linked: list[_Opened] = []
    named: dict[UUID, tuple[str, bytes, date]] = {}
    for item in opened:
        programme = setups[item.row.partner].programme
        if programme is None:
            linked.append(item)
        else:
            named[item.row.id] = (programme, item.user_ref_index, clock.day_of(item.event.occurred_at))
    receivers = identity.receivers(tx, {(item.row.partner, item.user_ref_index) for item in linked})
    for item in linked:
        item.receiver = receivers.get((item.row.partner, item.user_ref_index))
    referred = identity.agreements.referred_receivers(tx, named.values())
    for item in opened:
        if item.row.id in named:
            item.receiver = referred.get(named[item.row.id])


def _statement(vault: Vault, item: _Opened, line: str, setup: PartnerSetup) -> Statement:
    event, row = item.event, item.row
    content = event.lines[line]
    cancels = event.rank == activities.CANCELLED
    return Statement(
        source_id=row.id,
        partner=row.partner,
        order_no=event.order_no,
        line=line,
        revision=event.revision,
        rank=event.rank,
        order_type=event.order_type,
        receiver=item.receiver,
        content_hash=_content_hash(vault, event, content),
        evidence=_evidence(row),
        translate=None if cancels else partial(_translate, setup, event, line),
        rests_on=activities.CONSENT if setup.programme is None else activities.AGREEMENT,
    )


def _translate(setup: PartnerSetup, event: Event, line: str, order_type: str) -> settlement.Draft:
    draft = setup.adapter.translate(setup.code, event, line, order_type, setup.return_days)
    day = clock.day_of(draft.occurred_at)
    return replace(draft, claim=translation.claim(event.lines[line], day, setup.keeps_claims_from))


def _content_hash(vault: Vault, event: Event, content: Mapping[str, Any]) -> bytes:
    """What the event says about the line, so that a repetition is told from a contradiction.

    Keyed: nobody can find the person out by trying names.
    """
    said = [event.user_ref, event.occurred_at.isoformat(), event.outcome, content]
    return vault.index("order line", json.dumps(said, sort_keys=True, default=str))


def _evidence(row: Any) -> str:
    """Where the act's evidence is and what proves it, for receipts and auditors."""
    evidence = {
        "source": "batch" if row.batch_id else "webhook",
        "partner": row.partner,
        "event_id": row.event_id,
        "body_sha256": row.body_sha256.hex(),
        "signature": row.signature,
        "signed_at": clock.iso(row.signed_at),
        "received_at": clock.iso(row.received_at),
    }
    if row.batch_id:
        evidence |= {"batch_id": str(row.batch_id), "line": row.batch_line}
    return json.dumps(evidence, ensure_ascii=False, sort_keys=True)


def _finished(vault: Vault, item: _Opened) -> dict[str, Any]:
    """What to write about an event; a known person's evidence is sealed under that person's own key from now on.

    Who is not linked any more is no longer its person: it is sealed by the house again, for whoever links next.
    """
    parked_for = next((code for _, out in item.outcomes if out.status == "parked" and (code := out.code)), None)
    receiver = item.receiver
    sealed = item.row.sealed_body
    if receiver is not None or item.row.holder_id is not None:
        sealer = vault.person(receiver.wrapped_key, receiver.holder_id.bytes) if receiver else vault.house
        sealed = sealer.seal(item.body, inbox.body_context(item.row.partner, item.row.event_id))
    return {
        "id": item.row.id,
        "state": inbox.PARKED if parked_for else inbox.DONE,
        "parked_for": inbox.PARKED_FOR[parked_for] if parked_for else None,
        "sealed_body": sealed,
        "user_ref_index": item.user_ref_index if parked_for else None,
        "holder_id": receiver.holder_id if receiver else None,
        "outcome": json.dumps([_line_outcome(line, outcome) for line, outcome in item.outcomes], ensure_ascii=False),
    }


def _line_outcome(line: str, outcome: Outcome) -> dict[str, Any]:
    """One line of a delivery as the partner reads it."""
    told: dict[str, Any] = {"line": line, "status": outcome.status, "code": outcome.code}
    if outcome.activity is not None:
        told |= {
            "activity_id": str(outcome.activity[1]),
            "methodology": outcome.methodology,
            "reduction_g": outcome.reduction_g,
            "offset_g": outcome.offset_g,
            "eac_wh": outcome.eac_wh,
            "points": outcome.points,
        }
    return told
