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


class InvalidRule(Refusal):
    code = "INVALID_POINTS_RULE"
    title = "积分规则不完整或不合规 / The points rule is incomplete or malformed"


class RuleTooLate(Refusal):
    code = "POINTS_RULE_TOO_LATE"
    status = 409
    title = "变更须在公告日之后的日期生效 / A change takes effect after the day it is announced, never backwards"


class RuleChangedMeanwhile(Refusal):
    code = "POINTS_RULE_CHANGED_MEANWHILE"
    status = 409
    title = "申请之后规则已有新的版本，请重新申请 / There is a later version since this was asked for; ask again"


class GrantNotCovered(Refusal):
    """A budget that covers what is to be given would not do, or has ended; nothing was given."""

    code = "GRANT_NOT_COVERED"
    status = 409
    title = "积分预算不足以发放这些奖励 / The budget does not cover what is to be given"


class NoPointsRule(Refusal):
    """The programme has no points rule, so nothing says how long points that are given live."""

    code = "NO_POINTS_RULE"
    status = 409
    title = "该计划没有积分规则 / The programme has no points rule"


class UnknownMultiplier(Refusal):
    code = "UNKNOWN_MULTIPLIER"
    status = 404
    title = "没有这项活动加成 / There is no such campaign multiplier"


class Overtaken(Exception):
    """Somebody else was quicker: the lots that were chosen do not pay any more, others would. To be tried again."""
