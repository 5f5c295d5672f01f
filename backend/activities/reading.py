"""Reading activities back for those who ask what became of them: their member, and an auditor."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

import methodologies
from backend.activities.models import Activity, ActivityRestatement, QuantificationBasis
from backend.activities.quantification import credited, credits_of
from backend.activities.records import ISSUED, STANDING, Act, act_of, load
from backend.activities.replay import basis_of
from backend.holdings import Held, held_rows
from methodologies import MethodologyError, library, recompute


def acts_of(
    tx: Session,
    holder_id: UUID,
    *,
    programme: str | None = None,
    status: str | None = None,
    before: UUID | None = None,
    limit: int = 20,
) -> list[Act]:
    """A holder's activities, newest recorded first; `before` is the id of the last one already seen."""
    query = select(Activity.__table__).where(Activity.holder_id == holder_id)
    if programme is not None:
        query = query.where(Activity.programme == programme)
    if status is not None:
        query = query.where(Activity.status == status)
    if before is not None:
        query = query.where(Activity.id < before)
    return [act_of(row) for row in tx.execute(query.order_by(Activity.id.desc()).limit(limit))]


def act_of_holder(tx: Session, holder_id: UUID, activity_id: UUID) -> Act | None:
    """One activity of this holder, or None."""
    return load(tx, [(holder_id, activity_id)]).get((holder_id, activity_id))


def issued_between(tx: Session, holder_id: UUID, programme: str, first: date, last: date) -> list[Act]:
    """The activities of a holder that count and whose day lies between these days, both included, oldest first."""
    return [act for act in standing_between(tx, holder_id, programme, first, last) if act.status == ISSUED]


def standing_between(tx: Session, holder_id: UUID, programme: str, first: date, last: date) -> list[Act]:
    """As `issued_between`, with those that lost to others or whose source keeps the claim."""
    mine = (Activity.holder_id == holder_id, Activity.programme == programme, Activity.status.in_(STANDING))
    query = select(Activity.__table__).where(*mine, Activity.day >= first, Activity.day <= last)
    return [act_of(row) for row in tx.execute(query.order_by(Activity.day, Activity.id))]


def versions_of(tx: Session, basis_hashes: Collection[bytes]) -> dict[bytes, str]:
    """The version of the methodology by which each of these bases was computed."""
    found = tx.execute(
        select(QuantificationBasis.hash, QuantificationBasis.content).where(
            QuantificationBasis.hash.in_(sorted(set(basis_hashes)))
        )
    )
    return {row.hash: str(json.loads(row.content)["version"]) for row in found}


@dataclass(frozen=True, slots=True)
class Explained:
    """How the grams of an act came about, from nothing but what was recorded when it was quantified.

    `trail` is the whole calculation (see `methodologies`: equation, inputs, BE, PE, LE, ER as exact texts, rows, and a
    Chinese sentence); `confirmed` says that computing it again gave the grams that were recorded.
    """

    trail: dict[str, Any]
    confirmed: bool


def explain(tx: Session, act: Act) -> Explained | None:
    """The calculation behind an act; None when it was refused before it was quantified.

    Where the record can no longer be computed (the formula is gone from the library), the trail holds the recorded
    numbers, without a sentence, unconfirmed.
    """
    basis = basis_of(tx, act)
    if basis is None:
        return None
    data = json.loads(act.data)
    try:
        again = recompute(basis, data, act.grade, act.day)
    except MethodologyError:
        return Explained(_recorded_trail(act, basis, data), False)
    return Explained(again.trail(), credited(again) == credits_of(act))


def _recorded_trail(act: Act, basis: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    names = ("methodology", "title", "version", "profile", "profile_title", "formula", "equation")
    return {
        **{name: basis[name] for name in names},
        "grade": act.grade,
        "data": {name: str(value) for name, value in data.items()},
        "baseline_g": act.baseline,
        "project_g": act.project,
        "leakage_g": act.leakage,
        "reduction_g": act.reduction,
        "reduction_range_g": None,
        "sentence_zh": None,
        "basis": basis,
    }


def equivalences(reduction_g: int, day: date) -> list[dict[str, Any]]:
    """What grams reduced compare to with the factors in force on a day: trees, kilometres, electricity.

    For display only: never added to a balance, and never asked for grams that offsets or certificates back.
    """
    return methodologies.equivalences(reduction_g, day)


def monitored_data(code: str) -> dict[str, dict[str, Any]]:
    """Monitored name → its title in Chinese and English and its unit, as the library has them today."""
    known = library()
    if code not in known.codes:
        return {}
    monitored = known.get(code).monitored
    return {name: {"title": field.title.as_json(), "unit": field.unit.text} for name, field in monitored.items()}


def methodology_title(code: str) -> dict[str, str]:
    """The methodology's title in Chinese and English; its code where the library lost it."""
    known = library()
    if code not in known.codes:
        return {"zh": code, "en": code}
    return {"zh": known.get(code).title_zh, "en": known.get(code).title_en}


def baseline_type(profile: str) -> dict[str, str] | None:
    """What kind of baseline a profile stands for, in Chinese and English."""
    found = library().profiles.get(profile)
    return found.baseline_type.as_json() if found else None


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out."""
    return {
        "activities": _activities(tx, holder_id),
        "restatements": held_rows(tx, ActivityRestatement, holder_id),
    }


def _activities(tx: Session, holder_id: UUID) -> Held:
    """The act that counts instead is named where it is the holder's own; somebody else's is nobody's business."""
    rival = aliased(Activity)
    own_rivals = (rival.holder_id == Activity.holder_id) & (rival.id == Activity.excluded_by)
    query = select(Activity.excluded_by).join(rival, own_rivals).where(Activity.holder_id == holder_id)
    own = {str(activity_id) for activity_id in tx.scalars(query)}
    for row in held_rows(tx, Activity, holder_id):
        yield row | {"excluded_by": row["excluded_by"] if row["excluded_by"] in own else None}
