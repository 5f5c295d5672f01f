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
from backend.partners.errors import EventIdReused, PartnerInactive, UnknownPartner
from backend.partners.intake import CONFLICT, SignedEvent
from backend.partners.registry import CACHE_SECONDS, SUSPECT_SECONDS, PartnerCache, PartnerSetup
from backend.signing import InvalidSignature, Verified
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

    def authenticate(self, partner: str, headers: Mapping[str, str], signed: bytes) -> tuple[PartnerSetup, Verified]:
        """Prove that a request without an event comes from the partner: it signed these bytes."""
        return self._verified(partner, headers, signed)[:2]

    def _verified(
        self, partner: str, headers: Mapping[str, str], signed: bytes
    ) -> tuple[PartnerSetup, Verified, datetime]:
        """Who signed, with what, and our time at that moment. PartnerInactive is told to nobody else."""
        now = clock.now()
        setup = self._known(partner)
        try:
            verified = signing.verify(headers, signed, setup.keys_at(now), now=now)
        except InvalidSignature:
            # Perhaps the key is so new that this process has not heard of it.
            setup = self._known(partner, at_most_seconds=SUSPECT_SECONDS)
            verified = signing.verify(headers, signed, setup.keys_at(now), now=now)
        if not setup.active:
            raise PartnerInactive(partner)
        return setup, verified, now

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
        """The partner as configured, a few seconds ago at most. Raises UnknownPartner, PartnerInactive."""
        setup = self._known(partner)
        if not setup.active:
            raise PartnerInactive(partner)
        return setup

    def forget(self) -> None:
        """Read the partners again next time: they were changed here."""
        self._cache.forget()

    def _known(self, partner: str, *, at_most_seconds: float = CACHE_SECONDS) -> PartnerSetup:
        """The partner, active or not, read again when what we remember is older than this."""
        found = self._cache.fresh(at_most_seconds)
        if found is None:
            with transaction(self._sessions) as tx:
                found = self._cache.keep(registry.partners(tx, self._vault))
        if partner not in found:
            raise UnknownPartner(partner)
        return found[partner]
