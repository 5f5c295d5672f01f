"""Who may decide is appointed by two: one administrator alone could be both halves of every decision otherwise.

For the same reason nobody hands out a token: its owner makes it and gives the digest. Another token for somebody who
lost theirs is an appointment as well.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import approvals, operator_log
from backend.approvals import Approval
from backend.errors import NotFound
from backend.identity.errors import UnknownOperator
from backend.identity.operators import (
    ADMINISTRATOR,
    OperatorView,
    appoint,
    appoints_alone,
    check_appointment,
    operators,
    parse_digest,
    replace_operator_token,
)

APPOINT, REPLACE_TOKEN = "operator.appoint", "operator.replace_token"


def request_appointment(
    tx: Session, name: str, role: str, token_digest: str, *, operator: OperatorView, reason: str, now: datetime
) -> UUID | None:
    """Appoint an operator who has the token of this digest; returns the request another administrator decides.

    None when it is done: one administrator appoints the second, and viewers. Raises OperatorNotAllowed,
    InvalidOperatorName, InvalidTokenDigest, OperatorExists.
    """
    operator.require(ADMINISTRATOR)
    if appoints_alone(tx, operator, role):
        appoint(tx, name, role, token_digest, now=now)
        _log(tx, operator, "operator.added", name, reason, now, after={"role": role, "active": True})
        return None
    check_appointment(tx, name, role, token_digest)
    facts = {"operator": name, "role": role, "token_digest": token_digest}
    return _request(tx, APPOINT, facts, operator, reason, now)


def request_token(
    tx: Session, name: str, token_digest: str, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask for the token of this digest to take the place of an operator's; returns the request.

    Raises OperatorNotAllowed, UnknownOperator, InvalidTokenDigest.
    """
    operator.require(ADMINISTRATOR)
    parse_digest(token_digest)
    if not any(known.name == name and known.active for known in operators(tx)):
        raise UnknownOperator
    facts = {"operator": name, "token_digest": token_digest}
    return _request(tx, REPLACE_TOKEN, facts, operator, reason, now)


def decide_appointment(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another administrator's decision about either; what is granted is done in the same transaction.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, OperatorExists,
    UnknownOperator.
    """
    operator.require(ADMINISTRATOR)
    kind = approvals.find(tx, request_id, now=now).kind
    if kind not in (APPOINT, REPLACE_TOKEN):
        raise NotFound
    asked = approvals.decide(tx, request_id, operator_id=operator.id, granted=granted, reason=reason, now=now)
    name, digest = str(asked.facts["operator"]), str(asked.facts["token_digest"])
    if granted:
        approvals.execute(tx, request_id, kind, now=now)
        if kind == APPOINT:
            appoint(tx, name, str(asked.facts["role"]), digest, now=now)
        else:
            replace_operator_token(tx, name, digest)
    done = {APPOINT: "operator.added", REPLACE_TOKEN: "operator.token_replaced"}[kind] if granted else f"{kind}_refused"
    decided = approvals.find(tx, request_id, now=now)
    after = {**asked.facts, "status": decided.status}
    _log(tx, operator, done, f"{name} approval {request_id}", reason, now, before={"status": "pending"}, after=after)
    return decided


def _request(tx: Session, kind: str, facts: dict[str, str], operator: OperatorView, reason: str, now: datetime) -> UUID:
    asked = approvals.request(tx, kind=kind, facts=facts, reason=reason, operator_id=operator.id, now=now)
    subject = f"{facts['operator']} approval {asked}"
    _log(tx, operator, f"{kind}_requested", subject, reason, now, after={**facts, "status": "pending"})
    return asked


def _log(
    tx: Session,
    by: OperatorView,
    action: str,
    subject: str,
    reason: str,
    now: datetime,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object],
) -> None:
    operator_log.write(
        tx, operator_id=by.id, action=action, subject=subject, reason=reason, before=before, after=after, now=now
    )
