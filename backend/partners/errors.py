"""What partners are told no with."""

from backend.errors import Refusal


class UnknownPartner(Refusal):
    code = "UNKNOWN_PARTNER"
    status = 404
    title = "没有这个合作平台 / No such partner"


class InvalidPosition(Refusal):
    code = "INVALID_POSITION"
    status = 400
    title = "before 须为投递记录的编号 / before must be the id of a delivery"


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
