"""Who may decide is appointed by two: one administrator alone could be both halves of every decision otherwise.

For the same reason nobody hands out a token: its owner makes it and gives the digest. Another token for somebody who
lost theirs is an appointment as well.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import operator_log, two_operators
from backend.approvals import Approval
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
from backend.two_operators import Done

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
        said: dict[str, Any] = {"action": "operator.added", "subject": name, "after": {"role": role, "active": True}}
        operator_log.write(tx, operator_id=operator.id, reason=reason, now=now, **said)
        return None
    check_appointment(tx, name, role, token_digest)
    facts = {"operator": name, "role": role, "token_digest": token_digest}
    return two_operators.ask(tx, APPOINT, facts, operator, reason, now, about=name)


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
    return two_operators.ask(tx, REPLACE_TOKEN, facts, operator, reason, now, about=name)


def decide_appointment(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another administrator's decision about either; what is granted is done in the same transaction.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, OperatorExists,
    UnknownOperator.
    """

    def add(asked: Approval) -> Done:
        facts = asked.facts
        appoint(tx, str(facts["operator"]), str(facts["role"]), str(facts["token_digest"]), now=now)
        return Done()

    def replace(asked: Approval) -> Done:
        replace_operator_token(tx, str(asked.facts["operator"]), str(asked.facts["token_digest"]))
        return Done()

    operator.require(ADMINISTRATOR)
    deeds = {APPOINT: add, REPLACE_TOKEN: replace}
    return two_operators.decide(
        tx, request_id, deeds, operator, granted, reason, now, about=lambda facts: str(facts["operator"])
    )
