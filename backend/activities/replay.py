"""Recomputing what was issued, from nothing but what was recorded."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.activities.models import Activity, QuantificationBasis
from backend.activities.quantification import credited, credits_of, exact_text
from backend.activities.records import Act, act_of
from backend.activities.restatements import Restatement, as_restated, restatements_of
from methodologies import MethodologyError, recompute

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Recomputed:
    """One quantified activity and what differs from its record (empty when nothing does).

    `latest` is the act with the numbers that stand: those of its last restatement, where it has one.
    """

    act: Act
    differences: dict[str, tuple[object, object]]  # field → recorded, recomputed
    latest: Act


def recompute_all(tx: Session) -> Iterator[Recomputed]:
    """Every activity that was ever quantified, with all its restatements, in the order of its id."""
    after: UUID | None = None
    bases: dict[bytes, Any] = {}
    while True:
        query = select(Activity.__table__).where(Activity.basis_hash.is_not(None)).order_by(Activity.id).limit(_PAGE)
        if after is not None:
            query = query.where(Activity.id > after)
        page = [act_of(row) for row in tx.execute(query)]
        if not page:
            return
        restated = restatements_of(tx, [act.key for act in page])
        hashes = {act.basis_hash for act in page if act.basis_hash}
        hashes |= {item.basis_hash for items in restated.values() for item in items}
        _read_bases(tx, hashes - bases.keys(), bases)
        for act in page:
            yield _recomputed(act, restated.get(act.key, ()), bases)
        after = page[-1].id


def _recomputed(act: Act, restatements: Sequence[Restatement], bases: dict[bytes, Any]) -> Recomputed:
    """The act by what it was recorded with, then by each restatement, which must go on where the one before ended."""
    differences, before = _differences(act, bases), act
    for item in restatements:
        again = as_restated(act, item)
        found = _differences(again, bases)
        said, stood = (item.previous_basis_hash, item.previous), (before.basis_hash, credits_of(before))
        if said != stood:
            found["previous"] = (said, stood)
        differences |= {f"restatement {item.sequence}: {name}": pair for name, pair in found.items()}
        before = again
    return Recomputed(act, differences, before)


def _read_bases(tx: Session, hashes: set[bytes], bases: dict[bytes, Any]) -> None:
    for row in tx.scalars(select(QuantificationBasis).where(QuantificationBasis.hash.in_(hashes))):
        bases[row.hash] = json.loads(row.content)


def _differences(act: Act, bases: dict[bytes, Any]) -> dict[str, tuple[object, object]]:
    assert act.basis_hash is not None
    try:
        result = recompute(bases[act.basis_hash], json.loads(act.data), act.grade)
    except MethodologyError as error:
        return {"error": (None, error.code)}
    credits = credited(result)
    again = {
        "basis_hash": bytes.fromhex(result.basis.hash),
        "baseline": exact_text(result.baseline_g),
        "project": exact_text(result.project_g),
        "leakage": exact_text(result.leakage_g),
        "reduction": exact_text(result.reduction_g),
        "reduction_g": credits.reduction_g,
        "offset_g": credits.offset_g,
        "eac_wh": credits.eac_wh,
    }
    return {name: (getattr(act, name), value) for name, value in again.items() if getattr(act, name) != value}


def basis_of(tx: Session, act: Act) -> dict[str, Any] | None:
    """The recorded basis of one activity: version, profile and factor rows as they read on its day."""
    if act.basis_hash is None:
        return None
    row = tx.get(QuantificationBasis, act.basis_hash)
    found: dict[str, Any] | None = json.loads(row.content) if row else None
    return found
