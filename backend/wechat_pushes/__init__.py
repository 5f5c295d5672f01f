"""What WeChat tells us of its own accord: a member took back a permission, or left the mini-program for good."""

from backend.wechat_pushes.errors import UnreadablePush, WeChatPushesNotConfigured
from backend.wechat_pushes.obeying import CANCELLATION, REVOCATION, obey
from backend.wechat_pushes.sealed import PushKeys, answer_handshake, open_push

__all__ = [
    "CANCELLATION",
    "REVOCATION",
    "PushKeys",
    "UnreadablePush",
    "WeChatPushesNotConfigured",
    "answer_handshake",
    "obey",
    "open_push",
]
