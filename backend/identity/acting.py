"""Who acts for an account: a person for their own and those merged with them, a guardian for a ward under fourteen, a
steward for a class.

A class account belongs to no person; whoever an operator names its steward (its teacher, say) acts for it. It has a key
of its own, under which what is sealed for the class is sealed. Pupils are named nowhere.

Locks: the key of whoever acts, then the key of the account, so what one account spends is decided one after the other.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.errors import NotFound
from backend.identity.errors import GuardianNeeded, NotEnrolled, SessionEnded
from backend.identity.merging.models import PersonMerge
from backend.identity.models import (
    AccountSteward,
    Enrolment,
    Guardianship,
    Holder,
    LoginSession,
    Minor,
    PersonKey,
)
from backend.identity.persons import enrol, require_programme
from backend.identity.roster.leavers import require_term
from backend.ids import new_id
from backend.lists import upsert_rows
from backend.vault import Sealer, Vault


@dataclass(frozen=True, slots=True)
class Acting:
    """A live login that may act for this account; `enrolled_at` is since when there is the account."""

    holder_id: UUID
    person_id: UUID
    programme: str
    account_kind: str
    enrolled_at: datetime
    wrapped_key: bytes = field(repr=False)

    def sealer(self, vault: Vault) -> Sealer:
        """The sealer of the account, whose key is held."""
        return vault.person(self.wrapped_key, self.holder_id.bytes)


_TABLES = (PersonKey, LoginSession, Minor, Enrolment, AccountSteward, Guardianship, PersonMerge)
_key, _login, _minor, _enrolment, _steward, _guardian, _merge = (table.__table__.c for table in _TABLES)


def _enrolled() -> Any:
    return and_(_enrolment.holder_id == _key.holder_id, _enrolment.programme == bindparam("programme"))


def _oneself() -> Any:
    """A person with their login and their own account; their key is held."""
    login = and_(_login.id == bindparam("session", type_=Uuid()), _login.holder_id == _key.holder_id)
    found = (_login.ended_at, _login.expires_at, _minor.minor_until, _enrolment.account_kind, _enrolment.enrolled_at)
    return (
        select(_key.wrapped_key, *found)
        .outerjoin_from(PersonKey.__table__, LoginSession.__table__, login)
        .outerjoin(Minor.__table__, _minor.holder_id == _key.holder_id)
        .outerjoin(Enrolment.__table__, _enrolled())
        .where(_key.holder_id == bindparam("person", type_=Uuid()))
        .with_for_update(key_share=True, of=PersonKey.__table__)
    )


def _another() -> Any:
    """An account that is not the person's own, and what makes it theirs to act for; its key is held."""
    person = bindparam("person", type_=Uuid())
    steward = and_(_steward.holder_id == _key.holder_id, _steward.person_id == person)
    guardian = and_(_guardian.holder_id == _key.holder_id, _guardian.guardian_id == person)
    merged = and_(_merge.holder_id == _key.holder_id, _merge.survivor_id == person, _merge.ended_at.is_(None))
    found = (_steward.since, _steward.until, _guardian.guardian_id, _minor.minor_until, _merge.survivor_id)
    return (
        select(_key.wrapped_key, *found, _enrolment.account_kind, _enrolment.enrolled_at)
        .outerjoin_from(PersonKey.__table__, AccountSteward.__table__, steward)
        .outerjoin(Guardianship.__table__, guardian)
        .outerjoin(PersonMerge.__table__, merged)
        .outerjoin(Minor.__table__, _minor.holder_id == _key.holder_id)
        .outerjoin(Enrolment.__table__, _enrolled())
        .where(_key.holder_id == bindparam("account", type_=Uuid()))
    )


_ONESELF, _ANOTHER = _oneself(), _another()
_HELD_ANOTHER = _ANOTHER.with_for_update(key_share=True, of=PersonKey.__table__)


