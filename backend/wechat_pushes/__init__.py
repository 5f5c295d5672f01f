"""What WeChat tells us of its own accord: a member took back a permission, turned messages off, or left the
mini-program for good; a message arrived, or did not."""

from backend.wechat_pushes.errors import UnreadablePush, WeChatPushesNotConfigured
from backend.wechat_pushes.obeying import CANCELLATION, REVOCATION, obey
from backend.wechat_pushes.sealed import Push, PushKeys, answer_handshake, open_push

__all__ = [
    "CANCELLATION",
    "REVOCATION",
    "Push",
    "PushKeys",
    "UnreadablePush",
    "WeChatPushesNotConfigured",
    "answer_handshake",
    "obey",
    "open_push",
]
