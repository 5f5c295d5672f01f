"""What a push means for the person it is about: the one place that decides it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from backend import identity, partners
from backend.vault import Vault

#: WeChat's names of the two pushes that are obeyed.
REVOCATION, CANCELLATION = "user_authorization_revoke", "user_authorization_cancellation"

_EVENT = re.compile(r"[0-9A-Za-z_]{1,64}")
_OPENID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SECONDS = re.compile(r"[1-9][0-9]{9}")

log = structlog.get_logger(__name__)


def obey(tx: Session, vault: Vault, appid: str, fields: Mapping[str, str], *, now: datetime) -> None:
    """Do what a push of our mini-program asks for; obeying it again changes nothing.

    A revocation ends the consents that rest on the permission taken back, a cancellation forgets the person. Only what
    is older than the push is touched: a consent given again, or a person who came back, is not undone by a repetition.
    Whatever else WeChat tells is let pass.
    """
    event, openid = fields.get("Event", ""), fields.get("OpenID", "")
    did = "let pass"
    if event in (REVOCATION, CANCELLATION) and _OPENID.fullmatch(openid) and fields.get("AppID", appid) == appid:
        did = _obey(tx, vault, event, f"{appid}|{openid}", fields, now)
    log.info("wechat_push", push=event if _EVENT.fullmatch(event) else "unnamed", did=did)


def _obey(tx: Session, vault: Vault, event: str, openid: str, fields: Mapping[str, str], now: datetime) -> str:
    before = _told_at(fields, now)
    holder_id = identity.person_known_before(tx, vault, ("wechat_openid", openid), before)
    if holder_id is None:
        return "knows nobody"
    if event == CANCELLATION:
        partners.forget_member(tx, holder_id, source=identity.WECHAT, now=now)
        return "forgot the person"
    scenes = identity.scenes_resting_on(fields.get("RevokeInfo", ""))
    ended = identity.end_consents(tx, holder_id, scenes, given_before=before, source=identity.WECHAT, now=now)
    return f"ended {ended} consents"


def _told_at(fields: Mapping[str, str], now: datetime) -> datetime:
    """The end of the second in which WeChat made the push; now, where it does not say."""
    said = fields.get("CreateTime", "")
    if not _SECONDS.fullmatch(said):
        return now
    return min(now, datetime.fromtimestamp(int(said), UTC) + timedelta(seconds=1))
