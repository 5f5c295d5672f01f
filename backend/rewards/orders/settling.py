"""Settling by hand what a provider does not say: two operators, and never by guessing.

One asks, having learned from the provider what became of the order; another decides. Until then it stays unknown.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import approvals, operator_log
from backend.approvals import Approval
from backend.errors import NotFound
from backend.identity import FINANCE, OperatorView
from backend.rewards.errors import OutcomeKnown
from backend.rewards.interfaces import Done, Refused, Settling
from backend.rewards.orders import hearing, preparing
from backend.rewards.orders.models import PLACING, WITHDRAWING, ProviderOrder
from backend.rewards.redemptions import outcome

OUTCOME = "rewards.outcome"
#: What two operators can say became of an order.
DELIVERED, NOT_DELIVERED = "delivered", "not_delivered"
#: What stands as the provider's reason where operators found that nothing was delivered.
SETTLED_BY_OPERATORS = "SETTLED_BY_OPERATORS"


def request_outcome(
    tx: Session,
    redemption_id: UUID,
    *,
    delivered: bool,
    reference: str | None,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> UUID:
    """Ask to settle an order whose outcome the provider does not say. Returns the id of the request.

    `reference`: the provider's number for it, where it was delivered. Raises NotFound, OutcomeKnown.
    """
    operator.require(FINANCE)
    order = _unknown(tx, redemption_id)
    facts = {
        "holder_id": str(order.holder_id),
        "redemption_id": str(redemption_id),
        "provider": order.provider,
        "outcome": DELIVERED if delivered else NOT_DELIVERED,
        "reference": reference or (preparing.request_no(redemption_id) if delivered else None),
    }
    asked = approvals.request(tx, kind=OUTCOME, facts=facts, reason=reason, operator_id=operator.id, now=now)
    before = {"outcome": "unknown"}
    _log(tx, operator, "reward.outcome_requested", redemption_id, reason, before, {**facts, "status": "pending"}, now)
    return asked


def decide_outcome(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted settles the redemption at once. Raises OutcomeKnown too."""
    operator.require(FINANCE)
    if approvals.find(tx, request_id, now=now).kind != OUTCOME:
        raise NotFound
    decided = approvals.decide(tx, request_id, operator_id=operator.id, granted=granted, reason=reason, now=now)
    holder_id, redemption_id = UUID(decided.facts["holder_id"]), UUID(decided.facts["redemption_id"])
    before, after, verdict = {"status": "pending"}, {"status": "refused"}, "refused"
    if granted:
        outcome.hold(tx, holder_id, redemption_id)
        order = preparing.held(tx, holder_id, redemption_id)
        if order is None or order.state not in (PLACING, WITHDRAWING):
            raise OutcomeKnown
        hearing.hear(tx, order, "settle", _answer(decided.facts), current=True, operator_id=operator.id, now=now)
        decided = approvals.execute(tx, request_id, OUTCOME, now=now)
        after, verdict = {**decided.facts, "status": "executed"}, "granted"
    _log(tx, operator, f"reward.outcome_{verdict}", redemption_id, reason, before, after, now)
    return approvals.find(tx, request_id, now=now)


def _answer(facts: Mapping[str, Any]) -> Settling:
    if facts["outcome"] == DELIVERED:
        return Done(str(facts["reference"]), "done")
    return Refused(SETTLED_BY_OPERATORS)


def _unknown(tx: Session, redemption_id: UUID) -> ProviderOrder:
    order = tx.scalar(select(ProviderOrder).where(ProviderOrder.redemption_id == redemption_id))
    if order is None:
        raise NotFound
    if order.state not in (PLACING, WITHDRAWING):
        raise OutcomeKnown(state=order.state)
    return order


def _log(
    tx: Session,
    by: OperatorView,
    action: str,
    redemption_id: UUID,
    reason: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
    now: datetime,
) -> None:
    subject = preparing.request_no(redemption_id)
    said: dict[str, Any] = {"action": action, "subject": subject, "reason": reason, "now": now}
    operator_log.write(tx, operator_id=by.id, before=before, after=after, **said)
