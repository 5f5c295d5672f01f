"""Guardians: how somebody becomes one, for whom, and what ends it.

The ward's account makes a code that is good once and for ten minutes; whoever enters it in a login of their own, and
says that they are the guardian, is the guardian. Kinship itself is not proven here. When a guardianship ends, every
consent ends that was given under it.

Locks: the key of the guardian (shared), then that of the ward (alone), then the ward's consents.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import clock, operator_log
from backend.errors import NotFound
from backend.identity.consent import AGE, GUARDIAN_LEFT, end_consents, move_guardians_consents
from backend.identity.errors import (
    AgeStatedBefore,
    GuardianTooYoung,
    HasGuardian,
    InvalidInvitation,
    NotAMinor,
    TooManyWards,
)
from backend.identity.minors import announce_ages, fourteenth_birthday, guardian_of, minor_until
from backend.identity.models import GuardianInvitation, Guardianship, Minor
from backend.identity.operators import OperatorView
from backend.identity.persons import hold_person
from backend.identity.typed_codes import as_made, new_code
from backend.vault import Vault

INVITATION_LIFE = timedelta(minutes=10)
MOST_WARDS = 10


@dataclass(frozen=True, slots=True)
class Ward:
    """A person under fourteen, as their guardian sees them."""

    id: UUID
    minor_until: date
    since: datetime


def state_birth_date(tx: Session, holder_id: UUID, birth_date: date, *, now: datetime) -> date | None:
    """Note a person who is under fourteen, and until when; None for who is not: then nothing is kept.

    Whatever somebody under fourteen agreed to alone ends, and so do their guardianships. Raises AgeStatedBefore when
    they are known to be under fourteen with another birthday: nobody grows older by saying so.
    """
    hold_person(tx, holder_id, alone=True)
    until, known = fourteenth_birthday(birth_date), minor_until(tx, holder_id, now=now)
    if known not in (None, until):
        raise AgeStatedBefore
    return _note(tx, holder_id, known, until, now)


def correct_birth_date(
    tx: Session, holder_id: UUID, birth_date: date, *, operator: OperatorView, reason: str, now: datetime
) -> date | None:
    """An operator corrects what was mistyped; logged without either date. Returns as `state_birth_date`.

    A guardian's consents count until the corrected day; where it has passed already, they end, and so does the
    guardianship. NotFound for nobody.
    """
    hold_person(tx, holder_id, alone=True, otherwise=NotFound)
    known = minor_until(tx, holder_id, now=now)
    until = _note(tx, holder_id, known, fourteenth_birthday(birth_date), now)
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="member.birth_date_corrected",
        subject=f"member {holder_id}",
        reason=reason,
        before={"under_fourteen": known is not None},
        after={"under_fourteen": until is not None},
        now=now,
    )
    return until


def _note(tx: Session, holder_id: UUID, known: date | None, until: date, now: datetime) -> date | None:
    """What follows from a birthday, where another one was known before, or none."""
    if until <= clock.day_of(now):
        if known is not None:
            _end(tx, holder_id, now=now)
            _forget_age(tx, holder_id)
            announce_ages(tx, [holder_id], now=now)
        return None
    tx.merge(Minor(holder_id=holder_id, minor_until=until, stated_at=now))
    if known is None:
        leave_wards(tx, holder_id, now=now)
        end_consents(tx, holder_id, source=AGE, now=now)
        announce_ages(tx, [holder_id], now=now)
    else:
        move_guardians_consents(tx, holder_id, clock.start_of(until))
    return until


def invite_guardian(tx: Session, vault: Vault, holder_id: UUID, *, now: datetime) -> tuple[str, datetime]:
    """A fresh code and the instant it ends; the code before it ends at once. Raises NotAMinor, HasGuardian."""
    hold_person(tx, holder_id, alone=True)
    if minor_until(tx, holder_id, now=now) is None:
        raise NotAMinor
    if guardian_of(tx, holder_id) is not None:
        raise HasGuardian
    code = new_code()
    expires_at = now + INVITATION_LIFE
    tx.execute(delete(GuardianInvitation).where(GuardianInvitation.holder_id == holder_id))
    tx.add(GuardianInvitation(code_index=_code_index(vault, code), holder_id=holder_id, expires_at=expires_at))
    tx.flush()
    return code, expires_at


def accept_ward(tx: Session, vault: Vault, guardian_id: UUID, code: str, *, now: datetime) -> Ward:
    """Become the guardian of whoever made this code. Raises InvalidInvitation, GuardianTooYoung, TooManyWards."""
    index = _code_index(vault, code)
    ward_id = tx.scalar(select(GuardianInvitation.holder_id).where(GuardianInvitation.code_index == index))
    if ward_id is None or ward_id == guardian_id:
        raise InvalidInvitation
    hold_person(tx, guardian_id, alone=True)  # alone, because wards are counted
    # Before the ward is held: two wards who enter each other's codes would wait for one another.
    if minor_until(tx, guardian_id, now=now) is not None:
        raise GuardianTooYoung
    hold_person(tx, ward_id, alone=True, otherwise=InvalidInvitation)
    spent = delete(GuardianInvitation).where(GuardianInvitation.code_index == index)
    expires_at = tx.scalar(spent.returning(GuardianInvitation.expires_at))
    until = minor_until(tx, ward_id, now=now)
    if expires_at is None or expires_at <= now or until is None:
        raise InvalidInvitation
    if len(wards_of(tx, guardian_id, now=now)) >= MOST_WARDS:
        raise TooManyWards(most=MOST_WARDS)
    tx.merge(Guardianship(holder_id=ward_id, guardian_id=guardian_id, since=now))
    tx.flush()
    return Ward(ward_id, until, now)


def wards_of(tx: Session, guardian_id: UUID, *, now: datetime) -> Sequence[Ward]:
    """For whom this person consents now."""
    query = (
        select(Guardianship.holder_id, Minor.minor_until, Guardianship.since)
        .join(Minor, Minor.holder_id == Guardianship.holder_id)
        .where(Guardianship.guardian_id == guardian_id, Minor.minor_until > clock.day_of(now))
        .order_by(Guardianship.since, Guardianship.holder_id)
    )
    return [Ward(row.holder_id, row.minor_until, row.since) for row in tx.execute(query)]


def require_ward(tx: Session, guardian_id: UUID, ward_id: UUID, *, now: datetime) -> None:
    """Raises NotFound unless this guardian decides for this person now."""
    if guardian_of(tx, ward_id) != guardian_id or minor_until(tx, ward_id, now=now) is None:
        raise NotFound


def release_ward(tx: Session, guardian_id: UUID, ward_id: UUID, *, now: datetime) -> None:
    """The guardian gives the guardianship up. NotFound for anybody else's ward."""
    hold_person(tx, guardian_id)
    hold_person(tx, ward_id, alone=True, otherwise=NotFound)
    require_ward(tx, guardian_id, ward_id, now=now)
    _end(tx, ward_id, now=now)


