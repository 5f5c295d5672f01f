"""What settlement says no with."""

from backend.errors import Refusal


class CommuteTermsTooLate(Refusal):
    """`earliest` is the first day on which terms asked for today can begin."""

    code = "COMMUTE_TERMS_TOO_LATE"
    status = 409
    title = "通勤规则须在公告日之后的日期生效 / Commute terms begin after the day they are announced, never backwards"


class CommuteTermsChangedMeanwhile(Refusal):
    code = "COMMUTE_TERMS_CHANGED_MEANWHILE"
    status = 409
    title = "申请之后通勤规则已有新的版本，请重新申请 / There are later terms since these were asked for; ask again"


class NothingToReverse(Refusal):
    code = "NOTHING_TO_REVERSE"
    status = 409
    title = "该行为从未入账，无需冲正 / This act was never credited, there is nothing to take back"


class ReversalIsFinal(Refusal):
    code = "REVERSAL_IS_FINAL"
    status = 409
    title = "冲正不能再冲正 / A reversal cannot be reversed"
