"""What the school room says no with."""

from backend.errors import Refusal


class SchoolExists(Refusal):
    code = "SCHOOL_EXISTS"
    status = 409
    title = "学校代码已存在 / There is a school of this code"


class UnknownSchool(Refusal):
    code = "UNKNOWN_SCHOOL"
    status = 404
    title = "没有这所学校 / No such school"


class UnknownClass(Refusal):
    code = "UNKNOWN_CLASS"
    status = 404
    title = "没有这个班级 / No such class"


class ClassExists(Refusal):
    code = "CLASS_EXISTS"
    status = 409
    title = "该学年已有此班级或班级代码 / The school year has this class or class code already"


class TermsOverlap(Refusal):
    code = "TERMS_OVERLAP"
    status = 409
    title = "学期与已有学期重叠 / The term overlaps with another one"


class NotASchoolDay(Refusal):
    """Trips to school are confirmed for school days within a term."""

    code = "NOT_A_SCHOOL_DAY"
    title = "这一天不是上课日 / Not a school day"


class DayNotOpen(Refusal):
    """A day that has not come, or lies too long ago."""

    code = "DAY_NOT_OPEN"
    title = "只能确认当日及之前十四天内的记录 / Only today and the fourteen days before can be confirmed"


class MorePupilsThanSeats(Refusal):
    code = "MORE_PUPILS_THAN_SEATS"
    title = "人数超过当日在班人数 / More pupils than the class has seats on that day"


class NoDistanceSet(Refusal):
    code = "NO_DISTANCE_SET"
    title = "学校尚未设定该方式的人均里程 / The school has not set a distance for this mode"


class NoSchoolAgreement(Refusal):
    code = "NO_SCHOOL_AGREEMENT"
    status = 409
    title = "学校的协议不包括这一天 / No agreement of the school covers this day"


class InvalidSeatCode(Refusal):
    code = "INVALID_SEAT_CODE"
    status = 404
    title = "座位码无效或已使用 / The seat code is not valid, or was used"


class SeatLimitReached(Refusal):
    code = "SEAT_LIMIT_REACHED"
    status = 409
    title = "班级座位已满，或当日没有此座位 / The class has no room, or no such seat on that day"
