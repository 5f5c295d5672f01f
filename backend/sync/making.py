"""Making deliveries: the next numbers of their accounts, and statements of balances where no announcement says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import ledger, outbox
from backend.ids import new_id
from backend.lists import insert_rows
from backend.outbox import Announcement
from backend.sync import accounts
from backend.sync.accounts import Account, Told
from backend.sync.models import TOLD, WAITING, Delivery, Destination
from backend.sync.notices import STATED
from backend.vault import Vault


@dataclass(frozen=True, slots=True)
class Telling:
    """A notice to be made: of an announcement or, where that is None, of the balances before a position.

    `only_if_any`: nothing need be said while every balance is nought.
    """

    account: Account
    position: int
    announcement: UUID | None = None
    only_if_any: bool = False

    @property
    def moment(self) -> tuple[UUID, str, int]:
        return (*self.account, self.position)


def make(
    tx: Session,
    vault: Vault,
    destination: Destination,
    tellings: Sequence[Telling],
    told: dict[Account, Told],
    *,
    now: datetime,
) -> int:
    """Make these notices, in order, and write down how far the accounts are told. Returns how many were made.

    `told` holds every account of theirs that the destination knows, and is brought up to date. The caller holds the
    destination's row.
    """
    tellings, announced = _with_statements(tx, tellings, now=now)
    rows = []
    for telling, outbox_id in zip(tellings, announced, strict=True):
        state = told.setdefault(telling.account, Told(0, TOLD, now))
        state.last += 1
        rows.append(_row(destination.code, outbox_id, telling.account, state.last, now))
    accounts.save(tx, vault, destination.code, told)
    insert_rows(tx, Delivery, rows)
    return len(rows)


def _with_statements(tx: Session, tellings: Sequence[Telling], *, now: datetime) -> tuple[list[Telling], list[UUID]]:
    """The notices that need be made, and the announcement of each; a statement of balances gets one of its own."""
    moments = {telling.moment for telling in tellings if telling.announcement is None}
    balances = ledger.balances_before(tx, moments)
    needed = [
        telling
        for telling in tellings
        if telling.announcement is not None or balances[telling.moment] or not telling.only_if_any
    ]
    stated = [telling for telling in needed if telling.announcement is None]
    facts = [{"programme": telling.account[1], "balances": balances[telling.moment]} for telling in stated]
    news = [Announcement(STATED, telling.account[0], said) for telling, said in zip(stated, facts, strict=True)]
    own = iter(outbox.announce(tx, news, now=now))
    return needed, [telling.announcement or next(own) for telling in needed]


def _row(code: str, outbox_id: UUID, account: Account, sequence: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "destination": code,
        "outbox_id": outbox_id,
        "holder_id": account[0],
        "programme": account[1],
        "sequence": sequence,
        "state": WAITING,
        "attempts": 0,
        "next_attempt_at": now,
    }
