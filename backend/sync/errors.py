"""What operators of destinations are told no with."""

from backend.errors import Refusal


class UnknownDestination(Refusal):
    code = "UNKNOWN_DESTINATION"
    status = 404
    title = "没有这个同步目标 / No such destination"


class DestinationExists(Refusal):
    code = "DESTINATION_EXISTS"
    status = 409
    title = "该同步目标已存在 / There is a destination of this name already"


class InvalidDestination(Refusal):
    code = "INVALID_DESTINATION"
    title = "同步目标的名称或说明不合要求 / The destination's name or what members read about it is not as it must be"


class UnknownTopic(Refusal):
    code = "UNKNOWN_TOPIC"
    title = "没有这类通知 / There are no notices of this topic"


class NoMirror(Refusal):
    code = "NO_MIRROR"
    status = 409
    title = "该同步目标不保存余额，无从核对 / This destination mirrors no balances that could be compared"


class UnknownKind(Refusal):
    code = "UNKNOWN_KIND"
    title = "没有这种同步方式 / There is no destination of this kind"
