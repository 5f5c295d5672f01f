"""The badges of a member, from the acts that stand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities, bilingual, clock
from backend.campaigns.badges.policy import ActDone, standing
from backend.campaigns.badges.rules import all_badges


def badges_of(tx: Session, holder_id: UUID, programme: str, *, now: datetime) -> list[dict[str, Any]]:
    """Every badge of a programme, those not earned yet included: {"code", "title", "says", "earned_on", "so_far",
    "needed"}."""
    acts = [
        ActDone(act.day, act.methodology, act.reduction_g)
        for act in activities.issued_of(tx, holder_id, programme)
        if act.reduction_g > 0
    ]
    told = []
    for badge in all_badges():
        found = standing(badge, acts, clock.day_of(now))
        if found is not None:
            titles = {"title": bilingual.halves(badge.title), "says": bilingual.halves(badge.says)}
            told.append({"code": badge.code, **titles, **found._asdict()})
    return told
