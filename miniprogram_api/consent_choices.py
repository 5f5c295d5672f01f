"""What a consent can be given for, and what goes from whom to whom under it."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from backend import partners, sync
from backend.bilingual import halves
from backend.identity import COLLECTED, SCENES, SHARED, SHARING, SHARING_TITLE, ConsentPurpose, UnknownScene
from backend.sync import Handler, UnknownDestination
from miniprogram_api.caller import house
from miniprogram_api.fields import bilingual


class RecipientSchema(Schema):
    """A platform that would be told, where members reach it, and what it uses the data for."""

    title = fields.String(required=True)
    contact = fields.String(required=True)
    purpose = bilingual()


@dataclass(frozen=True, slots=True)
class Choice:
    """Something a consent can be given for; `handler` is the platform that would be told, in the scene `sharing`.

    Not `open` is what can only be withdrawn: the partner was deactivated, the handler retired.
    """

    partner: str
    title: str
    scene: str
    handler: Handler | None = None
    open: bool = True

    def as_json(self) -> dict[str, Any]:
        """What a member reads about it before they decide."""
        told = self.handler
        return {
            "partner": self.partner,
            "partner_title": self.title,
            "scene": self.scene,
            "scene_title": halves(SHARING_TITLE if told else SCENES[self.scene]),
            "recipient": told and {"title": told.title, "contact": told.contact, "purpose": halves(told.purpose)},
        }

    def passed(self, purpose: ConsentPurpose) -> dict[str, Any]:
        """What goes from whom to whom, and what for."""
        ours = {"zh": "本计划", "en": "this programme"}
        if self.handler is None:
            theirs = {"zh": f"合作平台“{self.title}”", "en": f"the partner platform {self.title}"}
            collected, why = halves(COLLECTED[self.scene]), halves(purpose.purpose)
            return {"collected": collected, "collected_from": theirs, "given_to": ours, "purpose": why}
        contact = self.handler.contact
        theirs = {"zh": f"“{self.title}”（{contact}）", "en": f"{self.title} ({contact})"}
        collected, why = halves(SHARED), halves(self.handler.purpose)
        return {"collected": collected, "collected_from": ours, "given_to": theirs, "purpose": why}


def choices(tx: Any) -> dict[tuple[str, str], Choice]:
    """Everything a consent can be given for, by partner and scene."""
    found = [
        Choice(code, setup.title, scene, open=setup.active)
        for code, setup in partners.partners(tx, house().vault).items()
        for scene in setup.adapter.scenes
    ]
    found += [
        Choice(code, handler.title, SHARING, handler, open=not handler.retired)
        for code, handler in sync.handlers(tx).items()
    ]
    return {(choice.partner, choice.scene): choice for choice in found}


def require_choice(tx: Any, partner: str, scene: str) -> Choice:
    """The choice, or UnknownPartner, UnknownDestination, UnknownScene."""
    choice = choices(tx).get((partner, scene))
    if choice is not None:
        return choice
    if scene == SHARING:
        raise UnknownDestination(destination=partner)
    raise UnknownScene(scene, scenes=list(partners.require_partner(tx, house().vault, partner).adapter.scenes))
