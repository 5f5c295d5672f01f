"""Destinations and their keys as the operator configured them."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from backend import outbox, signing
from backend.ids import new_id
from backend.operator_log import shown_url
from backend.sync.destinations import DESTINATIONS, MIRRORS
from backend.sync.errors import DestinationExists, InvalidDestination, UnknownDestination, UnknownKind, UnknownTopic
from backend.sync.models import (
    DEAD,
    HEALED,
    STOPPED,
    WAITING,
    WITHHELD,
    Delivery,
    Destination,
    DestinationKey,
    Difference,
)
from backend.sync.notices import TOPICS, delivery_id
from backend.vault import Vault

_CONTEXT = b"sync key"
_CODE = re.compile("[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Handler:
    """A platform that decides itself what personal data are for, as a member reads about it before agreeing.

    Nobody can agree to one that is `retired`; who did can read what it was.
    """

    code: str
    title: str
    contact: str
    purpose: str
    retired: bool


@dataclass(frozen=True, slots=True)
class DestinationState:
    """A destination as an operator sees it: deliveries by state, and accounts that differ at a mirror."""

    code: str
    kind: str
    url: str
    basis: str
    topics: tuple[str, ...]
    active: bool
    retired: bool
    quiet_until: datetime
    counts: dict[str, int]
    differing: int


def add_destination(
    tx: Session,
    vault: Vault,
    *,
    code: str,
    url: str,
    basis: str,
    title: str = "",
    contact: str = "",
    purpose: str = "",
    kind: str = "webhook",
    topics: Sequence[str] = tuple(TOPICS),
    allowed_hosts: Collection[str] = (),
    now: datetime,
) -> str:
    """Begin to tell a platform what is announced from now on. Returns its secret, which is shown once.

    `basis`: `entrusted` when it works for us under contract, `consent` when it decides itself what the data are for;
    then members read `title`, `contact` and `purpose` (`中文 / English`) before they agree. Raises InvalidDestination,
    UnknownKind, UnknownTopic, AddressRefused, DestinationExists.
    """
    described = basis == "entrusted" or bool(title and contact and all(purpose.partition(" / ")))
    check_destination(tx, code, kind, url, topics, described=described, allowed_hosts=allowed_hosts)
    tx.add(
        Destination(
            code=code,
            kind=kind,
            url=url,
            basis=basis,
            title=title or code,
            contact=contact,
            purpose=purpose,
            topics=json.dumps(sorted(set(topics))),
            active=True,
            position=outbox.last_position(tx),
            quiet_until=now,
            claimed_until=now,
            created_at=now,
        )
    )
    tx.flush()
    return _add_key(tx, vault, code, now=now)


def check_destination(
    tx: Session,
    code: str,
    kind: str,
    url: str,
    topics: Sequence[str],
    *,
    described: bool = True,
    allowed_hosts: Collection[str] = (),
) -> None:
    """Raises what `add_destination` raises. `described`: members can read what has to be read before they agree."""
    if not _CODE.fullmatch(code):
        raise InvalidDestination(destination=code, needed=_CODE.pattern)
    if not described:
        raise InvalidDestination(destination=code, needed=["title", "contact", "purpose: 中文 / English"])
    if kind not in DESTINATIONS:
        raise UnknownKind(kind=kind, known=sorted(DESTINATIONS))
    if unknown := sorted(set(topics) - TOPICS.keys()):
        raise UnknownTopic(topics=unknown, known=sorted(TOPICS))
    if kind in MIRRORS and set(topics) != TOPICS.keys():
        raise InvalidDestination(destination=code, needed="every topic: a mirror counts every change")
    DESTINATIONS[kind].check_url(url, allowed_hosts)
    if tx.get(Destination, code) is not None:
        raise DestinationExists(destination=code)


def rotate_key(tx: Session, vault: Vault, code: str, *, overlap: timedelta, now: datetime) -> str:
    """Make a new secret; notices are signed with the old ones as well until the overlap ends. Returns the new one."""
    require(tx, code)
    still = or_(DestinationKey.valid_until.is_(None), DestinationKey.valid_until > now + overlap)
    statement = (
        update(DestinationKey).values(valid_until=now + overlap).where(DestinationKey.destination == code, still)
    )
    tx.execute(statement.execution_options(synchronize_session=False))
    return _add_key(tx, vault, code, now=now)


def _add_key(tx: Session, vault: Vault, code: str, *, now: datetime) -> str:
    secret = signing.new_secret()
    sealed = vault.house.seal(secret.encode(), _CONTEXT)
    tx.add(DestinationKey(id=new_id(), destination=code, sealed_key=sealed, valid_from=now, valid_until=None))
    tx.flush()
    return secret


def keys_at(tx: Session, vault: Vault, code: str, now: datetime) -> tuple[signing.SecretKey | signing.SigningKey, ...]:
    """The keys a notice is signed with at an instant, newest first; the newest is always among them."""
    query = (
        select(DestinationKey.sealed_key)
        .where(
            DestinationKey.destination == code,
            or_(DestinationKey.valid_until.is_(None), DestinationKey.valid_until > now),
        )
        .order_by(DestinationKey.valid_from.desc(), DestinationKey.id.desc())
        .limit(signing.MAX_SIGNATURES)
    )
    return tuple(signing.parse_signing_key(vault.house.open(sealed, _CONTEXT).decode()) for sealed in tx.scalars(query))


def require(tx: Session, code: str) -> Destination:
    """The destination, locked until the transaction ends, or UnknownDestination; also when it is retired."""
    found = tx.get(Destination, code, with_for_update=True)
    if found is None or found.retired_at is not None:
        raise UnknownDestination(destination=code)
    return found


def standing(tx: Session, code: str, *, now: datetime) -> dict[str, object]:
    """A destination as the operator log tells it before and after an act: nothing secret. Raises UnknownDestination."""
    row = require(tx, code)
    keys = select(DestinationKey.valid_until).where(DestinationKey.destination == code).order_by(DestinationKey.id)
    ends = [end for end in tx.scalars(keys) if end is None or end > now]
    return {"active": row.active, "secrets_end": ends, "topics": json.loads(row.topics), "url": shown_url(row.url)}


def retire(tx: Session, code: str, *, now: datetime) -> int:
    """Tell a destination nothing ever again and ask no member about it any more. Returns how many notices end with it.

    What it was told, and about whom, stays on record; its name is not given to another platform.
    """
    destination = require(tx, code)
    destination.active, destination.retired_at = False, now
    statement = update(Delivery).values(state=WITHHELD)
    statement = statement.where(Delivery.destination == code, Delivery.state.in_((WAITING, DEAD, STOPPED)))
    statement = statement.returning(Delivery.id).execution_options(synchronize_session=False)
    return len(list(tx.scalars(statement)))


def handlers(tx: Session) -> dict[str, Handler]:
    """The platforms that are told about a person only with that person's own consent, by code."""
    query = select(Destination).where(Destination.basis == "consent").order_by(Destination.code)
    return {
        row.code: Handler(row.code, row.title, row.contact, row.purpose, row.retired_at is not None)
        for row in tx.scalars(query)
    }