def dismiss_guardian(tx: Session, ward_id: UUID, *, now: datetime) -> None:
    """The ward ends it: the wrong person entered the code. NotFound without a guardian."""
    hold_person(tx, ward_id, alone=True)
    if guardian_of(tx, ward_id) is None:
        raise NotFound
    _end(tx, ward_id, now=now)


def leave_wards(tx: Session, guardian_id: UUID, *, now: datetime) -> None:
    """End every guardianship of a person who is held alone: they are forgotten, or turn out to be a child."""
    query = select(Guardianship.holder_id).where(Guardianship.guardian_id == guardian_id)
    for ward_id in list(tx.scalars(query.order_by(Guardianship.holder_id))):
        with suppress(NotFound):  # forgotten at this very moment
            hold_person(tx, ward_id, alone=True, otherwise=NotFound)
            if guardian_of(tx, ward_id) == guardian_id:
                _end(tx, ward_id, now=now)


def forget_guardianships(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """Erase what is known about the age, guardian and wards of a person who is being forgotten."""
    leave_wards(tx, holder_id, now=now)
    _forget_age(tx, holder_id)


def _forget_age(tx: Session, holder_id: UUID) -> None:
    for table in (GuardianInvitation, Guardianship, Minor):
        tx.execute(delete(table).where(table.holder_id == holder_id))


def _end(tx: Session, ward_id: UUID, *, now: datetime) -> None:
    """End a guardianship with what was consented to under it; not what a ward agreed to since they turned fourteen."""
    ended = delete(Guardianship).where(Guardianship.holder_id == ward_id).returning(Guardianship.guardian_id)
    guardian_id = tx.scalar(ended)
    if guardian_id is not None:
        end_consents(tx, ward_id, given_by=guardian_id, source=GUARDIAN_LEFT, now=now)


def _code_index(vault: Vault, code: str) -> bytes:
    return vault.index("guardian invitation", as_made(code))
