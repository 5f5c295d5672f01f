"""Deleting the account: asked for first, then confirmed."""

import base64
import hmac
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

from backend import campaigns, clock, declarations, forest, identity, learning, partners, rewards, school, steps
from backend.bilingual import halves
from backend.errors import Refusal
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Instant, bilingual, text
from miniprogram_api.resource import Resource

resource = Resource("deletion", __name__, description="注销账户 / Deleting the account")

CONFIRMATION_LIFE_S = 600
_CONFIRMATION = re.compile(r"([0-9]{10})\.([0-9A-Za-z_-]{43})")


class InvalidConfirmation(Refusal):
    """The confirmation was not given to this login, or more than ten minutes ago."""

    code = "INVALID_CONFIRMATION"
    status = 409
    title = "注销确认无效或已过期，请重新申请 / The confirmation is not valid any more; please ask again"


class KeptSchema(Schema):
    """Something that stays, and why."""

    what = bilingual()
    why = bilingual()


class DeletionRequestSchema(Schema):
    """What deleting erases and keeps. `confirmation` is good for this login and `expires_in` seconds."""

    confirmation = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    erases = fields.List(bilingual(), required=True)
    keeps = fields.List(fields.Nested(KeptSchema), required=True)


class ConfirmationQuery(Schema):
    """The confirmation of `POST /me/deletion-requests`."""

    confirmation = text(64, required=True)


class DeletedSchema(Schema):
    """When the person was forgotten, what was erased, what was kept and why."""

    deleted_at = Instant(required=True)
    erased = fields.List(bilingual(), required=True)
    kept = fields.List(fields.Nested(KeptSchema), required=True)


@resource.operation("POST", "/me/deletion-requests", answers=DeletionRequestSchema, status=201)
def ask_for_deletion() -> dict[str, Any]:
    """Ask to delete my account

    Nothing is deleted yet: show the member what goes and what stays, then confirm with `DELETE /me`.
    """
    return {
        "confirmation": _confirmation(clock.now()),
        "expires_in": CONFIRMATION_LIFE_S,
        "erases": _erased(),
        "keeps": _kept(),
    }


@resource.operation("DELETE", "/me", answers=DeletedSchema, refuses=(InvalidConfirmation,), live_login=False)
@resource.query(ConfirmationQuery)
def delete_me(query: dict[str, Any]) -> dict[str, Any]:
    """Delete my account

    Every login ends, and who was merged with the member is deleted as well. The same call again is answered the same
    while its access token lasts. Points are lost.
    """
    now = clock.now()
    _check(query["confirmation"], now)

    def forget(tx: Any) -> datetime:
        holder_ids = identity.merging.hold_whole_person(tx, member().holder_id)
        if identity.hold_to_forget(tx, member().holder_id) is None:
            identity.require_live_session(tx, member().session_id, member().holder_id, now=now)
        deleted_at, *_ = [_forget(tx, holder_id, now) for holder_id in holder_ids]
        return deleted_at

    return {"deleted_at": house().retried(forget), "erased": _erased(), "kept": _kept()}


def _forget(tx: Any, holder_id: UUID, now: datetime) -> datetime:
    """Forget one holder of the member; when it was done."""
    deleted_at = partners.forget_member(tx, holder_id, now=now)
    declarations.forget(tx, holder_id, now=now)
    rewards.forget(tx, holder_id, now=now)
    steps.forget(tx, holder_id)
    forest.forget(tx, holder_id)
    learning.forget(tx, holder_id)
    campaigns.forget(tx, holder_id, now=now)
    school.forget(tx, holder_id)
    campaigns.car_free.forget(tx, holder_id)
    return deleted_at


def _check(confirmation: str, now: datetime) -> None:
    match = _CONFIRMATION.fullmatch(confirmation)
    if match is None:
        raise InvalidConfirmation
    age_s = int(now.timestamp()) - int(match[1])
    if not 0 <= age_s <= CONFIRMATION_LIFE_S:
        raise InvalidConfirmation
    if not any(hmac.compare_digest(mac, match[2]) for mac in _macs(match[1])):
        raise InvalidConfirmation


def _confirmation(now: datetime) -> str:
    asked_at = str(int(now.timestamp()))
    return f"{asked_at}.{_macs(asked_at)[0]}"


def _macs(asked_at: str) -> list[str]:
    """The mac under each token key, over who asked, in which login, when: the first signs, all are good."""
    said = member().holder_id.bytes + member().session_id.bytes + asked_at.encode()
    keys = (hmac.digest(key, b"carbon-inclusion:deletion", "sha256") for key in house().settings.token_keys)
    return [base64.urlsafe_b64encode(hmac.digest(key, said, "sha256")).decode().rstrip("=") for key in keys]


def _erased() -> list[dict[str, str]]:
    return [halves(text) for text in identity.ERASED]


def _kept() -> list[dict[str, Any]]:
    return [{"what": halves(what), "why": halves(why)} for what, why in identity.KEPT]