def destination_states(tx: Session) -> list[DestinationState]:
    """Every destination with what became of its notices."""
    counts: dict[str, dict[str, int]] = {}
    grouped = select(Delivery.destination, Delivery.state, func.count()).group_by(Delivery.destination, Delivery.state)
    for code, state, count in tx.execute(grouped):
        counts.setdefault(code, {})[state] = count
    differing = select(Difference.destination, func.count()).where(Difference.state != HEALED)
    differences = {row[0]: row[1] for row in tx.execute(differing.group_by(Difference.destination))}
    return [
        DestinationState(
            row.code,
            row.kind,
            row.url,
            row.basis,
            tuple(json.loads(row.topics)),
            row.active,
            row.retired_at is not None,
            row.quiet_until,
            counts.get(row.code, {}),
            differences.get(row.code, 0),
        )
        for row in tx.scalars(select(Destination).order_by(Destination.code))
    ]


def redrive(tx: Session, code: str, *, notice: str | None = None, now: datetime) -> int:
    """Give a destination's dead and stopped notices another life, under the ids they had; returns how many.

    `notice` picks one of them by the id the receiver sees. A destination that was stopped is active again and goes on
    where it was.
    """
    destination = require(tx, code)
    destination.active, destination.quiet_until = True, now
    conditions: list[Any] = [Delivery.destination == code, Delivery.state.in_((DEAD, STOPPED))]
    if notice is not None:
        conditions.append(Delivery.id == delivery_id(notice))
    statement = update(Delivery).values(state=WAITING, attempts=0, next_attempt_at=now).where(*conditions)
    statement = statement.returning(Delivery.id).execution_options(synchronize_session=False)
    return len(list(tx.scalars(statement)))
