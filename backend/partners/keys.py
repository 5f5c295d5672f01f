"""The keys of a partner: given, rotated with an overlap, ended; every change is written down and stays."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock, signing
from backend.ids import new_id
from backend.partners.errors import KeyExists, TooManyKeys, UnknownKey
from backend.partners.models import KeyChange, PartnerKey
from backend.partners.registry import hold_partner, opened, sealed
from backend.signing import PublicKey, Verified
from backend.vault import Vault

#: Every signature is tried against every key in force.
MOST_IN_FORCE = 8


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as it is told. Its `id` is made from the key, so that whoever holds it recognises it."""

    id: str
    kind: str
    public_key: str | None
    valid_from: datetime
    valid_until: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            **({"public_key": self.public_key} if self.public_key else {}),
            "valid_from": clock.iso(self.valid_from),
            "valid_until": clock.iso(self.valid_until) if self.valid_until else None,
        }


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a partner signed to have its keys changed. Nothing in `body` is secret: it is kept as it came."""

    verified: Verified
    body: bytes


def key_id(key: signing.Key) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the key as text."""
    return hashlib.sha256(key.text().encode()).hexdigest()[:16]


def add_key(
    tx: Session,
    vault: Vault,
    partner: str,
    key: str,
    *,
    now: datetime,
    overlap: timedelta | None = None,
    asked: SignedRequest | None = None,
) -> KeyView:
    """Give a partner a key (`whsec_…` or `whpk_…`); with an `overlap` its other keys of that kind end after it at the
    latest: one that was to end sooner still does, one that leaked and is in its overlap does not go on.

    The change is written down, with what the partner signed where it `asked` for it. Raises InvalidKey, UnknownPartner,
    KeyExists, TooManyKeys.
    """
    given = signing.parse_key(key)
    hold_partner(tx, partner)
    known = [(row, opened(vault, row)) for row in _rows(tx, partner)]
    if given in (other for _, other in known):
        raise KeyExists(id=key_id(given))
    for row, other in known:
        if overlap is not None and type(other) is type(given) and _outlasts(row, now + overlap):
            row.valid_until = now + overlap
    if sum(_in_force(row, now) for row, _ in known) >= MOST_IN_FORCE:
        raise TooManyKeys(most=MOST_IN_FORCE)
    added = PartnerKey(id=new_id(), partner=partner, sealed_key=sealed(vault, key), valid_from=now, valid_until=None)
    tx.add(added)
    tx.flush()
    tx.add(_change(added, now, None if overlap is None else now + overlap, asked))
    tx.flush()
    return _view(added, given)


def _change(added: PartnerKey, now: datetime, others_end_at: datetime | None, asked: SignedRequest | None) -> KeyChange:
    change = KeyChange(id=new_id(), partner=added.partner, key_id=added.id, others_end_at=others_end_at, changed_at=now)
    if asked is not None:
        change.message_id, change.body = asked.verified.message_id, asked.body
        change.signature, change.signed_at = asked.verified.signature, asked.verified.signed_at
    return change


def rotate_secret(tx: Session, vault: Vault, partner: str, *, overlap: timedelta, now: datetime) -> str:
    """Make a new secret for a partner; its secrets so far end after the overlap, public keys go on.

    Returns the secret, which is shown once. Raises UnknownPartner, TooManyKeys.
    """
    secret = signing.new_secret()
    add_key(tx, vault, partner, secret, now=now, overlap=overlap)
    return secret


def end_key(tx: Session, vault: Vault, partner: str, identifier: str, *, now: datetime) -> KeyView:
    """End a key at once. Raises UnknownPartner, UnknownKey."""
    hold_partner(tx, partner)
    for row in _rows(tx, partner):
        key = opened(vault, row)
        if key_id(key) == identifier and _in_force(row, now):
            row.valid_until = now
            tx.flush()
            return _view(row, key)
    raise UnknownKey(id=identifier)


def keys_in_force(tx: Session, vault: Vault, partner: str, *, now: datetime) -> list[KeyView]:
    """The keys a partner may sign with now, oldest first; those with an end are about to go."""
    return [_view(row, opened(vault, row)) for row in _rows(tx, partner) if _in_force(row, now)]


def present_keys(tx: Session, vault: Vault, partner: str) -> list[signing.Key]:
    """The keys that nobody has set an end to."""
    return [opened(vault, row) for row in _rows(tx, partner) if row.valid_until is None]


def proving_key(
    tx: Session, vault: Vault, partner: str, headers: Mapping[str, str], signed: bytes, *, now: datetime
) -> signing.Key | None:
    """The key of a partner, present or past, under which this was signed at that time."""
    try:
        return signing.verify(headers, signed, [opened(vault, row) for row in _rows(tx, partner)], now=now).key
    except signing.InvalidSignature:
        return None


def changes_of(tx: Session, vault: Vault, partner: str, *, limit: int = 50) -> list[dict[str, Any]]:
    """The last changes of a partner's keys, newest first: which key came, who asked for it, and when others end."""
    query = select(KeyChange, PartnerKey).join(PartnerKey, PartnerKey.id == KeyChange.key_id)
    query = query.where(KeyChange.partner == partner).order_by(KeyChange.id.desc()).limit(limit)
    return [
        {
            "changed_at": clock.iso(change.changed_at),
            "key": key_id(opened(vault, key)),
            "by": "operator" if change.message_id is None else "partner",
            "others_end_at": clock.iso(change.others_end_at) if change.others_end_at else None,
        }
        for change, key in tx.execute(query)
    ]


def change_asked_for(tx: Session, vault: Vault, partner: str, message_id: str) -> tuple[KeyChange, KeyView] | None:
    """The change that a request of this partner brought about, with its key."""
    query = select(KeyChange, PartnerKey).join(PartnerKey, PartnerKey.id == KeyChange.key_id)
    row = tx.execute(query.where(KeyChange.partner == partner, KeyChange.message_id == message_id)).one_or_none()
    return (row[0], _view(row[1], opened(vault, row[1]))) if row else None


def _rows(tx: Session, partner: str) -> Sequence[PartnerKey]:
    query = select(PartnerKey).where(PartnerKey.partner == partner).order_by(PartnerKey.valid_from, PartnerKey.id)
    return tx.scalars(query).all()


def _outlasts(row: PartnerKey, end: datetime) -> bool:
    return row.valid_until is None or row.valid_until > end


def _in_force(row: PartnerKey, now: datetime) -> bool:
    return row.valid_from <= now and (row.valid_until is None or now < row.valid_until)


def _view(row: PartnerKey, key: signing.Key) -> KeyView:
    public = key.text() if isinstance(key, PublicKey) else None
    return KeyView(key_id(key), "public_key" if public else "secret", public, row.valid_from, row.valid_until)


def has_keys(tx: Session, partner: str) -> bool:
    return tx.scalar(select(PartnerKey.id).where(PartnerKey.partner == partner).limit(1)) is not None
