"""What takes two operators: funding a budget, and stating what is set aside for a point."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import approvals, identity, operator_log
from backend.approvals import Approval
from backend.errors import NotFound
from backend.identity import FINANCE, OperatorView
from backend.points.budgets.funding import NewBudget, change_budget, check_change, open_budget
from backend.points.budgets.reading import BudgetView, budget
from backend.points.coming_into_force import require_later
from backend.points.cover.setting_aside import check_set_aside, set_aside, set_aside_on
from backend.points.policy import announced_on

BUDGET, SET_ASIDE = "points.budget", "points.set_aside"
#: How a request stands, as the operator log tells it beside what it is about.
_PENDING: dict[str, Any] = {"status": "pending"}
_REFUSED: dict[str, Any] = {"status": "refused"}
_EXECUTED: dict[str, Any] = {"status": "executed"}


def request_new_budget(tx: Session, new: NewBudget, *, operator: OperatorView, reason: str, now: datetime) -> UUID:
    """Ask for a budget to be opened; returns the request another operator decides.

    It begins on a day behind the decision: what was done before is not cut, however late it is settled. Raises
    OperatorNotAllowed, UnknownProgramme, InvalidBudget, UnknownMultiplier, RuleTooLate.
    """
    operator.require(FINANCE)
    new.check(tx)
    require_later(new.first_day, now)
    return _ask(tx, BUDGET, new.as_facts(), None, operator, reason, now)


def request_budget_change(
    tx: Session, number: int, points: int, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask for points to be put into a budget (> 0), or taken out (< 0).

    Raises OperatorNotAllowed, NotFound, InvalidBudget, BudgetBelowDrawn.
    """
    operator.require(FINANCE)
    check_change(tx, number, points)
    stands = budget(tx, number)
    facts = {"programme": stands.programme, "budget": number, "points": points}
    return _ask(tx, BUDGET, facts, _told(stands), operator, reason, now)


def decide_budget(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision about a budget; what is granted is done in the same transaction, once.

    What is drawn is judged again, with the budget held. Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded,
    ApprovalDecided, ApprovalExpired, InvalidBudget, UnknownMultiplier, RuleTooLate, BudgetBelowDrawn.
    """
    asked = _decide(tx, BUDGET, request_id, operator, granted, reason, now)
    number = asked.facts.get("budget")
    before, after = _PENDING, _REFUSED
    if granted:
        before = {**_PENDING, **(_told(budget(tx, number)) if number is not None else {})}
        if number is None:
            number = _open(tx, NewBudget.from_facts(asked.facts), request_id, now)
        else:
            change_budget(tx, number, int(asked.facts["points"]), now=now, approval_id=request_id)
        after = {**_EXECUTED, **_told(budget(tx, number))}
    _log(tx, operator, f"{BUDGET}_{_verdict(granted)}", request_id, reason, now, before, after)
    return approvals.find(tx, request_id, now=now)


def _open(tx: Session, new: NewBudget, request_id: UUID, now: datetime) -> int:
    require_later(new.first_day, now)
    return open_budget(tx, new, now=now, announced_on=announced_on(now), approval_id=request_id)


def request_set_aside(
    tx: Session, programme: str, fen: int, from_day: date, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask for a statement that so many fen are set aside for 1,000 points from a day on, which is not past.

    Raises OperatorNotAllowed, UnknownProgramme, InvalidSetAside.
    """
    operator.require(FINANCE)
    check_set_aside(tx, programme, fen, from_day, now=now)
    facts = {"programme": programme, "fen_per_1000_points": fen, "in_force_from": from_day.isoformat()}
    before = {"fen_per_1000_points": set_aside_on(tx, programme, from_day)}
    return _ask(tx, SET_ASIDE, facts, before, operator, reason, now)


def decide_set_aside(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision about what is set aside. Raises as `decide_budget`, and InvalidSetAside."""
    asked = _decide(tx, SET_ASIDE, request_id, operator, granted, reason, now)
    programme, from_day = str(asked.facts["programme"]), date.fromisoformat(asked.facts["in_force_from"])
    before, after = _PENDING, _REFUSED
    if granted:
        before = {**_PENDING, "fen_per_1000_points": set_aside_on(tx, programme, from_day)}
        fen = int(asked.facts["fen_per_1000_points"])
        set_aside(tx, programme, fen, from_day, now=now, approval_id=request_id)
        after = {**_EXECUTED, "fen_per_1000_points": fen, "in_force_from": from_day.isoformat()}
    _log(tx, operator, f"{SET_ASIDE}_{_verdict(granted)}", request_id, reason, now, before, after)
    return approvals.find(tx, request_id, now=now)


def _ask(
    tx: Session,
    kind: str,
    facts: dict[str, Any],
    before: dict[str, Any] | None,
    by: OperatorView,
    reason: str,
    now: datetime,
) -> UUID:
    identity.require_programme(tx, facts["programme"])
    asked = approvals.request(tx, kind=kind, facts=facts, reason=reason, operator_id=by.id, now=now)
    _log(tx, by, f"{kind}_requested", asked, reason, now, before, {**facts, **_PENDING})
    return asked


def _decide(
    tx: Session, kind: str, request_id: UUID, by: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    by.require(FINANCE)
    if approvals.find(tx, request_id, now=now).kind != kind:
        raise NotFound
    asked = approvals.decide(tx, request_id, operator_id=by.id, granted=granted, reason=reason, now=now)
    return approvals.execute(tx, request_id, kind, now=now) if granted else asked


def _verdict(granted: bool) -> str:
    return "granted" if granted else "refused"


def _told(view: BudgetView) -> dict[str, Any]:
    """The budget in the log: which one, and its amounts."""
    return {"budget": view.number, "title": view.title, "total": view.total, "drawn": view.drawn}


def _log(
    tx: Session,
    by: OperatorView,
    action: str,
    request_id: UUID,
    reason: str,
    now: datetime,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    said: dict[str, Any] = {"action": action, "subject": f"approval {request_id}", "before": before, "after": after}
    operator_log.write(tx, operator_id=by.id, reason=reason, now=now, **said)
