"""What is refused about messages to members."""

from backend.errors import Refusal


class UnknownMessageTemplate(Refusal):
    """No programme sends messages by this template of WeChat."""

    code = "UNKNOWN_MESSAGE_TEMPLATE"
    status = 404
    title = "未知的消息模板 / No such message template"


class UnusableMessageTemplate(Refusal):
    """The template cannot hold what the message says: a field is missing, of another type, or named twice."""

    code = "UNUSABLE_MESSAGE_TEMPLATE"
    status = 422
    title = "消息模板的字段不适用 / The template's fields do not fit the message"
