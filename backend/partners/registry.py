"""Partners as the operator configured them, with their keys."""

import time
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import signing
from backend.partners.adapters import ADAPTERS, Adapter
from backend.partners.errors import PartnerExists, UnknownPartner
from backend.partners.models import Partner, PartnerKey
from backend.vault import Vault

#: How long a web process may go on with keys it has read: a revoked key is refused after at most this long.
CACHE_SECONDS = 5.0
#: When no key fits, the keys are read again if they are older than this: a new key is known everywhere so soon.
SUSPECT_SECONDS = 1.0
_CONTEXT = b"partner key"


@dataclass(frozen=True, slots=True)
class PartnerSetup:
    """A partner with everything needed to take its events in.

    `keeps_claims_from`: the partner books reductions of this day and later itself, unless a line says otherwise.
    `programme`: whose agreement its events rest on; None where they rest on each member's consent.
    """

    code: str
    title: str
    adapter: Adapter
    return_days: int
    keeps_claims_from: date | None
    programme: str | None
    active: bool
    keys: tuple[tuple[signing.Key, datetime, datetime | None], ...]

    def keys_at(self, now: datetime) -> list[signing.Key]:
        """The keys valid at an instant; several during a rotation."""
        return [key for key, begin, end in self.keys if begin <= now and (end is None or now < end)]


def save_partner(
    tx: Session,
    *,
    code: str,
    adapter: str,
    title: str,
    return_days: int,
    keeps_claims_from: date | None = None,
    programme: str | None = None,
) -> None:
    """Create a partner, or bring its configuration up to date; one that was deactivated stays so."""
    assert adapter in ADAPTERS, f"there is no adapter {adapter}"
    known = tx.get(Partner, code)
    settings = {"adapter": adapter, "title": title, "return_days": return_days}
    active = known is None or known.active
    tx.merge(Partner(code=code, **settings, keeps_claims_from=keeps_claims_from, programme=programme, active=active))
    tx.flush()


def add_partner(tx: Session, *, code: str, **settings: Any) -> None:
    """Create a partner with the settings of `save_partner`. Raises PartnerExists, also for a deactivated one."""
    if tx.get(Partner, code) is not None:
        raise PartnerExists(code)
    save_partner(tx, code=code, **settings)


def set_active(tx: Session, code: str, active: bool) -> bool:
    """Close the door to a partner, or open it again; returns whether it was open.

    While it is closed, what the partner sends is refused, and what was taken in before waits. Raises UnknownPartner.
    """
    partner = hold_partner(tx, code)
    was, partner.active = partner.active, active
    tx.flush()
    return was


def hold_partner(tx: Session, code: str) -> Partner:
    """The partner's row, locked, so that changes of its keys come one after another. Raises UnknownPartner."""
    partner = tx.get(Partner, code, with_for_update=True, populate_existing=True)
    if partner is None:
        raise UnknownPartner(code)
    return partner


def partners(tx: Session, vault: Vault) -> dict[str, PartnerSetup]:
    """Every partner by code, also those that are not active."""
    keys: dict[str, list[tuple[signing.Key, datetime, datetime | None]]] = {}
    for row in tx.scalars(select(PartnerKey).order_by(PartnerKey.valid_from, PartnerKey.id)):
        keys.setdefault(row.partner, []).append((opened(vault, row), row.valid_from, row.valid_until))
    return {
        row.code: PartnerSetup(
            row.code,
            row.title,
            ADAPTERS[row.adapter],
            row.return_days,
            row.keeps_claims_from,
            row.programme,
            row.active,
            tuple(keys.get(row.code, ())),
        )
        for row in tx.scalars(select(Partner).order_by(Partner.code))
        if row.active or row.adapter in ADAPTERS  # the adapter of a partner that is gone may be gone as well
    }


def sealed(vault: Vault, key: str) -> bytes:
    """The text of a key as it is stored."""
    return vault.house.seal(key.encode(), _CONTEXT)


def opened(vault: Vault, row: PartnerKey) -> signing.Key:
    """A stored key."""
    return signing.parse_key(vault.house.open(row.sealed_key, _CONTEXT).decode())


def require_partner(tx: Session, vault: Vault, code: str) -> PartnerSetup:
    """The partner, active or not. Raises UnknownPartner."""
    try:
        return partners(tx, vault)[code]
    except KeyError:
        raise UnknownPartner(code) from None


class PartnerCache:
    """The partners as read a moment ago: a webhook costs no query for its keys."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read_at = float("-inf")
        self._partners: dict[str, PartnerSetup] = {}

    def fresh(self, at_most_seconds: float = CACHE_SECONDS) -> dict[str, PartnerSetup] | None:
        """The cached partners while they are no older than this."""
        return self._partners if time.monotonic() - self._read_at < at_most_seconds else None

    def forget(self) -> None:
        """Nothing is fresh any more."""
        with self._lock:
            self._read_at = float("-inf")

    def keep(self, found: dict[str, PartnerSetup]) -> dict[str, PartnerSetup]:
        with self._lock:
            self._partners, self._read_at = found, time.monotonic()
        return found
