"""What one destination was told about accounts so far."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import FromClause, Text, Uuid, select, update
from sqlalchemy.orm import Session

from backend.lists import recordset, upsert_rows
from backend.sync.models import DEAD, INTERRUPTED, STOPPED, TOLD, WAITING, WITHHELD, AccountSequence, Delivery
from backend.sync.notices import holder_pseudonym
from backend.vault import Vault

#: Holder and programme.
Account = tuple[UUID, str]


@dataclass(slots=True)
class Told:
    """How far one account is told; see `AccountSequence`."""

    last: int
    state: str
    since: datetime


def may_tell(may: Mapping[UUID, datetime], holder_id: UUID, announced_at: datetime) -> bool:
    """Whether what was announced then may be told, with `may` from `identity.may_be_told_about`."""
    return holder_id in may and announced_at >= may[holder_id]


def told(tx: Session, destination: str, accounts: Collection[Account]) -> dict[Account, Told]:
    """Those of these accounts that the destination was told about."""
    given = _given(tx, accounts)
    query = select(AccountSequence).join(
        given, (AccountSequence.holder_id == given.c.holder_id) & (AccountSequence.programme == given.c.programme)
    )
    rows = tx.scalars(query.where(AccountSequence.destination == destination))
    return {(row.holder_id, row.programme): Told(row.last, row.state, row.since) for row in rows}


def save(tx: Session, vault: Vault, destination: str, accounts: Mapping[Account, Told]) -> None:
    """Write down how far these accounts are told now."""
    rows = [
        {
            "destination": destination,
            "holder_id": holder_id,
            "programme": programme,
            "pseudonym": holder_pseudonym(vault, destination, holder_id),
            "last": item.last,
            "state": item.state,
            "since": item.since,
        }
        for (holder_id, programme), item in sorted(accounts.items(), key=lambda pair: pair[0])
    ]
    upsert_rows(tx, AccountSequence, rows, key=("destination", "holder_id", "programme"))


def interrupt(tx: Session, destination: str, accounts: Collection[Account]) -> None:
    """Something about these accounts is withheld: their balances are stated before anything else is told."""
    if not accounts:
        return
    given = _given(tx, accounts)
    statement = update(AccountSequence).values(state=INTERRUPTED)
    statement = statement.where(
        AccountSequence.destination == destination,
        AccountSequence.holder_id == given.c.holder_id,
        AccountSequence.programme == given.c.programme,
        AccountSequence.state == TOLD,
    )
    tx.execute(statement.execution_options(synchronize_session=False))


def withhold(tx: Session, destination: str, accounts: Collection[Account]) -> None:
    """What has not reached the destination about these accounts never will."""
    if not accounts:
        return
    given = _given(tx, accounts)
    statement = update(Delivery).values(state=WITHHELD)
    statement = statement.where(
        Delivery.destination == destination,
        Delivery.holder_id == given.c.holder_id,
        Delivery.programme == given.c.programme,
        Delivery.state.in_((WAITING, DEAD, STOPPED)),
    )
    tx.execute(statement.execution_options(synchronize_session=False))


def _given(tx: Session, accounts: Collection[Account]) -> FromClause:
    return recordset(tx, "given", {"holder_id": Uuid(), "programme": Text()}, sorted(accounts))
