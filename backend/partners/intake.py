"""Intake: what a partner signed is written down, each event once, however it came."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, select

from backend import clock
from backend.ids import new_id
from backend.lists import Runner, insert_rows, recordset
from backend.partners.contract import Event, content_hash, read_event
from backend.partners.errors import UnknownEventType
from backend.partners.inbox import WAITING, body_context
from backend.partners.models import InboxConflict, InboxEvent
from backend.partners.registry import PartnerSetup
from backend.vault import Vault

#: What becomes of an event at the door. CONFLICT: its id came before with another content.
ACCEPTED, DUPLICATE, CONFLICT = "accepted", "duplicate", "conflict"


@dataclass(frozen=True, slots=True)
class Said:
    """What a partner said in one body, sound as an envelope: `value` is what `event` was read from."""

    value: Mapping[str, Any]
    event: Event


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """An event and its proof. `body` is what was signed: of a webhook the body, of a batch the line."""

    event_id: str
    said: Said
    body: bytes
    signature: str
    signed_at: datetime
    batch_id: UUID | None = None
    batch_line: int | None = None


def sound(setup: PartnerSetup, value: Mapping[str, Any]) -> Said:
    """What a decoded body says. Raises InvalidEnvelope, UnknownEventType."""
    event = read_event(value)
    if not setup.adapter.sends(event):
        raise UnknownEventType(event.type, field="type", type=event.type)
    return Said(value, event)


def write_down(tx: Runner, vault: Vault, partner: str, events: Sequence[SignedEvent], *, now: datetime) -> list[str]:
    """Write events down, and say of each in turn whether it is ACCEPTED, a DUPLICATE or a CONFLICT.

    Of two with one id in the list the first is the earlier one. Conflicts are kept: they are evidence. After a failure
    it may be said again.
    """
    rows = [_row(vault, partner, event, now) for event in events]
    # In the order of their ids, so that two lists at the same time wait for one another and never in a circle.
    in_order = sorted(rows, key=lambda row: row["event_id"])
    inserted = insert_rows(tx, InboxEvent, in_order, on_conflict=("partner", "event_id"), returning=("id",))
    accepted = {row.id for row in inserted}
    others = [row for row in rows if row["id"] not in accepted]
    known = _contents(tx, partner, {row["event_id"] for row in others}) if others else {}
    conflicts = [row for row in others if known[row["event_id"]] != row["content_hash"]]
    insert_rows(tx, InboxConflict, _evidence(conflicts), on_conflict=("partner", "event_id", "body_sha256"))
    refused = {row["id"] for row in conflicts}
    return [ACCEPTED if row["id"] in accepted else CONFLICT if row["id"] in refused else DUPLICATE for row in rows]


def _row(vault: Vault, partner: str, signed: SignedEvent, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "partner": partner,
        "event_id": signed.event_id,
        "body_sha256": hashlib.sha256(signed.body).digest(),
        "content_hash": content_hash(vault, signed.said.value),
        "sealed_body": vault.house.seal(signed.body, body_context(partner, signed.event_id)),
        "signature": signed.signature,
        "signed_at": signed.signed_at,
        "batch_id": signed.batch_id,
        "batch_line": signed.batch_line,
        "received_at": now,
        "day": clock.day_of(signed.said.event.occurred_at),
        "order_no": signed.said.event.order_no,
        "state": WAITING,
        "attempts": 0,
        "next_attempt_at": now,
    }


def _contents(tx: Runner, partner: str, event_ids: set[str]) -> dict[str, bytes]:
    """Event id → hash of the content it stands for."""
    given = recordset(tx, "given", {"event_id": Text()}, [(event_id,) for event_id in sorted(event_ids)])
    query = select(InboxEvent.event_id, InboxEvent.content_hash).join(
        given, (InboxEvent.event_id == given.c.event_id) & (InboxEvent.partner == partner)
    )
    return {row.event_id: bytes(row.content_hash) for row in tx.execute(query)}


def _evidence(conflicts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Conflicts as they are kept, each content of an id once."""
    names = ("partner", "event_id", "body_sha256", "sealed_body", "signature", "signed_at")
    kept = ({name: row[name] for name in (*names, "batch_id", "batch_line", "received_at")} for row in conflicts)
    return sorted(kept, key=lambda row: (row["event_id"], row["body_sha256"]))
