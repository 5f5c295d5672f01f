"""Points: versioned rules, and the lots in which every point of a member lives."""

from backend.points.awarding import Award, Earning, award
from backend.points.budget_reading import BudgetView, budgets_of
from backend.points.budgets import BudgetCut, Drawn, Returned, Wanted, draw, give_back, take_up_returned
from backend.points.debts import (
    WRITE_OFF,
    WriteOffLimit,
    WriteOffTooLarge,
    debt_sentence,
    decide_write_off,
    owes_and_has,
    request_write_off,
)
from backend.points.errors import BudgetBelowDrawn, ContradictingUse, InsufficientPoints, InvalidBudget
from backend.points.funding import NewBudget, change_budget, open_budget
from backend.points.policy import Rule, rule_on
from backend.points.reading import differences, holdings, lots_for, lots_of, newest_lots
from backend.points.ripening import lapse, ripen
from backend.points.rules import rules, save_rule
from backend.points.spending import confirm, refund, release, reserve, spend
from backend.points.taking_back import take_back

__all__ = [
    "WRITE_OFF",
    "Award",
    "BudgetBelowDrawn",
    "BudgetCut",
    "BudgetView",
    "ContradictingUse",
    "Drawn",
    "Earning",
    "InsufficientPoints",
    "InvalidBudget",
    "NewBudget",
    "Returned",
    "Rule",
    "Wanted",
    "WriteOffLimit",
    "WriteOffTooLarge",
    "award",
    "budgets_of",
    "change_budget",
    "confirm",
    "debt_sentence",
    "decide_write_off",
    "differences",
    "draw",
    "give_back",
    "holdings",
    "lapse",
    "lots_for",
    "lots_of",
    "newest_lots",
    "open_budget",
    "owes_and_has",
    "refund",
    "release",
    "request_write_off",
    "reserve",
    "ripen",
    "rule_on",
    "rules",
    "save_rule",
    "spend",
    "take_back",
    "take_up_returned",
]
