"""Taking events in: everything that happens before the partner is answered."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, signing, strict_json
from backend.database import transaction
from backend.partners import batches, intake, registry
from backend.partners.batches import Answer, OpenBatch
from backend.partners.errors import EventIdReused, UnknownPartner
from backend.partners.intake import CONFLICT, SignedEvent
from backend.partners.registry import PartnerCache, PartnerSetup
from backend.signing import Verified
from backend.vault import Vault

T = TypeVar("T")


class Gate:
    """Where partner events come in. One per process: it remembers the partners' keys for a few seconds."""

    def __init__(self, engine: Engine, sessions: sessionmaker[Session], vault: Vault) -> None:
        self._engine = engine  # of single statements: taking an event in is one INSERT
        self._sessions = sessions
        self._vault = vault
        self._cache = PartnerCache()

    def take_in(self, partner: str, headers: Mapping[str, str], body: bytes) -> str:
        """Verify, read and write down one event: once this returns ACCEPTED or DUPLICATE, it is on disk.

        Order of checks: partner and keys, timestamp and signature over the raw bytes, strict JSON, envelope, inbox.
        Raises UnknownPartner, InvalidSignature, InvalidJson and its kin, InvalidEnvelope, EventIdReused.
        """
        setup, verified, now = self._verified(partner, headers, body)
        said = intake.sound(setup, strict_json.loads_object(body))
        event = SignedEvent(verified.message_id, said, body, verified.signature, verified.signed_at)
        (became,) = self._write(lambda tx: intake.write_down(tx, self._vault, partner, [event], now=now))
        if became == CONFLICT:
            raise EventIdReused(event_id=event.event_id)
        return became

    def take_in_batch(self, partner: str, headers: Mapping[str, str], body: bytes) -> Iterator[list[Answer]]:
        """Verify a batch; then its lines are written down piece by piece while the answers to them are read.

        Raises UnknownPartner, EmptyBatch, TooManyLines, InvalidSignature; a line is refused in its answer.
        """
        lines = batches.split(body)
        digests = batches.digests(lines)
        setup, verified, now = self._verified(partner, headers, batches.signed_text(digests))
        batch_id = self._write(lambda tx: batches.keep(tx, partner, verified, digests, now=now))
        return batches.take_in(self._write, self._vault, OpenBatch(batch_id, setup, verified, lines, now))

    def authenticate(self, partner: str, headers: Mapping[str, str], signed: bytes) -> PartnerSetup:
        """Prove that a request without an event comes from the partner: it signed these bytes."""
        setup, _, _ = self._verified(partner, headers, signed)
        return setup

    def _verified(
        self, partner: str, headers: Mapping[str, str], signed: bytes
    ) -> tuple[PartnerSetup, Verified, datetime]:
        setup = self.setup(partner)
        now = clock.now()
        return setup, signing.verify(headers, signed, setup.keys_at(now), now=now), now

    def _write(self, act: Callable[[Connection], T]) -> T:
        """Do one idempotent act; once more when the connection turns out to have died since it was last used."""
        try:
            with self._engine.begin() as connection:
                return act(connection)
        except OperationalError as error:
            if not error.connection_invalidated:
                raise
        with self._engine.begin() as connection:
            return act(connection)

    def setup(self, partner: str) -> PartnerSetup:
        """The partner as configured, read again when what we remember is no longer fresh."""
        found = self._cache.fresh()
        if found is None:
            with transaction(self._sessions) as tx:
                found = self._cache.keep(registry.partners(tx, self._vault))
        if partner not in found:
            raise UnknownPartner(partner)
        return found[partner]
