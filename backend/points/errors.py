"""What points say no with."""

from backend.errors import Refusal


class InsufficientPoints(Refusal):
    """`needed` and `available` are points; `debt`, where there is one, is paid before anything becomes available."""

    code = "INSUFFICIENT_POINTS"
    status = 409
    title = "可用积分不足 / Not enough available points"


class ContradictingUse(Refusal):
    """A use of points is in another `state` than what is asked of it needs, or it is of something else."""

    code = "CONTRADICTING_USE"
    status = 409
    title = "积分使用状态与该操作矛盾 / What is asked contradicts what became of these points"


class InvalidBudget(Refusal):
    code = "INVALID_BUDGET"
    title = "无效的积分预算 / Not a budget of points"


class InvalidSetAside(Refusal):
    code = "INVALID_SET_ASIDE"
    title = "无效的预留声明 / Not a statement of what is set aside for points"


class BudgetBelowDrawn(Refusal):
    code = "BUDGET_BELOW_DRAWN"
    status = 409
    title = "预算不能低于已发放的积分 / A budget cannot be lowered below what is drawn of it"
