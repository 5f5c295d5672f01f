"""Why somebody is not logged in as staff. Each has a row in docs/problems.md."""

from backend.errors import Refusal


class UnknownStaffProvider(Refusal):
    code = "UNKNOWN_STAFF_PROVIDER"
    status = 404
    title = "没有这个员工登录方式 / There is no such staff login"


class StaffLoginInvalid(Refusal):
    """The code, the state or what vouches for them does not hold; which of them is in our log only."""

    code = "STAFF_LOGIN_INVALID"
    status = 401
    title = "员工登录凭证无效或已过期，请重新登录 / The staff login is not valid any more, please begin again"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


class StaffLoginUnavailable(Refusal):
    """The employer's login service is out of reach, or says what makes no sense; `reason` is for our log."""

    code = "STAFF_LOGIN_UNAVAILABLE"
    status = 503
    title = "员工登录服务暂时不可用，请稍后再试 / The staff login is not available right now"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


class NotStaff(Refusal):
    """The employer knows this person, but not as a member of staff: a customer in WeCom, say."""

    code = "NOT_STAFF"
    status = 403
    title = "该账号不是本企业员工 / This is no member of staff"


class StaffLoginTaken(Refusal):
    """The staff login or number belongs to another member. Operators are told that the two may be one person."""

    code = "STAFF_LOGIN_TAKEN"
    status = 409
    title = "该员工身份已关联其他账户，已转交人工核对 / This staff login belongs to another account"


class RedirectNotAllowed(Refusal):
    code = "REDIRECT_NOT_ALLOWED"
    title = "未登记的回调地址 / The employer's login does not lead back to this address"


class NothingToBegin(Refusal):
    """Staff log in here with a code alone, which their app has."""

    code = "NOTHING_TO_BEGIN"
    status = 409
    title = "该登录方式只需登录码，无需跳转 / This staff login takes a code and begins nowhere"


class InvalidStaffProvider(Refusal):
    """`because` says which setting is missing or not usable."""

    code = "INVALID_STAFF_PROVIDER"
    title = "员工登录方式的设置无效 / These settings make no staff login"
