"""Merging two persons and parting them again: asked for by one administrator, decided by another.

A person of several holders is a star: one survivor, and holders merged into it that are nobody's survivor themselves.

Locks: to merge, the keys of both, by id; whoever acts for a whole person that exists takes the survivor's before those
merged into it. Then the logins of who is merged.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from backend import clock, two_operators
from backend.approvals import Approval
from backend.errors import NotFound
from backend.identity.errors import CannotMerge
from backend.identity.merging import proposals
from backend.identity.merging.models import PersonMerge
from backend.identity.merging.same_person import holders_of, person_of
from backend.identity.models import (
    AccountSteward,
    Enrolment,
    Guardianship,
    Holder,
    LoginSession,
    Minor,
    PersonIdentity,
    PersonKey,
)
from backend.identity.operators import ADMINISTRATOR, OperatorView
from backend.two_operators import Deed, Done, Facts

MERGE, UNMERGE = "member.merge", "member.unmerge"


def request(
    tx: Session, holder_id: UUID, survivor_id: UUID, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask for the first holder to become the same person as the second; returns the request another one decides.

    Raises OperatorNotAllowed, NotFound, CannotMerge.
    """
    operator.require(ADMINISTRATOR)
    _check(tx, holder_id, survivor_id, now)
    facts = _facts(holder_id, survivor_id)
    return two_operators.ask(tx, MERGE, facts, operator, reason, now, about=_about(facts))


def request_unmerge(tx: Session, holder_id: UUID, *, operator: OperatorView, reason: str, now: datetime) -> UUID:
    """Ask for a holder that was merged to be a person of its own again. NotFound where it was not."""
    operator.require(ADMINISTRATOR)
    survivor_id = person_of(tx, holder_id)
    if survivor_id == holder_id:
        raise NotFound
    facts = _facts(holder_id, survivor_id)
    return two_operators.ask(tx, UNMERGE, facts, operator, reason, now, about=_about(facts))


