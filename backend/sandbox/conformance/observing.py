"""What one request shows of its sender. Nothing of the event itself is kept but what judging needs."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import methodologies
from backend import clock, signing, strict_json
from backend.activities import ActRefused
from backend.errors import Refusal
from backend.partners import Event, PartnerSetup, UnknownEventType, read_event
from backend.signing import InvalidSignature, Key

FIRST, SECOND = "own", "second"
#: What betrays a person where an opaque reference belongs.
_TELLING = {
    "a mobile number": re.compile(r"(?<!\d)(\+?86[- ]?)?1[3-9]\d{9}(?!\d)"),
    "an identity card number": re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),
    "an e-mail address": re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"),
}
_MESSAGE_ID = re.compile(r"[!-+\-/-~]{1,128}")
#: What a line is quantified with while nobody knows whose it is.
_PROFILE = "CN-DEFAULT"


@dataclass(frozen=True, slots=True)
class Facts:
    """What one request showed.

    `refused` is the code the backend would refuse it with; `keys` which of the partner's own and the run's second keys
    signed; `body` a digest; `lines` a digest of what is said about each line. The faults are sentences.
    """

    event_id: str
    timestamp: int | None
    body: str
    refused: str | None = None
    keys: tuple[str, ...] = ()
    id_fault: str | None = None
    envelope_fault: str | None = None
    user_ref_fault: str | None = None
    line_faults: tuple[str, ...] = ()
    type: str | None = None
    order_no: str | None = None
    revision: int | None = None
    lines: Mapping[str, str] = field(default_factory=dict)


def observe(
    setup: PartnerSetup,
    second: Key,
    headers: Mapping[str, str],
    body: bytes | Refusal,
    *,
    now: datetime,
) -> tuple[Facts, Refusal | None]:
    """Look at one request as the gate does; the facts, and what it is refused with.

    `body` is the raw body, or why it could not be read.
    """
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    facts: dict[str, Any] = {
        "event_id": event_id[:128],
        "timestamp": int(timestamp) if re.fullmatch(r"[0-9]{1,12}", timestamp) else None,
        "id_fault": None if _MESSAGE_ID.fullmatch(event_id) else f"{event_id[:40]!r} is no id of an event",
        "body": "",
    }
    try:
        if isinstance(body, Refusal):
            raise body
        facts["body"] = hashlib.sha256(body).hexdigest()
        keys = {FIRST: setup.keys_at(now), SECOND: [second]}
        signing.verify(headers, body, [key for some in keys.values() for key in some], now=now)
        facts["keys"] = tuple(name for name, some in keys.items() if _signed(headers, body, some, now))
        event = read_event(strict_json.loads_object(body))
        if not setup.adapter.sends(event):
            raise UnknownEventType(event.type, field="type", type=event.type)
    except Refusal as refusal:
        fault = None if isinstance(refusal, InvalidSignature) else f"{refusal.code}: {refusal}"
        return Facts(**facts, refused=refusal.code, envelope_fault=fault), refusal
    return Facts(**facts, **_of_event(setup, event)), None


def _signed(headers: Mapping[str, str], body: bytes, keys: Iterable[Key], now: datetime) -> bool:
    try:
        return bool(signing.verify(headers, body, list(keys), now=now))
    except InvalidSignature:
        return False


def _of_event(setup: PartnerSetup, event: Event) -> dict[str, Any]:
    told = [what for what, pattern in _TELLING.items() if pattern.search(event.user_ref)]
    return {
        "user_ref_fault": f"it looks like {told[0]}" if told else None,
        "line_faults": tuple(fault for line in event.lines if (fault := _line_fault(setup, event, line))),
        "type": event.type,
        "order_no": event.order_no,
        "revision": event.revision,
        "lines": {line: _digest(event, line) for line in event.lines},
    }


def _digest(event: Event, line: str) -> str:
    said = [event.user_ref, event.occurred_at.isoformat(), event.outcome, event.lines[line]]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _line_fault(setup: PartnerSetup, event: Event, line: str) -> str | None:
    """Why a line of an order could not count whoever sent it; None for a good one, and where the order is not told."""
    if event.order_type is None:
        return None
    try:
        draft = setup.adapter.translate(setup.code, event, line, event.order_type, setup.return_days)
        day = clock.day_of(draft.started_at or draft.occurred_at)
        methodology = methodologies.library().get(draft.methodology)
        methodology.quantify(draft.data, day, _PROFILE, draft.grade)
        methodology.claim_keys({**draft.identity, "day": day.isoformat()}, draft.data)
    except ActRefused as refusal:
        if refusal.reason == "NOT_COMPLETED":  # not counting is what such an order is meant to do
            return None
        return f"line {line}: {refusal.reason} {json.dumps(dict(refusal.facts), ensure_ascii=False, default=str)}"
    except methodologies.MethodologyError as error:
        return f"line {line}: {error.code}: {error}"
    return None
