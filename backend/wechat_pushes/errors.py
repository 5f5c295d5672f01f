"""What WeChat's pushes are refused with, beside a signature that does not fit."""

from backend.errors import Refusal


class WeChatPushesNotConfigured(Refusal):
    """`WECHAT_PUSH_TOKEN` and `WECHAT_PUSH_ENCODING_AES_KEY` are not set."""

    code = "WECHAT_PUSHES_NOT_CONFIGURED"
    status = 404
    title = "未配置微信消息推送 / WeChat message pushes are not configured here"


class UnreadablePush(Refusal):
    """The body is neither the XML nor the JSON of a push, or names a field twice."""

    code = "UNREADABLE_PUSH"
    status = 400
    title = "消息推送无法读取 / The push cannot be read"
