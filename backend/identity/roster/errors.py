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
