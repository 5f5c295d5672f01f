"""Consents: what the member allows, per partner and scene, under a text of a stated version."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validates_schema

from backend import clock, identity, partners
from backend.identity import (
    GRANTED,
    NEVER_GIVEN,
    RENEWAL_NEEDED,
    WITHDRAWN,
    ConsentText,
    ConsentTextReplaced,
    GuardianNeeded,
    UnknownConsentText,
    UnknownScene,
)
from backend.partners import PartnerInactive, UnknownPartner
from backend.sync import UnknownDestination
from miniprogram_api.caller import house, member
from miniprogram_api.consent_choices import Choice, RecipientSchema, choices, require_choice
from miniprogram_api.fields import CODE, Flag, Instant, bilingual, text
from miniprogram_api.resource import Resource

resource = Resource("consents", __name__, description="授权 / Consents")


class ConsentChangeSchema(Schema):
    """Grant or withdraw. Who grants names the version of the text they were shown."""

    partner = text(32, CODE, required=True)
    scene = text(32, CODE, required=True)
    granted = Flag(required=True)
    text_version = text(32, metadata={"description": "required when granting"})

    @validates_schema
    def _granting_names_the_text(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("granted") and "text_version" not in data:
            raise ValidationError("say which text was shown", "text_version")


class ConsentSchema(Schema):
    """What stands. `granted`: acts are credited or, in the scene `sharing`, the `recipient` is told. `renewal_needed`:
    the purpose changed since, or a guardian agreed and the member is fourteen by now; all that waits until the member
    agrees again. `decided_by`, version and instant are null where nobody ever decided.
    """

    partner = fields.String(required=True)
    partner_title = fields.String(required=True)
    scene = fields.String(required=True)
    scene_title = bilingual()
    recipient = fields.Nested(RecipientSchema, required=True, allow_none=True)
    granted = fields.Boolean(required=True)
    state = fields.String(required=True, metadata={"enum": [GRANTED, WITHDRAWN, RENEWAL_NEEDED, NEVER_GIVEN]})
    decided_by = fields.String(required=True, allow_none=True, metadata={"enum": ["member", "guardian", None]})
    text_version = fields.String(required=True, allow_none=True)
    changed_at = Instant(required=True, allow_none=True)


class ConsentTextSchema(Schema):
    """A wording. Acts of up to `look_back_days` before a consent count too. A new purpose asks everybody again."""

    version = fields.String(required=True)
    purpose_version = fields.String(required=True)
    look_back_days = fields.Integer(required=True)
    text = bilingual()


class ConsentsSchema(Schema):
    """Every partner and scene a consent can be given for; `sharing_text` is the wording for the scene `sharing`."""

    text = fields.Nested(ConsentTextSchema, required=True)
    sharing_text = fields.Nested(ConsentTextSchema, required=True)
    consents = fields.List(fields.Nested(ConsentSchema), required=True)


@resource.operation("GET", "/me/consents", answers=ConsentsSchema)
def consents() -> dict[str, Any]:
    """What I allow, and under which text"""
    return consents_about(member().holder_id)


@resource.operation(
    "PUT",
    "/me/consents",
    answers=ConsentSchema,
    refuses=(
        *(UnknownPartner, PartnerInactive, UnknownDestination, UnknownScene),
        *(UnknownConsentText, ConsentTextReplaced, GuardianNeeded),
    ),
)
@resource.body(ConsentChangeSchema)
def change_consent(body: dict[str, Any]) -> dict[str, Any]:
    """Grant or withdraw a consent

    Acts that waited for it are settled at once. After a withdrawal nothing new comes in, or goes out to the recipient;
    what was credited stays until its partner corrects or cancels it. Under fourteen only the guardian grants.
    """
    return decide(body, about=member().holder_id)


def consents_about(holder_id: UUID) -> dict[str, Any]:
    """Every consent of a person, as they or their guardian sees it."""
    with house().transaction() as tx:
        offered = choices(tx)
        decided = {(row.partner, row.scene): row for row in identity.consents_of(tx, holder_id)}
        for merged in identity.merging.holders_of(tx, holder_id)[1:]:
            rows = {(row.partner, row.scene): row for row in identity.consents_of(tx, merged) if row.granted}
            decided |= {key: row for key, row in rows.items() if key not in decided or not decided[key].granted}
    for_guardian = holder_id != member().holder_id
    return {
        "text": wording_as_json(identity.current_consent_text(), for_guardian=for_guardian),
        "sharing_text": wording_as_json(identity.current_consent_text(sharing=True), for_guardian=for_guardian),
        "consents": [
            consent_as_json(choice, decided.get(key))
            for key, choice in offered.items()
            if choice.open or key in decided
        ],
    }


def decide(body: dict[str, Any], *, about: UUID) -> dict[str, Any]:
    """The caller grants or withdraws a consent of theirs, or of their ward."""
    now = clock.now()
    with house().transaction() as tx:
        choice = require_choice(tx, body["partner"], body["scene"])
        if body["granted"] and not choice.open:
            raise PartnerInactive(choice.partner)
        decision: dict[str, Any] = {"partner": choice.partner, "scene": choice.scene, "granted": body["granted"]}
        decision |= {"text_version": body.get("text_version"), "now": now}
        consent = identity.set_consent(tx, holder_id=about, decided_by=member().holder_id, **decision)
        if not body["granted"]:  # what is not allowed any more is so in every account of the person
            for merged in identity.merging.holders_of(tx, about)[1:]:
                identity.set_consent(tx, holder_id=merged, decided_by=merged, **decision)
        if consent.granted and choice.handler is None:
            partners.wake_holder(tx, about, choice.partner, now=now)
        return consent_as_json(choice, consent)


def wording_as_json(wording: ConsentText, *, for_guardian: bool) -> dict[str, Any]:
    """A wording as the member or their guardian is shown it."""
    shown = (wording.guardian_zh, wording.guardian_en) if for_guardian else (wording.text_zh, wording.text_en)
    return {
        "version": wording.version,
        "purpose_version": wording.purpose.version,
        "look_back_days": wording.look_back_days,
        "text": dict(zip(("zh", "en"), shown, strict=True)),
    }


def consent_as_json(choice: Choice, decided: Any | None) -> dict[str, Any]:
    """How a consent stands; `decided` is None where nobody ever decided."""
    state = identity.consent_state(decided, now=clock.now()) if decided else NEVER_GIVEN
    return {
        **choice.as_json(),
        "granted": state == GRANTED,
        "state": state,
        "decided_by": _who(decided) if decided else None,
        "text_version": decided.text_version if decided else None,
        "changed_at": decided.changed_at if decided else None,
    }


def _who(decided: Any) -> str:
    return "member" if decided.decided_by == decided.holder_id else "guardian"
