"""What the employer's view says no with."""

from backend.errors import Refusal


class ReleasedBefore(Refusal):
    code = "RELEASED_BEFORE"
    status = 409
    title = "该月报表已发布，不再重算 / The report of this month is released and stays as it is"


class MonthNotOver(Refusal):
    """`from_day`: when it can be released."""

    code = "MONTH_NOT_OVER"
    status = 409
    title = "该月尚未结束满十五天 / The month has not been over for fifteen days"
