"""The cover page of a programme: what everybody may read about its points. Always from a snapshot, never a live sum."""

from typing import Any

from sqlalchemy.orm import Session

from backend import clock, identity
from backend.errors import NotFound
from backend.identity import UnknownProgramme
from backend.points.cover.liability import Liability, newest_liability
from backend.points.cover.setting_aside import cover_is_shown

#: What is said where nobody stated anything.
NOT_STATED = {
    "funded": {
        "zh": "本计划未设定积分预算上限。",
        "en": "This programme has set no budget that limits its points.",
    },
    "set_aside": {
        "zh": "发行方未公布为积分预留的资金。",
        "en": "The issuer has not stated what money is set aside for points.",
    },
}


def cover_of(tx: Session, programme: str) -> dict[str, Any]:
    """What the cover page says, or NotFound where it is not shown or nothing was measured yet."""
    try:
        title = identity.require_programme(tx, programme)
    except UnknownProgramme:
        raise NotFound from None
    found = newest_liability(tx, programme) if cover_is_shown(tx, programme) else None
    if found is None:
        raise NotFound
    return {"programme": programme, "title": {"zh": title.title_zh, "en": title.title_en}, **liability_told(found)}


def liability_told(found: Liability) -> dict[str, Any]:
    """A liability in whole numbers for programs, with a sentence where a number is missing."""
    stated = found.fen_per_1000_points
    return {
        "day": found.day.isoformat(),
        "taken_at": clock.iso(found.taken_at),
        "outstanding": {
            "points": found.outstanding,
            "pending": found.pending,
            "available": found.available,
            "reserved": found.reserved,
        },
        "debt": found.debt,
        "budget": None
        if found.funded is None or found.left is None
        else {"points": found.funded, "drawn": found.funded - found.left, "left": found.left},
        "granted": {"points": found.granted, "days": found.granted_days},
        "days_left": found.days_left,
        "expiring": [{"month": month, "points": points} for month, points in sorted(found.expiring.items())],
        "expiring_later": found.expiring_later,
        "expected_lapse": None
        if found.expected_lapse is None
        else {"points": found.expected_lapse, "lapsed": found.lapsed, "ended": found.ended},
        "set_aside": None if stated is None else {"fen_per_1000_points": stated, "fen": found.set_aside_fen},
        "not_stated": {
            name: sentence
            for name, sentence in NOT_STATED.items()
            if (found.funded if name == "funded" else stated) is None
        },
    }