def decide(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another administrator's decision about either; what is granted is done in the same transaction.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, CannotMerge.
    """
    operator.require(ADMINISTRATOR)
    deeds: dict[str, Deed] = {
        MERGE: lambda asked: Done(*_merge(tx, *_holders(asked), request_id, now)),
        UNMERGE: lambda asked: Done(*_unmerge(tx, *_holders(asked), request_id, now)),
    }
    return two_operators.decide(tx, request_id, deeds, operator, granted, reason, now, about=_about)


def _facts(holder_id: UUID, survivor_id: UUID) -> Facts:
    return {"holder_id": str(holder_id), "survivor_id": str(survivor_id)}


def _holders(asked: Approval) -> tuple[UUID, UUID]:
    """Who is merged, and into whom."""
    return UUID(str(asked.facts["holder_id"])), UUID(str(asked.facts["survivor_id"]))


def _about(facts: Facts) -> str:
    return f"member {facts['holder_id']} survivor {facts['survivor_id']}"


def hold_whole_person(tx: Session, person_id: UUID) -> list[UUID]:
    """Every holder of a person, the survivor first, whose keys are held alone until commit, forgotten or not."""
    _hold(tx, [person_id])
    holder_ids = holders_of(tx, person_id)
    _hold(tx, holder_ids[1:])
    return holder_ids


def _hold(tx: Session, holder_ids: list[UUID]) -> dict[UUID, PersonKey]:
    query = select(PersonKey).where(PersonKey.holder_id.in_(holder_ids)).order_by(PersonKey.holder_id)
    found = tx.scalars(query.with_for_update().execution_options(populate_existing=True))
    return {key.holder_id: key for key in found}


def _merge(tx: Session, holder_id: UUID, survivor_id: UUID, request_id: UUID, now: datetime) -> tuple[Facts, Facts]:
    """Both as they stood, and what was done. From the commit on the identities of the first lead to the second."""
    _check(tx, holder_id, survivor_id, now)  # before the locks: a guardian and a ward are held in another order
    _hold(tx, [holder_id, survivor_id])
    _check(tx, holder_id, survivor_id, now)
    before = {"persons": [_standing(tx, one) for one in (holder_id, survivor_id)]}
    merged_at = max(now, clock.now())
    row = PersonMerge(holder_id=holder_id, survivor_id=survivor_id, approval_id=request_id, merged_at=merged_at)
    tx.add(row)
    tx.flush()
    ended = _end_logins(tx, holder_id, now)
    settled = proposals.settle(tx, holder_id, survivor_id, now=now)
    after = {"holders": holders_of(tx, survivor_id), "logins_ended": ended, "proposals_settled": settled}
    return before, after


def _unmerge(tx: Session, holder_id: UUID, survivor_id: UUID, request_id: UUID, now: datetime) -> tuple[Facts, Facts]:
    """As `_merge`, the way back: the holder's identities lead to it again.

    The logins of the survivor end too, because one of them may have been begun by who is a person of their own now.
    """
    if person_of(tx, holder_id) != survivor_id:
        raise NotFound
    before = hold_whole_person(tx, survivor_id)
    if holder_id not in before:
        raise NotFound
    ended_at = max(now, clock.now())
    mine = (PersonMerge.holder_id == holder_id, PersonMerge.ended_at.is_(None))
    tx.execute(update(PersonMerge).where(*mine).values(ended_at=ended_at, ended_by=request_id))
    ended = _end_logins(tx, survivor_id, now)
    after = {"holders": holders_of(tx, survivor_id), "logins_ended": ended}
    return {"holders": before}, after


def _end_logins(tx: Session, holder_id: UUID, now: datetime) -> int:
    live = (LoginSession.holder_id == holder_id, LoginSession.ended_at.is_(None))
    ended = update(LoginSession).where(*live).values(ended_at=now).returning(LoginSession.id)
    return len(list(tx.scalars(ended.execution_options(synchronize_session=False))))


def _standing(tx: Session, holder_id: UUID) -> dict[str, object]:
    """What there is of a holder, without anything about the person: how many identities of a kind, and the accounts."""
    kinds = select(PersonIdentity.kind, func.count()).where(PersonIdentity.holder_id == holder_id)
    accounts = select(Enrolment.programme).where(Enrolment.holder_id == holder_id).order_by(Enrolment.programme)
    identities = {row[0]: row[1] for row in tx.execute(kinds.group_by(PersonIdentity.kind))}
    return {"holder_id": holder_id, "identities": identities, "programmes": list(tx.scalars(accounts))}


def _check(tx: Session, holder_id: UUID, survivor_id: UUID, now: datetime) -> None:
    """Raises NotFound for an unknown holder, CannotMerge with the reason."""
    both = (holder_id, survivor_id)
    if holder_id == survivor_id:
        raise CannotMerge(because="one holder")
    kinds = {row.id: row.kind for row in tx.scalars(select(Holder).where(Holder.id.in_(both)))}
    if len(kinds) < len(both):
        raise NotFound
    if set(kinds.values()) != {"person"}:
        raise CannotMerge(because="class")
    living = select(func.count()).where(PersonKey.holder_id.in_(both), PersonKey.wrapped_key.is_not(None))
    if tx.scalar(living) != len(both):
        raise CannotMerge(because="forgotten")
    if tx.scalar(select(Minor.holder_id).where(Minor.holder_id.in_(both), Minor.minor_until > clock.day_of(now))):
        raise CannotMerge(because="under fourteen")
    _check_roles(tx, holder_id, survivor_id, now)


def _check_roles(tx: Session, holder_id: UUID, survivor_id: UUID, now: datetime) -> None:
    """Who is merged has nobody merged into it and acts for nobody: that stays with the holder who goes on acting."""
    merged = or_(
        PersonMerge.holder_id.in_((holder_id, survivor_id)),
        PersonMerge.survivor_id == holder_id,
    )
    if tx.scalar(select(PersonMerge.holder_id).where(merged, PersonMerge.ended_at.is_(None)).limit(1)):
        raise CannotMerge(because="merged already")
    stands = or_(AccountSteward.until.is_(None), AccountSteward.until > now)
    steward = select(AccountSteward.person_id).where(AccountSteward.person_id == holder_id, stands)
    guardian = select(Guardianship.guardian_id).where(Guardianship.guardian_id == holder_id)
    if tx.scalar(steward.limit(1)) or tx.scalar(guardian.limit(1)):
        raise CannotMerge(because="acts for others")
    mine = select(Enrolment.programme).where(Enrolment.holder_id == holder_id, Enrolment.account_kind == "staff")
    both_staff = select(Enrolment.programme).where(
        Enrolment.holder_id == survivor_id, Enrolment.account_kind == "staff", Enrolment.programme.in_(mine)
    )
    if tx.scalar(both_staff.limit(1)):
        raise CannotMerge(because="two staff accounts of one programme")
