"""Partners and their keys as the operator configured them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import signing
from backend.ids import new_id
from backend.partners.adapters import ADAPTERS, Adapter
from backend.partners.errors import UnknownPartner
from backend.partners.models import Partner, PartnerKey
from backend.vault import Vault

#: How long a web process may go on with keys it has read: a revoked key is refused after at most this long.
CACHE_SECONDS = 5.0
_CONTEXT = b"partner key"


@dataclass(frozen=True, slots=True)
class PartnerSetup:
    """A partner with everything needed to take its events in.

    `keeps_claims_from`: the partner books reductions of this day and later itself, unless a line says otherwise.
    """

    code: str
    title: str
    adapter: Adapter
    return_days: int
    keeps_claims_from: date | None
    keys: tuple[tuple[signing.Key, datetime, datetime | None], ...]

    def keys_at(self, now: datetime) -> list[signing.Key]:
        """The keys valid at an instant; several during a rotation."""
        return [key for key, begin, end in self.keys if begin <= now and (end is None or now < end)]


def save_partner(
    tx: Session, *, code: str, adapter: str, title: str, return_days: int, keeps_claims_from: date | None = None
) -> None:
    """Create a partner, or bring its configuration up to date."""
    assert adapter in ADAPTERS, f"there is no adapter {adapter}"
    settings = {"adapter": adapter, "title": title, "return_days": return_days}
    tx.merge(Partner(code=code, **settings, keeps_claims_from=keeps_claims_from, active=True))
    tx.flush()


def add_key(tx: Session, vault: Vault, partner: str, key: str, *, now: datetime) -> None:
    """Give a partner a key (`whsec_…` or `whpk_…`). InvalidKey when it is none."""
    signing.parse_key(key)
    sealed = vault.house.seal(key.encode(), _CONTEXT)
    tx.add(PartnerKey(id=new_id(), partner=partner, sealed_key=sealed, valid_from=now, valid_until=None))
    tx.flush()


def rotate_secret(tx: Session, vault: Vault, partner: str, *, overlap: timedelta, now: datetime) -> str:
    """Make a new secret for a partner; its secrets so far end after the overlap, public keys go on.

    Returns the secret, which is shown once.
    """
    require_partner(tx, vault, partner)
    current = select(PartnerKey).where(PartnerKey.partner == partner, PartnerKey.valid_until.is_(None))
    for key in tx.scalars(current):
        if isinstance(_opened(vault, key), signing.SecretKey):
            key.valid_until = now + overlap
    secret = signing.new_secret()
    add_key(tx, vault, partner, secret, now=now)
    return secret


def has_keys(tx: Session, partner: str) -> bool:
    return tx.scalar(select(PartnerKey.id).where(PartnerKey.partner == partner).limit(1)) is not None


def partners(tx: Session, vault: Vault) -> dict[str, PartnerSetup]:
    """All active partners by code."""
    keys: dict[str, list[tuple[signing.Key, datetime, datetime | None]]] = {}
    for row in tx.scalars(select(PartnerKey).order_by(PartnerKey.valid_from)):
        keys.setdefault(row.partner, []).append((_opened(vault, row), row.valid_from, row.valid_until))
    rows = tx.scalars(select(Partner).where(Partner.active).order_by(Partner.code))
    return {
        row.code: PartnerSetup(
            row.code,
            row.title,
            ADAPTERS[row.adapter],
            row.return_days,
            row.keeps_claims_from,
            tuple(keys.get(row.code, ())),
        )
        for row in rows
    }


def _opened(vault: Vault, row: PartnerKey) -> signing.Key:
    return signing.parse_key(vault.house.open(row.sealed_key, _CONTEXT).decode())


def require_partner(tx: Session, vault: Vault, code: str) -> PartnerSetup:
    """The partner, or UnknownPartner."""
    try:
        return partners(tx, vault)[code]
    except KeyError:
        raise UnknownPartner(code) from None


def proving_key(
    tx: Session, vault: Vault, partner: str, headers: Mapping[str, str], signed: bytes, *, now: datetime
) -> signing.Key | None:
    """The key of a partner, present or past, under which this was signed at that time."""
    rows = tx.scalars(select(PartnerKey).where(PartnerKey.partner == partner))
    try:
        return signing.verify(headers, signed, [_opened(vault, row) for row in rows], now=now).key
    except signing.InvalidSignature:
        return None


class PartnerCache:
    """The partners as read a moment ago: a webhook costs no query for its keys."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read_at = float("-inf")
        self._partners: dict[str, PartnerSetup] = {}

    def fresh(self) -> dict[str, PartnerSetup] | None:
        """The cached partners while they are fresh."""
        return self._partners if time.monotonic() - self._read_at < CACHE_SECONDS else None

    def keep(self, found: dict[str, PartnerSetup]) -> dict[str, PartnerSetup]:
        with self._lock:
            self._partners, self._read_at = found, time.monotonic()
        return found
