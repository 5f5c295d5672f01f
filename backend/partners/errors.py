"""What partners are told no with."""

from backend.errors import Refusal


class UnknownPartner(Refusal):
    code = "UNKNOWN_PARTNER"
    status = 404
    title = "没有这个合作平台 / No such partner"


class PartnerInactive(UnknownPartner):
    """Told to the partner once its signature is verified, and to members who would link or consent."""

    code = "PARTNER_INACTIVE"
    status = 403
    title = "该合作平台已停用 / This partner was deactivated"


class PartnerExists(Refusal):
    code = "PARTNER_EXISTS"
    status = 409
    title = "该合作平台已存在 / There is a partner with this code"


class UnknownKey(Refusal):
    code = "UNKNOWN_KEY"
    status = 404
    title = "该合作平台没有这把有效密钥 / The partner has no such key in force"


class KeyExists(Refusal):
    """Known for this partner, in force or ended: a key that ended never comes back."""

    code = "KEY_EXISTS"
    status = 409
    title = "该密钥已登记过 / This key was registered before"


class KeyEnding(Refusal):
    """A key in the time of its overlap cannot name its successor: whoever stole it must not stay."""

    code = "KEY_ENDING"
    status = 409
    title = "须用未在轮换期内的密钥签名 / Only a key that is not about to end can be rotated"


class TooManyKeys(Refusal):
    code = "TOO_MANY_KEYS"
    status = 409
    title = "有效密钥过多，请等待旧密钥到期 / Too many keys are in force; wait until some have ended"


class InvalidRotation(Refusal):
    """`field` and `problem` say what is wrong with the request."""

    code = "INVALID_ROTATION"
    title = "轮换请求不符合约定 / The request to rotate does not follow the contract"


class InvalidPosition(Refusal):
    code = "INVALID_POSITION"
    status = 400
    title = "须为已读到的最后一条的编号 / This must be the id of the last one already seen"


class InvalidLinkRequest(Refusal):
    """The body is not that of a request about links."""

    code = "INVALID_REQUEST"
    status = 422
    title = "请求内容不符合要求 / The request does not follow the schema"


class InvalidFilter(Refusal):
    """What a list was to be picked by is not known here; `facts` say which filter, and what there is."""

    code = "INVALID_FILTER"
    status = 400
    title = "筛选条件不符合约定 / The filter cannot be followed"


class EmptyBatch(Refusal):
    code = "EMPTY_BATCH"
    title = "批次中没有事件 / The batch holds no line"


class TooManyLines(Refusal):
    """More lines than one batch may have; `lines` and `max_lines` say how many."""

    code = "TOO_MANY_LINES"
    title = "批次行数过多 / The batch has too many lines"


class UnknownBatch(Refusal):
    code = "UNKNOWN_BATCH"
    status = 404
    title = "没有这个批次 / No such batch"


class InvalidEnvelope(Refusal):
    """The event as a whole cannot be read; `facts` name the field and what is wrong with it."""

    code = "INVALID_ENVELOPE"
    status = 422
    title = "事件格式不符合约定 / The event does not follow the contract"


class UnknownEventType(InvalidEnvelope):
    code = "UNKNOWN_EVENT_TYPE"
    title = "该平台不发送此类事件 / This partner sends no such type of event"


class EventIdReused(Refusal):
    code = "EVENT_ID_REUSED"
    status = 409
    title = "同一事件编号带来了不同内容 / This event id came before with another content"


class InvalidList(Refusal):
    """A daily list that cannot be told into rows, or of which too many cannot be used; single ones are no reason."""

    code = "INVALID_LIST"
    status = 422
    title = "对账清单无法读取 / The list cannot be read"


class DayNotOver(Refusal):
    code = "DAY_NOT_OVER"
    status = 409
    title = "当日尚未结束 / The day is not over yet"


class DayClosed(Refusal):
    code = "DAY_CLOSED"
    status = 409
    title = "该日对账已关闭 / The reconciliation of this day is closed"


class NoListYet(Refusal):
    code = "NO_LIST_YET"
    status = 409
    title = "该日尚无合作方清单 / There is no list of this day yet"


class ReconciliationRunning(Refusal):
    code = "RECONCILIATION_RUNNING"
    status = 409
    title = "该日对账正在进行 / This day is being reconciled"


class DifferencesOpen(Refusal):
    """`facts` say how many differences are open, by kind."""

    code = "DIFFERENCES_OPEN"
    status = 409
    title = "仍有未说明的差异 / There are differences nobody has explained"


class InvalidListUrl(Refusal):
    code = "INVALID_LIST_URL"
    status = 422
    title = "清单地址须含 {day} / The address of lists must hold {day}"


class StatementChanged(Refusal):
    """What is stored of a closed day no longer gives the statement it was closed with."""

    code = "STATEMENT_CHANGED"
    status = 409
    title = "与关闭时的对账结果不符 / This is not the statement the day was closed with"
