"""What takes two operators: funding a budget, and stating what is set aside for a point."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import two_operators
from backend.approvals import Approval
from backend.identity import FINANCE, OperatorView
from backend.points.budgets.funding import NewBudget, change_budget, check_change, open_budget
from backend.points.budgets.reading import BudgetView, budget
from backend.points.coming_into_force import require_later
from backend.points.cover.setting_aside import check_set_aside, set_aside, set_aside_on
from backend.points.policy import announced_on
from backend.two_operators import Done

BUDGET, SET_ASIDE = "points.budget", "points.set_aside"


def request_new_budget(tx: Session, new: NewBudget, *, operator: OperatorView, reason: str, now: datetime) -> UUID:
    """Ask for a budget to be opened; returns the request another operator decides.

    It begins on a day behind the decision: what was done before is not cut, however late it is settled. Raises
    OperatorNotAllowed, UnknownProgramme, InvalidBudget, UnknownMultiplier, RuleTooLate.
    """
    operator.require(FINANCE)
    new.check(tx)
    require_later(new.first_day, now)
    return two_operators.ask(tx, BUDGET, new.as_facts(), operator, reason, now)


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
    return two_operators.ask(tx, BUDGET, facts, operator, reason, now, before=_told(stands))


def decide_budget(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision about a budget; what is granted is done in the same transaction, once.

    What is drawn is judged again, with the budget held. Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded,
    ApprovalDecided, ApprovalExpired, InvalidBudget, UnknownMultiplier, RuleTooLate, BudgetBelowDrawn.
    """

    def fund(asked: Approval) -> Done:
        number = asked.facts.get("budget")
        if number is None:
            number = _open(tx, NewBudget.from_facts(asked.facts), request_id, now)
            return Done(after=_told(budget(tx, number)))
        before = _told(budget(tx, number))
        change_budget(tx, number, int(asked.facts["points"]), now=now, approval_id=request_id)
        return Done(before, _told(budget(tx, number)))

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {BUDGET: fund}, operator, granted, reason, now)


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
    return two_operators.ask(tx, SET_ASIDE, facts, operator, reason, now, before=before)


def decide_set_aside(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision about what is set aside. Raises as `decide_budget`, and InvalidSetAside."""

    def state(asked: Approval) -> Done:
        programme, from_day = str(asked.facts["programme"]), date.fromisoformat(asked.facts["in_force_from"])
        before = {"fen_per_1000_points": set_aside_on(tx, programme, from_day)}
        fen = int(asked.facts["fen_per_1000_points"])
        set_aside(tx, programme, fen, from_day, now=now, approval_id=request_id)
        return Done(before)

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {SET_ASIDE: state}, operator, granted, reason, now)


def _told(view: BudgetView) -> dict[str, Any]:
    """The budget in the log: which one, and its amounts."""
    return {"budget": view.number, "title": view.title, "total": view.total, "drawn": view.drawn}
