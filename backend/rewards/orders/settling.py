"""Settling by hand what a provider does not say: two operators, and never by guessing.

One asks, having learned from the provider what became of the order; another decides. Until then it stays unknown.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import two_operators
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
    before = {"outcome": "unknown"}
    return two_operators.ask(tx, OUTCOME, facts, operator, reason, now, before=before, about=_about(facts))


def decide_outcome(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted settles the redemption at once. Raises OutcomeKnown too."""

    def settle(asked: Approval) -> two_operators.Done:
        holder_id, redemption_id = UUID(asked.facts["holder_id"]), UUID(asked.facts["redemption_id"])
        outcome.hold(tx, holder_id, redemption_id)
        order = preparing.held(tx, holder_id, redemption_id)
        if order is None or order.state not in (PLACING, WITHDRAWING):
            raise OutcomeKnown
        hearing.hear(tx, order, "settle", _answer(asked.facts), current=True, operator_id=operator.id, now=now)
        return two_operators.Done()

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {OUTCOME: settle}, operator, granted, reason, now, about=_about)


def _about(facts: Mapping[str, Any]) -> str:
    return preparing.request_no(UUID(str(facts["redemption_id"])))


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
