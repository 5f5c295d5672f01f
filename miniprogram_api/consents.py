"""Consents: what the member allows, per partner and scene, under a text of a stated version."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from backend import clock, identity, partners
from backend.bilingual import halves
from backend.identity import CONSENT_TEXTS, CURRENT_CONSENT_TEXT, SCENES, UnknownConsentText, UnknownScene
from backend.partners import UnknownPartner
from miniprogram_api.caller import house, member
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
    """What stands. `granted` is false and the rest null where the member never decided."""

    partner = fields.String(required=True)
    partner_title = fields.String(required=True)
    scene = fields.String(required=True)
    scene_title = bilingual()
    granted = fields.Boolean(required=True)
    text_version = fields.String(required=True, allow_none=True)
    changed_at = Instant(required=True, allow_none=True)


class ConsentTextSchema(Schema):
    """The wording now in force. Acts of up to `look_back_days` before a consent count too."""

    version = fields.String(required=True)
    look_back_days = fields.Integer(required=True)
    text = bilingual()


class ConsentsSchema(Schema):
    """Every partner and scene a consent can be given for."""

    text = fields.Nested(ConsentTextSchema, required=True)
    consents = fields.List(fields.Nested(ConsentSchema), required=True)


@resource.operation("GET", "/me/consents", answers=ConsentsSchema)
def consents() -> dict[str, Any]:
    """What I allow, and under which text"""
    with house().transaction() as tx:
        setups = partners.partners(tx, house().vault)
        decided = {(row.partner, row.scene): row for row in identity.consents_of(tx, member().holder_id)}
    wording = CONSENT_TEXTS[CURRENT_CONSENT_TEXT]
    return {
        "text": {
            "version": wording.version,
            "look_back_days": wording.look_back_days,
            "text": {"zh": wording.text_zh, "en": wording.text_en},
        },
        "consents": [
            _consent(code, setup.title, scene, decided.get((code, scene)))
            for code, setup in setups.items()
            for scene in setup.adapter.scenes
        ],
    }


@resource.operation(
    "PUT",
    "/me/consents",
    answers=ConsentSchema,
    refuses=(UnknownPartner, UnknownScene, UnknownConsentText),
)
@resource.body(ConsentChangeSchema)
def change_consent(body: dict[str, Any]) -> dict[str, Any]:
    """Grant or withdraw a consent

    Acts that waited for it are settled at once. After a withdrawal nothing new comes in; what was credited
    stays until its partner corrects or cancels it.
    """
    now = clock.now()
    with house().transaction() as tx:
        setup = partners.require_partner(tx, house().vault, body["partner"])
        if body["scene"] not in setup.adapter.scenes:
            raise UnknownScene(body["scene"], scenes=list(setup.adapter.scenes))
        consent = identity.set_consent(
            tx,
            holder_id=member().holder_id,
            partner=setup.code,
            scene=body["scene"],
            granted=body["granted"],
            text_version=body.get("text_version", CURRENT_CONSENT_TEXT),
            now=now,
        )
        if consent.granted:
            partners.wake_holder(tx, member().holder_id, setup.code, now=now)
        return _consent(setup.code, setup.title, consent.scene, consent)


def _consent(partner: str, partner_title: str, scene: str, decided: Any | None) -> dict[str, Any]:
    return {
        "partner": partner,
        "partner_title": partner_title,
        "scene": scene,
        "scene_title": halves(SCENES[scene]),
        "granted": decided.granted if decided else False,
        "text_version": decided.text_version if decided else None,
        "changed_at": decided.changed_at if decided else None,
    }
