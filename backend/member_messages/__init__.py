"""Messages to members: they are warned before points lapse, in the mini-program and, where they let it, in WeChat."""

from sqlalchemy.orm import Session, sessionmaker

from backend.member_messages.collecting import collect_warnings
from backend.member_messages.errors import UnknownMessageTemplate, UnusableMessageTemplate
from backend.member_messages.interfaces import Answer, Channel, Message, Outcome
from backend.member_messages.models import ANSWERS, DISTANCES, FAILED, STATES, UNKNOWN
from backend.member_messages.outcomes import note_delivery
from backend.member_messages.permissions import PermissionView, note_answers, note_refusal, permissions_of
from backend.member_messages.reading import MessageState, MessageView, Standing, holdings, messages_of, newest, standing
from backend.member_messages.resting import Halt, halts, lift
from backend.member_messages.retention import purge_messages
from backend.member_messages.sending import send_due
from backend.member_messages.templates import set_template, templates
from backend.member_messages.wechat import SandboxMessages, WeChatMessages
from backend.settings import Settings
from backend.vault import Vault
from backend.wechat_api import WeChatApi


def channel_of(settings: Settings, sessions: sessionmaker[Session], vault: Vault) -> Channel:
    """Whoever carries messages to members by these settings: WeChat, or its twin in a sandbox."""
    if settings.wechat_provider == "sandbox":
        return SandboxMessages(settings.wechat_appid)
    api = WeChatApi(settings.wechat_appid, settings.wechat_secret, sessions, vault)
    return WeChatMessages(api, miniprogram_state=settings.wechat_miniprogram_state)


__all__ = [
    "ANSWERS",
    "DISTANCES",
    "FAILED",
    "STATES",
    "UNKNOWN",
    "Answer",
    "Channel",
    "Halt",
    "Message",
    "MessageState",
    "MessageView",
    "Outcome",
    "PermissionView",
    "SandboxMessages",
    "Standing",
    "UnknownMessageTemplate",
    "UnusableMessageTemplate",
    "WeChatMessages",
    "channel_of",
    "collect_warnings",
    "halts",
    "holdings",
    "lift",
    "messages_of",
    "newest",
    "note_answers",
    "note_delivery",
    "note_refusal",
    "permissions_of",
    "purge_messages",
    "send_due",
    "set_template",
    "standing",
    "templates",
]
