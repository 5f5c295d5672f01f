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
from backend.points.standing import NO_POINTS, SOON_DAYS, STATES, Due, LotView, Standing, lots_page, standings
from backend.points.taking_back import take_back

__all__ = [
    "NO_POINTS",
    "SOON_DAYS",
    "STATES",
    "WRITE_OFF",
    "Award",
    "BudgetBelowDrawn",
    "BudgetCut",
    "BudgetView",
    "ContradictingUse",
    "Drawn",
    "Due",
    "Earning",
    "InsufficientPoints",
    "InvalidBudget",
    "LotView",
    "NewBudget",
    "Returned",
    "Rule",
    "Standing",
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
    "lots_page",
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
    "standings",
    "take_back",
    "take_up_returned",
]
