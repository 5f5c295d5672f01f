"""Who a staff login belongs to: the person it was seen with, whose staff number it is, or somebody new.

An identity of the employer's directory is one person's for good; the staff number says whose staff account it is. Where
the two, or the member who is logged in already, name different persons, nobody is logged in and nothing is linked: the
two may be one, which operators decide.

Locks: the keys of persons, then the row of the roster.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import clock
from backend.identity import roster
from backend.identity.merging import STAFF_LOGIN, holders_of, person_of, propose
from backend.identity.persons import add_identity, known_person, recognise_person
from backend.identity.staff_login.interfaces import StaffIdentity
from backend.vault import Vault


@dataclass(frozen=True, slots=True)
class Entered:
    """Who logged in; or, with `taken`, that what they showed is another one's, and nothing was linked."""

    person_id: UUID
    taken: bool = False


def enter(
    tx: Session,
    vault: Vault,
    programme: str,
    shown: StaffIdentity,
    *,
    member_id: UUID | None = None,
    now: datetime,
) -> Entered:
    """The person of a staff login, with their staff account; `member_id` is who binds it to an account they have.

    What is `taken` has to be committed: it was noted for the operators. Raises NotOnRoster and StaffNumberTaken, and
    SessionEnded for a member who was forgotten; then there is neither an account nor an identity.
    """
    employed = roster.staff_member(tx, vault, programme, shown.staff_no, day=clock.day_of(now))
    if employed is None:
        raise roster.NotOnRoster(programme=programme)
    identity = (shown.kind, shown.value)
    owner = employed.holder_id
    if member_id is None and owner is None:
        person_id = recognise_person(tx, vault, [identity], now=now)
    else:
        claimed = member_id or person_of(tx, owner or UUID(int=0))
        other = _other(tx, vault, claimed, owner, identity)
        if other is not None:
            propose(tx, claimed, other, STAFF_LOGIN, now=now)
            return Entered(claimed, taken=True)
        person_id = add_identity(tx, vault, claimed, identity, now=now)
        if person_id != claimed:  # somebody else's at this very moment
            propose(tx, claimed, person_id, STAFF_LOGIN, now=now)
            return Entered(claimed, taken=True)
    if owner is None or owner not in holders_of(tx, person_id):
        roster.bind(tx, vault, programme, shown.staff_no, person_id, now=now)
    return Entered(person_id)


def _other(tx: Session, vault: Vault, claimed: UUID, owner: UUID | None, identity: tuple[str, str]) -> UUID | None:
    """Another person whose staff number or identity this is."""
    if owner is not None and person_of(tx, owner) != claimed:
        return person_of(tx, owner)
    known = known_person(tx, vault, identity)
    return known if known not in (None, claimed) else None
