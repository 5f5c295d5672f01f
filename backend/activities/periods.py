"""What was done in a programme between two days, as it stands: for whoever adds up."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from backend.activities.models import Activity, QuantificationBasis
from backend.activities.records import ISSUED, act_of
from backend.activities.restatements import latest, restatements_of

_PAGE = 500


@dataclass(frozen=True, slots=True)
class IssuedAct:
    """An issued act with the numbers that stand, restated ones where it was restated.

    `data` is what was monitored; `project_g` is exact, None where the source of the methodology publishes none;
    `reduction_g` is what was credited.
    """

    holder_id: UUID
    day: date
    scene: str
    methodology: str
    grade: str
    basis_hash: bytes
    data: dict[str, Any]
    project_g: Fraction | None
    reduction_g: int


def issued_in_programme(
    tx: Session, programme: str, *, first: date, last: date, scenes: Collection[str]
) -> Iterator[list[IssuedAct]]:
    """The issued acts of these scenes on these days, page by page, in the order of holders and acts."""
    act, behind = Activity, None
    query = select(act.__table__).where(
        act.programme == programme, act.day.between(first, last), act.scene.in_(scenes), act.status == ISSUED
    )
    while True:
        page = query if behind is None else query.where(tuple_(act.holder_id, act.id) > behind)
        rows = [act_of(row) for row in tx.execute(page.order_by(act.holder_id, act.id).limit(_PAGE))]
        restated = restatements_of(tx, [row.key for row in rows])
        standing = [latest(row, restated.get(row.key, ())) for row in rows]
        yield [
            IssuedAct(
                *(row.holder_id, row.day, row.scene, row.methodology, row.grade, row.basis_hash),
                json.loads(row.data),
                Fraction(row.project) if row.project is not None else None,
                row.reduction_g,
            )
            for row in standing
            if row.basis_hash is not None
        ]
        if len(rows) < _PAGE:
            return
        behind = tuple_(*rows[-1].key)


def bases(tx: Session, hashes: Collection[bytes]) -> dict[bytes, dict[str, Any]]:
    """What reductions were computed from, by hash: methodology, version, profile, formula, factor rows."""
    query = select(QuantificationBasis).where(QuantificationBasis.hash.in_(sorted(hashes)))
    return {row.hash: json.loads(row.content) for row in tx.scalars(query)}
