"""What hangs on a donation's act and goes back with it: the steps, the trees they paid for, and the certificates."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, ledger, settlement
from backend.activities import ActivityKey
from backend.database import transaction
from backend.forest.models import ForestAdopter, ForestDonation
from backend.forest.planting import STANDING, WITHDRAWN, uproot
from backend.identity import Receiver
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import recordset
from backend.settlement import Statement
from backend.vault import Vault

SOURCE = "house:forest"


class StepDonations:
    """Takes donations back with their acts: see `settlement.DerivedEffect`."""

    name = "step_donations"

    def take_back(self, tx: Session, activity_keys: Sequence[ActivityKey], *, now: datetime) -> None:
        given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, list(activity_keys))
        same = (ForestDonation.holder_id == given.c.holder_id) & (ForestDonation.activity_id == given.c.activity_id)
        query = select(ForestDonation.adopter_id, ForestDonation.project, ForestDonation.holder_id, ForestDonation.id)
        found = tx.execute(query.join(given, same).where(ForestDonation.state == STANDING)).all()
        for adopter_key in sorted({(row.adopter_id, row.project) for row in found}):
            adopter = tx.get_one(ForestAdopter, adopter_key, with_for_update=True, populate_existing=True)
            keys = [(row.holder_id, row.id) for row in found if (row.adopter_id, row.project) == adopter_key]
            self._withdraw(tx, adopter, sorted(keys), now)

    def _withdraw(self, tx: Session, adopter: ForestAdopter, keys: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
        rows = [tx.get_one(ForestDonation, key, with_for_update=True, populate_existing=True) for key in keys]
        standing = [row for row in rows if row.state == STANDING]
        if not standing:
            return
        uproot(tx, adopter, standing, now=now)
        ledger.post(tx, [_back(donation) for donation in standing], now=now)


def transaction_of(donation: ForestDonation) -> Transaction:
    """How a donation stands in the books."""
    return Transaction(
        donation.transaction_id,
        *(donation.holder_id, donation.programme, "steps.donated", f"donation:{donation.id}"),
        transfers=(Transfer("steps.available", "donated.steps", donation.steps),),
    )


def _back(donation: ForestDonation) -> Transaction:
    transfers = (Transfer("donated.steps", "steps.available", donation.steps),)
    return ledger.reversal(transaction_of(donation), id=new_id(), transfers=transfers, reason="DONATION_WITHDRAWN")


def statement(donation_id: UUID, receiver: Receiver, translate: settlement.Translate | None) -> Statement:
    """What the house itself says of a donation: that it was given or, without `translate`, that it is taken back."""
    cancels = translate is None
    return Statement(
        source_id=donation_id,
        partner=SOURCE,
        order_no=str(donation_id),
        line="1",
        revision=1,
        rank=activities.CANCELLED if cancels else activities.ORIGINAL,
        order_type=None if cancels else "steps.donated",
        receiver=receiver,
        content_hash=hashlib.sha256(f"{donation_id}:{cancels}".encode()).digest(),
        evidence='{"source": "house:forest"}',
        translate=translate,
        rests_on=activities.OWN_ACT,
    )


def end_withdrawn(sessions: sessionmaker[Session], vault: Vault) -> None:
    """Let acts of withdrawn donations end for good, so that none comes to its right again without its donation.

    An act can lose its day to a better one (a walk whose steps share the daily limit) and get it back later; its steps
    were given back meanwhile.
    """
    while True:
        with transaction(sessions) as tx:
            if not _end_some(tx, vault, now=clock.now()):
                return


def _end_some(tx: Session, vault: Vault, *, now: datetime) -> int:
    query = select(ForestDonation).where(ForestDonation.state == WITHDRAWN, ~ForestDonation.act_ended)
    rows = list(tx.scalars(query.order_by(ForestDonation.id).limit(100)))
    ends = [statement(row.id, Receiver(row.holder_id, row.programme, b""), None) for row in rows]
    settlement.settle(tx, vault, ends, now=now)
    for row in rows:
        row.act_ended = True
    return len(rows)
