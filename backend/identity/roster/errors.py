"""What the roster says no with."""

from backend.errors import Refusal


class NotOnRoster(Refusal):
    code = "NOT_ON_ROSTER"
    status = 403
    title = "该工号今天不在单位花名册上 / This staff number is not on the employer's roster today"


class StaffNumberTaken(Refusal):
    code = "STAFF_NUMBER_TAKEN"
    status = 409
    title = "该工号已属于其他人，或您已有其他账户 / The staff number is another's, or you have another account here"


class OlderList(Refusal):
    code = "OLDER_LIST"
    status = 409
    title = "名单日期早于已导入的名单，或晚于今天 / The list is older than the one that stands, or of a day to come"


class AnotherImport(Refusal):
    code = "ANOTHER_IMPORT"
    status = 409
    title = "另一次花名册导入已开始，本次停止 / Another import of this roster has begun; this one stops"


class TooManyLeave(Refusal):
    code = "TOO_MANY_LEAVE"
    status = 409
    title = (
        "离职人数异常，请核对名单后用 --yes-many 注明人数 / So many would leave that their number has to be confirmed"
    )


class StaffTermEnded(Refusal):
    """`until`: the last day on which they could redeem."""

    code = "STAFF_TERM_ENDED"
    status = 403
    title = "您已离职，兑换期限已过 / You have left, and the time to redeem is over"


class TermsBackdated(Refusal):
    code = "TERMS_BACKDATED"
    title = "离职条款须自明天或更晚的日期起生效 / Terms for leavers begin tomorrow at the earliest"
