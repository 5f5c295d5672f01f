"""A batch: many events under one signature, a line each, written down piece by piece.

What is signed is the list of the digests of the lines. So every line is proven by itself: the signature verifies over
the list, and the line hashes to its digest. When a person is forgotten and their lines are erased, the others stay
proven, and nothing that could be read is kept for that.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from backend import clock, problems, strict_json
from backend.errors import Refusal
from backend.ids import new_id
from backend.lists import Runner, insert_rows
from backend.partners import intake, keys
from backend.partners.errors import EmptyBatch, EventIdReused, InvalidEnvelope, TooManyLines, UnknownBatch
from backend.partners.intake import CONFLICT, SignedEvent
from backend.partners.models import Batch
from backend.partners.registry import PartnerSetup
from backend.signing import PublicKey, Verified, is_message_id, request_text
from backend.vault import Vault

MAX_LINES, MAX_BYTES = 10_000, 16 * 1024 * 1024
#: So many lines are written down at once, and answered before the next are looked at.
PIECE = 500
TARGET = "/partners/v1/events:batch"
#: What becomes of a line besides what becomes of an event. RETRY: the trouble is ours, and the line may be sent again.
REFUSED, RETRY = "refused", "retry"

T = TypeVar("T")
#: Does one idempotent act on a connection of its own.
Write = Callable[[Callable[[Connection], T]], T]
Answer = dict[str, Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch whose signature is verified and whose proof is on disk; its lines are still to be read."""

    id: UUID
    setup: PartnerSetup
    verified: Verified
    lines: Sequence[bytes]
    received_at: datetime


def split(body: bytes) -> list[bytes]:
    """The lines of a body; a line feed ends a line and belongs to none. Raises EmptyBatch, TooManyLines."""
    if not body:
        raise EmptyBatch
    count = body.count(b"\n") + (not body.endswith(b"\n"))
    if count > MAX_LINES:
        raise TooManyLines(lines=count, max_lines=MAX_LINES)
    return body.removesuffix(b"\n").split(b"\n")


def digests(lines: Sequence[bytes]) -> bytes:
    """The SHA-256 of every line, 32 bytes each."""
    return b"".join(hashlib.sha256(line).digest() for line in lines)


def signed_text(line_digests: bytes) -> bytes:
    """What a partner signs: the request, and the digest of every line in hexadecimal on a line of its own."""
    return request_text("POST", TARGET, "".join(f"{digest}\n" for digest in _hexadecimal(line_digests)).encode())


def _hexadecimal(line_digests: bytes) -> list[str]:
    return [line_digests[begin : begin + 32].hex() for begin in range(0, len(line_digests), 32)]


def keep(tx: Runner, partner: str, verified: Verified, line_digests: bytes, *, now: datetime) -> UUID:
    """Write the proof of a batch down before its lines; the id of the batch. A repetition keeps the first proof."""
    row = {
        "id": new_id(),
        "partner": partner,
        "message_id": verified.message_id,
        "line_digests": line_digests,
        "digests_sha256": hashlib.sha256(line_digests).digest(),
        "signature": verified.signature,
        "signed_at": verified.signed_at,
        "received_at": now,
    }
    key = ("partner", "message_id", "digests_sha256")
    inserted = insert_rows(tx, Batch, [row], on_conflict=key, returning=("id",))
    if inserted:
        return UUID(str(inserted[0].id))
    known = select(Batch.id).where(*(getattr(Batch, name) == row[name] for name in key))
    return tx.execute(known).scalar_one()


def take_in(write: Write[list[str]], vault: Vault, batch: OpenBatch) -> Iterator[list[Answer]]:
    """The answers to the lines in their order, a piece at a time: what is answered is on disk.

    Trouble on our side ends it: the lines not yet answered are answered RETRY, and what became of those of the piece in
    hand is open, as with a webhook that was never answered.
    """
    for begin in range(0, len(batch.lines), PIECE):
        numbered = enumerate(batch.lines[begin : begin + PIECE], start=begin + 1)
        piece = [_read(batch, number, line) for number, line in numbered]
        events = [item for item in piece if isinstance(item, SignedEvent)]
        try:
            became = iter(_write_down(write, vault, batch, events))
        except Exception as error:
            log.error("batch_broken_off", batch_id=str(batch.id), line=begin + 1, error=repr(error))
            yield [_retry(number, error) for number in range(begin + 1, len(batch.lines) + 1)]
            return
        yield [_answer(item, next(became)) if isinstance(item, SignedEvent) else item for item in piece]


def _read(batch: OpenBatch, number: int, line: bytes) -> SignedEvent | Answer:
    """The event of a line, or the refusal of it."""
    event_id = None
    try:
        value = strict_json.loads_object(line)
        event_id = _event_id(value)
        said = intake.sound(batch.setup, value)
    except Refusal as refusal:
        return _refused(number, event_id, refusal)
    verified = batch.verified
    return SignedEvent(event_id, said, line, verified.signature, verified.signed_at, batch.id, number)


def _event_id(value: dict[str, Any]) -> str:
    event_id = value.get("id")
    if not isinstance(event_id, str) or not is_message_id(event_id):
        problem = "1 to 128 printable ASCII characters without '.', ',' and blanks are needed"
        raise InvalidEnvelope(f"id: {problem}", field="id", problem=problem)
    return event_id


def _write_down(write: Write[list[str]], vault: Vault, batch: OpenBatch, events: list[SignedEvent]) -> list[str]:
    if not events:
        return []
    return write(lambda tx: intake.write_down(tx, vault, batch.setup.code, events, now=batch.received_at))


def _answer(event: SignedEvent, became: str) -> Answer:
    assert event.batch_line is not None
    if became == CONFLICT:
        return _refused(event.batch_line, event.event_id, EventIdReused(event_id=event.event_id))
    return {"line": event.batch_line, "event_id": event.event_id, "status": became}


def _refused(number: int, event_id: str | None, refusal: Refusal) -> Answer:
    return _not_taken_in(number, event_id, REFUSED, problems.of_refusal(refusal))


def _retry(number: int, error: Exception) -> Answer:
    return _not_taken_in(number, None, RETRY, problems.of_accident(error))


def _not_taken_in(number: int, event_id: str | None, status: str, document: dict[str, Any]) -> Answer:
    """An answer with the reason, as a problem document would say it."""
    answer = {"line": number, "event_id": event_id, "status": status, "code": document["code"]}
    return answer | {name: value for name, value in document.items() if name not in answer}


def batch_proof(tx: Session, vault: Vault, batch_id: UUID) -> dict[str, Any]:
    """What proves the lines of a batch, for auditors: three headers, the digests, and the public key that fits.

    `key` is None where the partner signed with a shared secret: that convinces the partner and us, nobody else. Raises
    UnknownBatch.
    """
    batch = tx.get(Batch, batch_id)
    if batch is None:
        raise UnknownBatch(batch_id=str(batch_id))
    headers = {
        "webhook-id": batch.message_id,
        "webhook-timestamp": str(int(batch.signed_at.timestamp())),
        "webhook-signature": batch.signature,
    }
    signed = signed_text(batch.line_digests)
    key = keys.proving_key(tx, vault, batch.partner, headers, signed, now=batch.signed_at)
    return {
        "batch_id": str(batch.id),
        "partner": batch.partner,
        "received_at": clock.iso(batch.received_at),
        **headers,
        "key": key.text() if isinstance(key, PublicKey) else None,
        "target": TARGET,
        "line_digests": _hexadecimal(batch.line_digests),
    }
