"""Taking an event in: everything that happens before the partner is answered."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, signing, strict_json
from backend.database import transaction
from backend.partners import inbox, registry
from backend.partners.contract import read_event
from backend.partners.errors import EventIdReused, UnknownEventType, UnknownPartner
from backend.partners.inbox import Receipt
from backend.partners.registry import PartnerCache, PartnerSetup
from backend.vault import Vault

T = TypeVar("T")


class Gate:
    """Where partner events come in. One per process: it remembers the partners' keys for a few seconds."""

    def __init__(self, engine: Engine, sessions: sessionmaker[Session], vault: Vault) -> None:
        self._engine = engine  # of single statements: taking an event in is one INSERT
        self._sessions = sessions
        self._vault = vault
        self._cache = PartnerCache()

    def take_in(self, partner: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Verify, read and write down one event: once this returns, it is on disk.

        Order of checks: partner and keys, timestamp and signature over the raw bytes, strict JSON, envelope, inbox.
        Raises UnknownPartner, InvalidSignature, InvalidJson and its kin, InvalidEnvelope, EventIdReused.
        """
        setup = self.setup(partner)
        now = clock.now()
        verified = signing.verify(headers, body, setup.keys_at(now), now=now)
        event = read_event(strict_json.loads_object(body))
        if not setup.adapter.sends(event):
            raise UnknownEventType(event.type, field="type", type=event.type)
        sender = (self._vault, partner, verified)
        try:
            return self._write(lambda connection: inbox.receive(connection, *sender, event, body, now=now))
        except EventIdReused:
            self._write(lambda connection: inbox.keep_conflict(connection, *sender, body, now=now))
            raise

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

    def authenticate(self, partner: str, headers: Mapping[str, str], signed: bytes) -> PartnerSetup:
        """Prove that a request without an event comes from the partner: it signed these bytes."""
        setup = self.setup(partner)
        now = clock.now()
        signing.verify(headers, signed, setup.keys_at(now), now=now)
        return setup

    def setup(self, partner: str) -> PartnerSetup:
        """The partner as configured, read again when what we remember is no longer fresh."""
        found = self._cache.fresh()
        if found is None:
            with transaction(self._sessions) as tx:
                found = self._cache.keep(registry.partners(tx, self._vault))
        if partner not in found:
            raise UnknownPartner(partner)
        return found[partner]
