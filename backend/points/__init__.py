"""Points: versioned rules, and the lots in which every point of a member lives."""

from backend.points.awarding import Award, Earning, award
from backend.points.budget_notices import BUDGET_STATES, budget_notices, warn_of_budgets
from backend.points.budget_reading import BudgetView, budgets_of
from backend.points.budgets import BudgetCut, Drawn, Returned, Wanted, draw, give_back, take_up_returned
from backend.points.cover import cover_of, liability_told
from backend.points.debts import (
    WRITE_OFF,
    WriteOffLimit,
    WriteOffTooLarge,
    debt_sentence,
    decide_write_off,
    owes_and_has,
    request_write_off,
)
from backend.points.errors import BudgetBelowDrawn, ContradictingUse, InsufficientPoints, InvalidBudget, InvalidSetAside
from backend.points.funding import SCOPES, NewBudget, change_budget, open_budget
from backend.points.funding_decisions import (
    BUDGET,
    SET_ASIDE,
    decide_budget,
    decide_set_aside,
    request_budget_change,
    request_new_budget,
    request_set_aside,
)
from backend.points.lapsing import Lapse, Place, lapsing_page, points_lapsing
from backend.points.liability import Liability, liability_now, newest_liability, snapshot_liabilities
from backend.points.policy import Rule, rule_on
from backend.points.reading import differences, holdings, lots_for, lots_of, newest_lots
from backend.points.ripening import lapse, ripen
from backend.points.rules import rules, save_rule
from backend.points.setting_aside import set_aside, show_cover
from backend.points.spending import confirm, refund, release, reserve, spend
from backend.points.standing import NO_POINTS, SOON_DAYS, STATES, Due, LotView, Standing, lots_page, standings
from backend.points.taking_back import take_back

__all__ = [
    "BUDGET",
    "BUDGET_STATES",
    "NO_POINTS",
    "SCOPES",
    "SET_ASIDE",
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
    "InvalidSetAside",
    "Lapse",
    "Liability",
    "LotView",
    "NewBudget",
    "Place",
    "Returned",
    "Rule",
    "Standing",
    "Wanted",
    "WriteOffLimit",
    "WriteOffTooLarge",
    "award",
    "budget_notices",
    "budgets_of",
    "change_budget",
    "confirm",
    "cover_of",
    "debt_sentence",
    "decide_budget",
    "decide_set_aside",
    "decide_write_off",
    "differences",
    "draw",
    "give_back",
    "holdings",
    "lapse",
    "lapsing_page",
    "liability_now",
    "liability_told",
    "lots_for",
    "lots_of",
    "lots_page",
    "newest_liability",
    "newest_lots",
    "open_budget",
    "owes_and_has",
    "points_lapsing",
    "refund",
    "release",
    "request_budget_change",
    "request_new_budget",
    "request_set_aside",
    "request_write_off",
    "reserve",
    "ripen",
    "rule_on",
    "rules",
    "save_rule",
    "set_aside",
    "show_cover",
    "snapshot_liabilities",
    "spend",
    "standings",
    "take_back",
    "take_up_returned",
    "warn_of_budgets",
]
