"""What reviewers decide: a declaration is credited or refused, and an appeal by somebody who did not decide before."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, identity, operator_log
from backend.approvals import SecondOperatorNeeded
from backend.database import retried
from backend.declarations import keeping, settling, telling
from backend.declarations.errors import DeclarationChanged
from backend.declarations.models import Declaration
from backend.declarations.policy import APPROVED, IN_APPEAL, IN_REVIEW, REFUSED, REVIEW_REASONS
from backend.errors import NotFound
from backend.identity import REVIEWER, OperatorView
from backend.vault import Vault


def approve(
    sessions: sessionmaker[Session], vault: Vault, declaration_id: UUID, *, operator: OperatorView, reason: str
) -> str | None:
    """Credit a declared act. Returns None, or the reason the house's rules refuse it with by now.

    Raises OperatorNotAllowed, NotFound, DeclarationChanged, and SecondOperatorNeeded for an appeal against one's own
    decision.
    """

    def credit(tx: Session, row: Declaration, now: datetime) -> None:
        outcome = settling.credit(tx, vault, identity.person_sealer(tx, vault, row.holder_id), row, now=now)
        if outcome.status == "issued":
            assert outcome.activity is not None
            row.state, row.reason, row.activity_id = APPROVED, None, outcome.activity[1]
        else:
            row.state, row.reason = REFUSED, outcome.code

    decide = partial(_decide, declaration_id, operator, reason, credit)
    return retried(sessions, decide, also_after=(activities.Contended,)).reason


def refuse(
    sessions: sessionmaker[Session],
    declaration_id: UUID,
    *,
    code: str,
    told: str | None,
    operator: OperatorView,
    reason: str,
) -> None:
    """Refuse a declared act with one of REVIEW_REASONS and words to the member. Raises as `approve` does."""
    assert code in REVIEW_REASONS

    def settle(_tx: Session, row: Declaration, _now: datetime) -> None:
        row.state, row.reason, row.told = REFUSED, code, told

    decide = partial(_decide, declaration_id, operator, reason, settle)
    retried(sessions, decide, also_after=(activities.Contended,))


def _decide(
    declaration_id: UUID,
    operator: OperatorView,
    reason: str,
    settle: Callable[[Session, Declaration, datetime], None],
    tx: Session,
) -> Declaration:
    """Hold the declaration, let it be settled, and write down by whom. An appeal is decided for good."""
    operator.require(REVIEWER)
    now = clock.now()
    row = _held(tx, declaration_id)
    before = _said(row)
    if row.state not in (IN_REVIEW, IN_APPEAL):
        raise DeclarationChanged(state=row.state)
    appealed = row.state == IN_APPEAL
    if appealed and row.decided_by == operator.id:
        raise SecondOperatorNeeded
    settle(tx, row, now)
    if appealed:
        row.appeal_decided_at, row.appeal_decided_by = now, operator.id
    else:
        row.decided_at, row.decided_by = now, operator.id
    tx.flush()
    keeping.let_go(tx, row.holder_id, row.id, after=keeping.decided(now))
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="declaration.appeal_decided" if appealed else "declaration.reviewed",
        subject=f"declaration {declaration_id}",
        reason=reason,
        before=before,
        after=_said(row),
        now=now,
    )
    return row


def see_photo(
    tx: Session,
    vault: Vault,
    declaration_id: UUID,
    photo_id: UUID,
    *,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> bytes:
    """The picture of a declaration, for a reviewer; that it was looked at is logged. Raises NotFound."""
    operator.require(REVIEWER)
    row = telling.find(tx, declaration_id)
    if photo_id not in {photo.id for photo in keeping.photos_of(tx, row.holder_id, [row.id])[row.id]}:
        raise NotFound
    jpeg = keeping.picture(tx, vault, row.holder_id, photo_id)
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="declaration.photo_seen",
        subject=f"photo {photo_id} of declaration {declaration_id}",
        reason=reason,
        now=now,
    )
    return jpeg


def _held(tx: Session, declaration_id: UUID) -> Declaration:
    """The declaration, held behind the key of its member. NotFound once they were forgotten."""
    holder_id = telling.find(tx, declaration_id).holder_id
    if not identity.hold_living(tx, {holder_id}):
        raise NotFound
    mine = (Declaration.holder_id == holder_id, Declaration.id == declaration_id)
    query = select(Declaration).where(*mine).with_for_update().execution_options(populate_existing=True)
    return tx.scalars(query).one()


def _said(row: Declaration) -> dict[str, Any]:
    return {"state": row.state, "reason": row.reason, "activity_id": row.activity_id}
