"""Forgetting a member: their events end with them."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Text, select, update
from sqlalchemy.orm import Session

from backend import identity
from backend.lists import recordset
from backend.partners.inbox import DONE, PARKED
from backend.partners.models import InboxEvent

_ENDED = {
    "state": DONE,
    "parked_for": None,
    "sealed_body": None,
    "user_ref_index": None,
    "outcome": json.dumps([{"line": "*", "status": "refused", "code": "MEMBER_FORGOTTEN"}]),
}


def forget_member(tx: Session, holder_id: UUID, *, source: str = identity.DELETION, now: datetime) -> datetime:
    """Forget a person for good, and say when: the same instant however often it is asked.

    `source`: what the record of their consents says ended them.

    The key is destroyed, identities, references and waiting events are erased; the books, inputs of calculations and
    claim fingerprints stay, so that balances and replay hold.
    """
    forgotten_at = identity.hold_to_forget(tx, holder_id)
    if forgotten_at is not None:
        return forgotten_at
    users = identity.users_of(tx, holder_id)
    _end_events(tx, holder_id, users)
    forgotten_at = identity.forget_person(tx, holder_id, source=source, now=now)
    # A worker that held the links may have parked further events meanwhile.
    _end_events(tx, holder_id, users)
    return forgotten_at


def _end_events(tx: Session, holder_id: UUID, users: Sequence[tuple[str, bytes]]) -> None:
    """End what waits of this person, and erase the bodies of all their events."""
    known = (InboxEvent.state != DONE, InboxEvent.holder_id == holder_id)
    given = recordset(tx, "given", {"partner": Text(), "user_ref_index": LargeBinary()}, sorted(users))
    same_user = (InboxEvent.partner == given.c.partner) & (InboxEvent.user_ref_index == given.c.user_ref_index)
    unknown = (InboxEvent.state == PARKED, select(given.c.partner).where(same_user).exists())
    for conditions in (known, unknown):
        held = select(InboxEvent.id).where(*conditions).order_by(InboxEvent.id).with_for_update(of=InboxEvent)
        ids = list(tx.scalars(held))
        for begin in range(0, len(ids), 1_000):
            some = ids[begin : begin + 1_000]
            statement = update(InboxEvent).where(InboxEvent.id.in_(some)).values(**_ENDED)
            tx.execute(statement.execution_options(synchronize_session=False))
    settled = update(InboxEvent).where(InboxEvent.holder_id == holder_id, InboxEvent.sealed_body.is_not(None))
    tx.execute(settled.values(sealed_body=None).execution_options(synchronize_session=False))
