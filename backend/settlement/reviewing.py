"""An operator's decision: taking an activity back after a review, once, with who and why in the operator log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, ledger, operator_log
from backend.activities import ActivityKey, ClaimView, Contended
from backend.database import retried
from backend.errors import NotFound
from backend.identity import REVIEWER, OperatorView
from backend.settlement.errors import NothingToReverse, ReversalIsFinal
from backend.settlement.service import reverse


def reverse_after_review(
    sessions: sessionmaker[Session], activity_id: UUID, *, operator: OperatorView, reason: str
) -> bool:
    """Take an activity back as one chain and log it; False when it had been taken back before, and nothing changes.

    Raises OperatorNotAllowed; NotFound; NothingToReverse for an activity that was refused; ReversalIsFinal for the id
    of a reversal.
    """
    operator.require(REVIEWER)

    def reversing(tx: Session) -> bool:
        return _reverse(tx, activity_id, operator, reason, now=clock.now())

    return retried(sessions, reversing, also_after=(Contended,))


def _reverse(tx: Session, activity_id: UUID, operator: OperatorView, reason: str, *, now: datetime) -> bool:
    key = activity_named(tx, activity_id)
    (act,) = activities.hold(tx, [key])
    if act.status == "refused":
        raise NothingToReverse
    if act.status == "taken_back":
        return False
    reverse(tx, [key], now=now)
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="activity.reversed",
        subject=f"activity {activity_id}",
        reason=reason,
        before={"status": act.status},
        after={"status": "taken_back"},
        now=now,
    )
    return True


def activity_named(tx: Session, activity_id: UUID) -> ActivityKey:
    """The activity of this id, whoever holds it. Raises ReversalIsFinal for the id of a reversal, else NotFound."""
    key = activities.find_key(tx, activity_id)
    if key is not None:
        return key
    if ledger.is_reversal(tx, activity_id):
        raise ReversalIsFinal
    raise NotFound


def contested(tx: Session, activity_id: UUID) -> list[ClaimView]:
    """What this activity claims, whose each claim is, and who waits for it. Raises as `reverse_after_review` does."""
    return activities.claims_of(tx, activity_named(tx, activity_id))