def act_for(
    tx: Session, *, person_id: UUID, session_id: UUID, account_id: UUID, programme: str, now: datetime
) -> Acting:
    """Let this login act for this account until commit, one act after the other.

    Raises SessionEnded, GuardianNeeded (somebody under fourteen spends nothing alone), NotEnrolled, StaffTermEnded (who
    left long enough ago), and NotFound for an account that is not theirs to act for.
    """
    own = tx.execute(_ONESELF, {"person": person_id, "session": session_id, "programme": programme}).one_or_none()
    if own is None or own.wrapped_key is None or own.expires_at is None:
        raise SessionEnded
    if own.ended_at is not None or own.expires_at <= now:
        raise SessionEnded
    if own.minor_until is not None and own.minor_until > clock.day_of(now):
        raise GuardianNeeded
    found: Any = own
    if account_id != person_id:
        asked = {"person": person_id, "account": account_id, "programme": programme}
        found = tx.execute(_HELD_ANOTHER, asked).one_or_none()
        if found is None or not _theirs(found, now):
            raise NotFound
    if found.account_kind is None:
        raise NotEnrolled
    if found.account_kind == "staff":
        require_term(tx, programme, account_id, now=now)
    return Acting(account_id, person_id, programme, found.account_kind, found.enrolled_at, found.wrapped_key)


def may_see(tx: Session, person_id: UUID, account_id: UUID, *, now: datetime) -> None:
    """NotFound unless the account is this person's own or theirs to act for."""
    if account_id == person_id:
        return
    asked = {"person": person_id, "account": account_id, "programme": ""}
    found = tx.execute(_ANOTHER, asked).one_or_none()
    if found is None or not _theirs(found, now):
        raise NotFound


def stewarded_accounts(tx: Session, person_id: UUID, *, now: datetime) -> list[UUID]:
    """The class accounts this person acts for now."""
    standing = or_(AccountSteward.until.is_(None), AccountSteward.until > now)
    query = select(AccountSteward.holder_id).where(AccountSteward.person_id == person_id, AccountSteward.since <= now)
    return list(tx.scalars(query.where(standing).order_by(AccountSteward.holder_id)))


def _theirs(found: Any, now: datetime) -> bool:
    if found.wrapped_key is None:
        return False
    if found.survivor_id is not None:
        return True
    if found.since is not None and found.since <= now and (found.until is None or found.until > now):
        return True
    ward = found.minor_until is not None and found.minor_until > clock.day_of(now)
    return ward and found.guardian_id is not None


def open_class_account(tx: Session, vault: Vault, programme: str, *, now: datetime) -> UUID:
    """An account of a class in a programme. Raises UnknownProgramme."""
    require_programme(tx, programme)
    holder_id = new_id()
    tx.add(Holder(id=holder_id, kind="class", created_at=now))
    tx.flush()
    tx.add(PersonKey(holder_id=holder_id, wrapped_key=vault.new_person_key(holder_id.bytes)))
    tx.flush()
    enrol(tx, holder_id, programme, "class", now=now)
    return holder_id


def appoint_steward(tx: Session, account_id: UUID, person_id: UUID, *, until: datetime | None, now: datetime) -> None:
    """Name who acts for a class account from now on, until an instant or without end. NotFound for anything else."""
    kinds = {row.id: row.kind for row in tx.scalars(select(Holder).where(Holder.id.in_([account_id, person_id])))}
    if (kinds.get(account_id), kinds.get(person_id)) != ("class", "person"):
        raise NotFound
    row = {"holder_id": account_id, "person_id": person_id, "since": now, "until": until}
    upsert_rows(tx, AccountSteward, [row], key=("holder_id", "person_id"))


def stewardship(tx: Session, account_id: UUID, person_id: UUID) -> dict[str, str | None] | None:
    """Since when and until when this person acts for this account, or acted, as the operator log tells it.

    Held until commit; None for who never did.
    """
    whose = (AccountSteward.holder_id == account_id, AccountSteward.person_id == person_id)
    row = tx.execute(select(AccountSteward.since, AccountSteward.until).where(*whose).with_for_update()).one_or_none()
    return row and {"since": clock.iso(row.since), "until": clock.iso(row.until) if row.until else None}


def end_steward(tx: Session, account_id: UUID, person_id: UUID, *, now: datetime) -> None:
    """From now on this person does not act for this account any more. NotFound when they did not anyway."""
    ended = _end(AccountSteward.holder_id == account_id, AccountSteward.person_id == person_id, now=now)
    if tx.scalar(ended.returning(AccountSteward.person_id)) is None:
        raise NotFound


def end_stewardships(tx: Session, person_id: UUID, *, now: datetime) -> None:
    """A person who is forgotten acts for nobody any more."""
    tx.execute(_end(AccountSteward.person_id == person_id, now=now))


def _end(*whose: Any, now: datetime) -> Any:
    standing = or_(AccountSteward.until.is_(None), AccountSteward.until > now)
    return update(AccountSteward).where(*whose, standing).values(until=now).execution_options(synchronize_session=False)
