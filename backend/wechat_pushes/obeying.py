"""What a push means for the person it is about: the one place that decides it."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from backend import (
    campaigns,
    declarations,
    forest,
    identity,
    learning,
    member_messages,
    partners,
    rewards,
    school,
    steps,
)
from backend.vault import Vault
from backend.wechat_pushes.sealed import Push

#: WeChat's names of the pushes that are obeyed. The one that repeats what the mini-program told us already
#: (`subscribe_msg_popup_event`) is not among them: a tap would count twice.
REVOCATION, CANCELLATION = "user_authorization_revoke", "user_authorization_cancellation"
MESSAGES_OFF, MESSAGE_SENT = "subscribe_msg_change_event", "subscribe_msg_sent_event"
#: WeChat's code of the permission to read steps (微信运动步数).
STEPS_PERMISSION, PHONE_PERMISSION = "12", "8"

_EVENT = re.compile(r"[0-9A-Za-z_]{1,64}")
_OPENID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SECONDS = re.compile(r"[1-9][0-9]{9}")
_LONGEST = 64

log = structlog.get_logger(__name__)


def obey(tx: Session, vault: Vault, appid: str, push: Push, *, now: datetime) -> None:
    """Do what a push of our mini-program asks for; obeying it again changes nothing.

    A revocation ends the consents that rest on the permission taken back, a cancellation forgets the person; messages
    that are turned off are not sent any more, and of one that was sent it is noted whether it arrived. Only what is
    older than the push is touched: a consent given again, or a person who came back, is not undone by a repetition.
    Whatever else WeChat tells is let pass.
    """
    fields = push.fields
    event = fields.get("Event", "")
    openid = fields.get("FromUserName" if event in (MESSAGES_OFF, MESSAGE_SENT) else "OpenID", "")
    did = "let pass"
    if event in _DOES and _OPENID.fullmatch(openid) and fields.get("AppID", appid) == appid:
        before = _told_at(fields, now)
        holder_id = identity.person_known_before(tx, vault, ("wechat_openid", f"{appid}|{openid}"), before)
        did = _DOES[event](tx, holder_id, push, before, now) if holder_id is not None else "knows nobody"
    log.info("wechat_push", push=event if _EVENT.fullmatch(event) else "unnamed", did=did)


def _revoke(tx: Session, holder_id: UUID, push: Push, before: datetime, now: datetime) -> str:
    revoked = push.fields.get("RevokeInfo", "")
    how: dict[str, Any] = {"given_before": before, "source": identity.WECHAT, "now": now}
    ended = 0
    for one in identity.merging.holders_of(tx, identity.merging.person_of(tx, holder_id)):
        if STEPS_PERMISSION in re.findall("[0-9]+", revoked):
            steps.end_permission(tx, one, ended_at=before)
        if PHONE_PERMISSION in re.findall("[0-9]+", revoked):
            identity.phones.forget_phones_before(tx, one, before)
        ended += identity.end_consents(tx, one, identity.scenes_resting_on(revoked), **how)
    return f"ended {ended} consents"


def _forget(tx: Session, holder_id: UUID, push: Push, before: datetime, now: datetime) -> str:
    for one in identity.merging.hold_whole_person(tx, identity.merging.person_of(tx, holder_id)):
        partners.forget_member(tx, one, source=identity.WECHAT, now=now)
        declarations.forget(tx, one, now=now)
        rewards.forget(tx, one, now=now)
        steps.forget(tx, one)
        forest.forget(tx, one)
        learning.forget(tx, one)
        campaigns.forget(tx, one, now=now)
        school.forget(tx, one)
        campaigns.car_free.forget(tx, one)
    return "forgot the person"


def _turn_off(tx: Session, holder_id: UUID, push: Push, before: datetime, now: datetime) -> str:
    refused = {item.get("TemplateId", "") for item in push.items if item.get("SubscribeStatusString") == "reject"}
    ended = sum(
        member_messages.note_refusal(tx, holder_id, template_id, before=before, now=now)
        for template_id in sorted(refused)
    )
    return f"turned {ended} templates off"


def _note_sent(tx: Session, holder_id: UUID, push: Push, before: datetime, now: datetime) -> str:
    known = 0
    for item in push.items:
        template_id, number = item.get("TemplateId", ""), item.get("MsgID", "")[:_LONGEST]
        reason = f"{item.get('ErrorCode', '')} {item.get('ErrorStatus', '')}"[:_LONGEST]
        arrived = item.get("ErrorCode") == "0"
        known += number != "" and member_messages.note_delivery(
            tx, holder_id, template_id, number, arrived=arrived, reason=reason, now=now
        )
    return f"noted {known} messages"


_DOES: Mapping[str, Callable[[Session, UUID, Push, datetime, datetime], str]] = {
    REVOCATION: _revoke,
    CANCELLATION: _forget,
    MESSAGES_OFF: _turn_off,
    MESSAGE_SENT: _note_sent,
}


def _told_at(fields: Mapping[str, str], now: datetime) -> datetime:
    """The end of the second in which WeChat made the push; now, where it does not say."""
    said = fields.get("CreateTime", "")
    if not _SECONDS.fullmatch(said):
        return now
    return min(now, datetime.fromtimestamp(int(said), UTC) + timedelta(seconds=1))
