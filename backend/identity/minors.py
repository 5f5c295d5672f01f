"""Who is under fourteen, and who decides for them (PIPL, articles 28 and 31; 未成年人网络保护条例).

Of a birth date only the fourteenth birthday is kept, and only until it has come.
"""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import clock, outbox
from backend.errors import NotFound
from backend.identity.errors import GuardianNeeded
from backend.identity.models import Guardianship, Minor
from backend.identity.persons import hold_person
from backend.lists import recordset
from backend.outbox import Announcement

AGE_OF_OWN_CONSENT = 14
#: Announced of a holder: they are known to be under fourteen, or not any more.
AGE_CHANGED = "person.age_changed"


def fourteenth_birthday(birth_date: date) -> date:
    """The day from which somebody consents alone; who was born on 29 February, from 1 March."""
    year = birth_date.year + AGE_OF_OWN_CONSENT
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def minor_until(tx: Session, holder_id: UUID, *, now: datetime) -> date | None:
    """The fourteenth birthday of somebody known to be younger than that now; None for everybody else."""
    found = tx.scalar(select(Minor.minor_until).where(Minor.holder_id == holder_id))
    return found if found is not None and found > clock.day_of(now) else None


def guardian_of(tx: Session, holder_id: UUID) -> UUID | None:
    """Who consents for this person while they are under fourteen."""
    return tx.scalar(select(Guardianship.guardian_id).where(Guardianship.holder_id == holder_id))


def hold_decider(tx: Session, holder_id: UUID, decided_by: UUID, *, now: datetime) -> datetime | None:
    """Hold whoever consents and whoever it is for, so that neither age nor guardianship changes until commit.

    Returns the instant up to which such a consent counts; None for ever. Raises GuardianNeeded when somebody under
    fourteen consents alone, NotFound when somebody decides for a person who is not their ward (any more).
    """
    if decided_by == holder_id:
        hold_person(tx, holder_id)
        if minor_until(tx, holder_id, now=now) is not None:
            raise GuardianNeeded
        return None
    hold_person(tx, decided_by)  # the guardian first, as everywhere
    hold_person(tx, holder_id, otherwise=NotFound)
    until = minor_until(tx, holder_id, now=now)
    if until is None or guardian_of(tx, holder_id) != decided_by:
        raise NotFound
    return clock.start_of(until)


def announce_ages(tx: Session, holder_ids: Collection[UUID], *, now: datetime) -> None:
    """Tell whoever shows members to others that these may be shown no longer, or again."""
    outbox.announce(tx, [Announcement(AGE_CHANGED, holder_id, {}) for holder_id in sorted(set(holder_ids))], now=now)


def minors_among(tx: Session, holder_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Those of these persons who are known to be under fourteen now."""
    if not holder_ids:
        return set()
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in sorted(set(holder_ids))])
    query = select(Minor.holder_id).join(given, Minor.holder_id == given.c.holder_id)
    return set(tx.scalars(query.where(Minor.minor_until > clock.day_of(now))))
