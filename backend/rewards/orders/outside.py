"""Providers outside the house as operators configured them: where they are, and the keys they are asked with."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from backend import clock, signing
from backend.ids import new_id
from backend.rewards.catalogue.models import INSIDE, RewardProvider, RewardProviderKey
from backend.rewards.errors import InvalidProvider, ProviderExists, ProviderKeysUnreadable, UnknownProvider
from backend.rewards.interfaces import Outside, Target
from backend.rewards.providers import OUTSIDE
from backend.vault import Unreadable, Vault

_CONTEXT = b"reward provider key"
_CODE = re.compile("[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Doors:
    """Which hosts beside public ones may be called, and whether this is a sandbox, where twins may be."""

    allowed_hosts: Collection[str] = ()
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider as operators see it, and what members read: who it is, how to reach it, what is handed over to it."""

    code: str
    kind: str
    url: str
    recipient: str
    contact: str
    hands_over: str
    retired: bool


def add_provider(
    tx: Session,
    vault: Vault,
    doors: Doors,
    *,
    code: str,
    kind: str,
    url: str,
    recipient: str,
    contact: str,
    hands_over: str,
    secret: str | None = None,
    now: datetime,
) -> str:
    """Set up a provider that rewards can name. Returns the secret its requests are signed with, which is shown once.

    Members read `recipient`, `contact` and `hands_over` (`中文 / English`) before they agree to hand anything over.
    `secret` is for twins, whose secret is known. Raises InvalidProvider, AddressRefused, SandboxOnly, ProviderExists.
    """
    if not _CODE.fullmatch(code) or code in INSIDE:
        raise InvalidProvider(provider=code, needed=_CODE.pattern)
    if kind not in OUTSIDE:
        raise InvalidProvider(kind=kind, known=sorted(OUTSIDE))
    if not (all(recipient.partition(" / ")) and contact and all(hands_over.partition(" / "))):
        raise InvalidProvider(
            provider=code, needed=["recipient: 中文 / English", "contact", "hands_over: 中文 / English"]
        )
    OUTSIDE[kind].check_url(url, allowed_hosts=doors.allowed_hosts, sandbox=doors.sandbox)
    if tx.get(RewardProvider, code) is not None:
        raise ProviderExists(provider=code)
    told = {"recipient": recipient, "contact": contact, "hands_over": hands_over}
    tx.add(RewardProvider(code=code, kind=kind, url=url, created_at=now, retired_at=None, **told))
    tx.flush()
    return _add_key(tx, vault, code, secret or signing.new_secret(), now=now)


def rotate_provider_key(tx: Session, vault: Vault, code: str, *, overlap: timedelta, now: datetime) -> str:
    """Make a new secret; requests are signed with the old ones as well until the overlap ends. Returns the new one."""
    require_provider(tx, code)
    still = or_(RewardProviderKey.valid_until.is_(None), RewardProviderKey.valid_until > now + overlap)
    statement = update(RewardProviderKey).values(valid_until=now + overlap)
    statement = statement.where(RewardProviderKey.provider == code, still)
    tx.execute(statement.execution_options(synchronize_session=False))
    return _add_key(tx, vault, code, signing.new_secret(), now=now)


def provider_keys_end(tx: Session, code: str, *, now: datetime) -> dict[str, object]:
    """When each key in use ends, oldest first, as the operator log tells it before and after a rotation."""
    query = select(RewardProviderKey.valid_until).where(RewardProviderKey.provider == code)
    ends = tx.scalars(query.order_by(RewardProviderKey.id))
    return {"secrets_end": [end and clock.iso(end) for end in ends if end is None or end > now]}


def move_provider(tx: Session, doors: Doors, code: str, url: str) -> None:
    """Reach a provider at another address from now on. Raises UnknownProvider, AddressRefused, SandboxOnly."""
    provider = require_provider(tx, code)
    OUTSIDE[provider.kind].check_url(url, allowed_hosts=doors.allowed_hosts, sandbox=doors.sandbox)
    provider.url = url
    tx.flush()


def retire_provider(tx: Session, code: str, *, now: datetime) -> None:
    """Order nothing there any more. What was ordered is still asked about."""
    require_provider(tx, code).retired_at = now
    tx.flush()


def require_provider(tx: Session, code: str) -> RewardProvider:
    """The provider, locked until the transaction ends, or UnknownProvider; also when it is retired."""
    found = tx.get(RewardProvider, code, with_for_update=True, populate_existing=True)
    if found is None or found.retired_at is not None:
        raise UnknownProvider(provider=code)
    return found


def outside_providers(tx: Session) -> list[ProviderView]:
    """Every provider outside the house, by code."""
    return [
        ProviderView(
            row.code, row.kind, row.url, row.recipient, row.contact, row.hands_over, row.retired_at is not None
        )
        for row in tx.scalars(select(RewardProvider).order_by(RewardProvider.code))
    ]


def reach(
    tx: Session, vault: Vault, code: str, doors: Doors, *, deadline_s: float, ordering: bool = False, now: datetime
) -> tuple[Outside, Target]:
    """How to call a provider at this instant; a retired one is not there for `ordering`.

    Raises UnknownProvider, ProviderKeysUnreadable.
    """
    row = tx.get(RewardProvider, code)
    if row is None or row.kind not in OUTSIDE or (ordering and row.retired_at is not None):
        raise UnknownProvider(provider=code)
    try:
        keys = _keys_at(tx, vault, code, now)
    except Unreadable as fault:
        raise ProviderKeysUnreadable(provider=code) from fault
    return OUTSIDE[row.kind], Target(row.url, keys, doors.allowed_hosts, doors.sandbox, deadline_s)


def _add_key(tx: Session, vault: Vault, code: str, secret: str, *, now: datetime) -> str:
    sealed = vault.house.seal(secret.encode(), _CONTEXT)
    tx.add(RewardProviderKey(id=new_id(), provider=code, sealed_key=sealed, valid_from=now, valid_until=None))
    tx.flush()
    return secret


def _keys_at(tx: Session, vault: Vault, code: str, now: datetime) -> tuple[signing.SecretKey | signing.SigningKey, ...]:
    """The keys a request is signed with at an instant, newest first."""
    valid = or_(RewardProviderKey.valid_until.is_(None), RewardProviderKey.valid_until > now)
    query = select(RewardProviderKey.sealed_key).where(RewardProviderKey.provider == code, valid)
    query = query.order_by(RewardProviderKey.valid_from.desc(), RewardProviderKey.id.desc())
    sealed_keys = tx.scalars(query.limit(signing.MAX_SIGNATURES))
    return tuple(signing.parse_signing_key(vault.house.open(sealed, _CONTEXT).decode()) for sealed in sealed_keys)
