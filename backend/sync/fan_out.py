"""From announcements to deliveries, for one destination.

Whether it may be told about a person is judged here and again before the notice is sent; what it may not be told gets
no number. Where its picture of an account has a beginning or a hole, the balances are stated first.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from backend import identity, outbox
from backend.sync import accounts
from backend.sync.accounts import Account, Told, may_tell
from backend.sync.making import Telling, make
from backend.sync.models import ENDED, INTERRUPTED, TOLD, Destination
from backend.sync.notices import ENDINGS, FORGOTTEN, GRANTED, STATED, TOPICS, WITHDRAWN
from backend.vault import Vault

BATCH = 500
#: An announcement and the account it is about.
_News = tuple[Row[Any], Account]


def fan_out(tx: Session, vault: Vault, destination: Destination, *, now: datetime, limit: int = BATCH) -> int:
    """Make deliveries of the next announcements. Returns how many were looked at.

    The caller holds the destination's row, so its numbers are given by one transaction at a time and have no gaps.
    """
    rows = outbox.read_after(tx, destination.position, limit=limit)
    if not rows:
        return 0
    news = list(_concerning(destination, rows))
    told = accounts.told(tx, destination.code, {account for _, account in news})
    holders = {row.holder_id for row, _ in news}
    may = identity.may_be_told_about(tx, holders, consented_to=destination.consented_to, now=now)
    plan = _Plan(told, may, states_balances=STATED in json.loads(destination.topics), now=now)
    for row, account in news:
        plan.add(row, account)
    accounts.withhold(tx, destination.code, plan.ended)
    make(tx, vault, destination, plan.tellings, told, now=now)
    destination.position = rows[-1].position
    tx.flush()
    return len(rows)


def _concerning(destination: Destination, rows: Sequence[Row[Any]]) -> Iterator[_News]:
    """What is for this destination. Statements were made for one destination already, consents name theirs."""
    wanted = (TOPICS.keys() & set(json.loads(destination.topics))) - {STATED}
    for row in rows:
        if row.topic in wanted or row.topic in (FORGOTTEN, GRANTED, WITHDRAWN):
            facts = json.loads(row.payload)
            if facts.get("destination", destination.code) == destination.code:
                yield row, (row.holder_id, facts["programme"])


class _Plan:
    """Which notices are made of a list of announcements; keeps `told` up to date but for the numbers."""

    def __init__(
        self, told: dict[Account, Told], may: Mapping[UUID, datetime], *, states_balances: bool, now: datetime
    ) -> None:
        self.tellings: list[Telling] = []
        #: Accounts about which nothing from before may reach the destination any more.
        self.ended: set[Account] = set()
        self._told, self._may, self._states_balances, self._now = told, may, states_balances, now

    def add(self, row: Row[Any], account: Account) -> None:
        known = self._told.get(account)
        state = known.state if known else None
        if row.topic in ENDINGS:
            if state is not None and (state != ENDED or row.topic == FORGOTTEN):
                self._tell(row, account, ENDED)
                self.ended.add(account)
        elif not may_tell(self._may, row.holder_id, row.announced_at):
            if known is not None and state == TOLD:
                known.state = INTERRUPTED
        else:
            if state != TOLD and self._states_balances:
                only_if_any = state is None and row.topic != GRANTED
                self.tellings.append(Telling(account, row.position, only_if_any=only_if_any))
                self._become(account, TOLD)
            if row.topic != GRANTED:
                self._tell(row, account, TOLD)

    def _tell(self, row: Row[Any], account: Account, state: str) -> None:
        self.tellings.append(Telling(account, row.position, row.id))
        self._become(account, state)

    def _become(self, account: Account, state: str) -> None:
        self._told.setdefault(account, Told(0, TOLD, self._now)).state = state
