"""What members allow: per partner and scene, under a text of a stated version."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, Uuid, select
from sqlalchemy.orm import Session

from backend.identity.errors import UnknownConsentText, UnknownScene
from backend.identity.models import Consent, ConsentChange
from backend.ids import new_id
from backend.lists import recordset

#: What a consent can be given for; every methodology names its scene.
SCENES = {
    "device": "旧机交易、数码与家电回收 / trade-in and recycling of devices and appliances",
    "donation": "衣物、图书捐赠 / donated clothes and books",
    "commute": "绿色出行 / low-carbon trips",
    "purchase": "低碳产品购买 / low-carbon purchases",
    "travel": "低碳差旅 / low-carbon business travel",
    "office": "在线会议、无纸化办公 / online meetings and paperless office",
    "energy": "充电与绿色电力 / charging and green electricity",
    "engagement": "低碳学习与捐步 / learning and donated steps",
}


@dataclass(frozen=True, slots=True)
class ConsentText:
    """A published wording. `look_back_days`: how long before the consent an act may lie and still count."""

    version: str
    look_back_days: int
    text_zh: str
    text_en: str


CONSENT_TEXTS = {
    "2026-01": ConsentText(
        "2026-01",
        30,
        "我同意该平台将我在所选场景下的低碳行为记录（订单或行程编号、时间、品类、数量、里程）提供给本计划，"
        "用于核算减排量和发放积分；授权前 30 天内的行为可补记。我可随时撤回，撤回后不再接收新的记录。",
        "I agree that this platform passes on records of my low-carbon acts in the chosen scene (order or trip number, "
        "time, category, quantity, distance) for quantifying reductions and granting points; acts of the 30 days "
        "before count too. I may withdraw at any time; nothing new is taken from then on.",
    )
}
CURRENT_CONSENT_TEXT = "2026-01"


@dataclass(frozen=True, slots=True)
class ConsentState:
    """A member's standing consent: acts from `counts_from` on may be credited while it is granted."""

    granted: bool
    counts_from: datetime


def set_consent(
    tx: Session,
    *,
    holder_id: UUID,
    partner: str,
    scene: str,
    granted: bool,
    text_version: str = CURRENT_CONSENT_TEXT,
    now: datetime,
) -> Consent:
    """Grant or withdraw. Every change is kept; setting what already stands changes nothing."""
    if scene not in SCENES:
        raise UnknownScene(scene, scenes=sorted(SCENES))
    text = CONSENT_TEXTS.get(text_version)
    if text is None:
        raise UnknownConsentText(text_version, versions=sorted(CONSENT_TEXTS))
    consent = tx.get(Consent, (holder_id, partner, scene), with_for_update=True)
    if consent is not None and (consent.granted, consent.text_version) == (granted, text_version):
        return consent
    change = {"holder_id": holder_id, "partner": partner, "scene": scene, "granted": granted}
    tx.add(ConsentChange(id=new_id(), text_version=text_version, changed_at=now, **change))
    consent = tx.merge(Consent(text_version=text_version, look_back_days=text.look_back_days, changed_at=now, **change))
    tx.flush()
    return consent


def consents_of(tx: Session, holder_id: UUID) -> list[Consent]:
    """What the member has ever decided, as it stands now."""
    return list(
        tx.scalars(select(Consent).where(Consent.holder_id == holder_id).order_by(Consent.partner, Consent.scene))
    )


def hold_consents(tx: Session, wanted: Collection[tuple[UUID, str, str]]) -> dict[tuple[UUID, str, str], ConsentState]:
    """The consents of these (holder, partner, scene), held until commit: a withdrawal waits, or has been seen."""
    keys = recordset(tx, "wanted", {"holder_id": Uuid(), "partner": Text(), "scene": Text()}, sorted(set(wanted)))
    query = (
        select(Consent.__table__)
        .join(
            keys,
            (Consent.holder_id == keys.c.holder_id)
            & (Consent.partner == keys.c.partner)
            & (Consent.scene == keys.c.scene),
        )
        .order_by(Consent.holder_id, Consent.partner, Consent.scene)
        .with_for_update(read=True, of=Consent)
    )
    return {
        (row.holder_id, row.partner, row.scene): ConsentState(
            row.granted, row.changed_at - timedelta(days=row.look_back_days)
        )
        for row in tx.execute(query)
    }
