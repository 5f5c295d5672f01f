"""Scope 3 figures of a month: what was travelled, by whom (only to count them), where and how.

GHG Protocol, Corporate Value Chain (Scope 3) Standard: category 6 is business travel, category 7 employee commuting.
`project_g` is what the journeys themselves emit and belongs into the inventory; `reduction_g` is what was avoided and
is reported apart, never taken off. Only journeys that were recorded are in it, not all that were made.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities, identity
from backend.activities import IssuedAct
from backend.employer.privacy import Shown, shown, totals

#: GHG Protocol Scope 3 category → the scene of its acts.
CATEGORIES = {6: "travel", 7: "commute"}
#: What a journey's distance is called, in the order of preference; what was avoided (a flight, say) is none.
DISTANCES = ("distance_km", "rail_km", "pool_km")

#: Methodology, version, evidence grade.
Way = tuple[str, str, str]


@dataclass(slots=True)
class Sum:
    """What some acts come to. A quantity is None as soon as one of them has none, or one in another unit."""

    acts: int = 0
    distance: Fraction | None = Fraction(0)
    unit: str | None = None
    project_g: Fraction | None = Fraction(0)
    reduction_g: int = 0

    def add(self, other: "Sum") -> None:
        same = self.unit is None or self.unit == other.unit
        self.distance = _plus(self.distance, other.distance) if same else None
        self.unit = self.unit or other.unit
        self.project_g = _plus(self.project_g, other.project_g)
        self.acts, self.reduction_g = self.acts + other.acts, self.reduction_g + other.reduction_g

    def as_json(self) -> dict[str, Any]:
        """Kilometres to the metre and whole grams, as texts; None where it is not known."""
        known = self.distance is not None and self.unit is not None
        return {
            "acts": self.acts,
            "distance": _decimal(self.distance, 3) if known else None,
            "unit": self.unit if known else None,
            "project_g": _decimal(self.project_g, 0),
            "reduction_g": self.reduction_g,
        }


def _plus(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else one + other


def _decimal(value: Fraction | None, places: int) -> str | None:
    if value is None:
        return None
    return str(Decimal(round(value * 10**places)).scaleb(-places))


@dataclass(slots=True)
class Category:
    """The acts of one category: who and how much, by department of the act's day and way of travelling."""

    people: dict[tuple[str, Way], set[UUID]] = field(default_factory=lambda: defaultdict(set))
    sums: dict[tuple[str, Way], Sum] = field(default_factory=lambda: defaultdict(Sum))
    bases: dict[Way, set[bytes]] = field(default_factory=lambda: defaultdict(set))


def figures(tx: Session, programme: str, *, first: date, last: date, floor: int) -> dict[str, Any]:
    """What may be shown of these days, as JSON: categories with rows and totals, and the factors behind them."""
    found = _gathered(tx, programme, first, last)
    told, hashes = [], set()
    for number in sorted(CATEGORIES):
        category = found[CATEGORIES[number]]
        rows = shown(category.people, floor)
        paths = {path for path, _ in category.people}
        sums = [(node, _summed(category, parts)) for node, parts in totals(rows, paths).items()]
        told.append(
            {
                "category": number,
                "rows": [_row(category, row) for row in rows],
                "totals": [{"department": node, **amount.as_json()} for node, amount in sums],
            }
        )
        ways = [way for row in rows if len(row.kinds) == 1 for way in row.kinds]
        hashes |= {item for way in ways for item in category.bases[way]}  # type: ignore[index]
    return {"categories": told, "factors": _factors(tx, hashes)}


def _gathered(tx: Session, programme: str, first: date, last: date) -> dict[str, Category]:
    found = {scene: Category() for scene in CATEGORIES.values()}
    versions: dict[bytes, str] = {}
    pages = activities.issued_in_programme(tx, programme, first=first, last=last, scenes=sorted(found))
    for page in pages:
        unread = {act.basis_hash for act in page} - versions.keys()
        versions |= {key: str(basis["version"]) for key, basis in activities.bases(tx, unread).items()}
        wanted = [(act.holder_id, act.day) for act in page]
        departments = identity.roster.departments_by_day(tx, programme, wanted)
        together = identity.merging.together(tx, {act.holder_id for act in page})
        for act in page:
            way = (act.methodology, versions[act.basis_hash], act.grade)
            cell = (departments.get((act.holder_id, act.day), ""), way)
            category = found[act.scene]
            category.people[cell].add(together.get(act.holder_id, (act.holder_id,))[0])
            category.sums[cell].add(_sum(act))
            category.bases[way].add(act.basis_hash)
    return found


def _sum(act: IssuedAct) -> Sum:
    name = next((name for name in DISTANCES if name in act.data), None)
    if name is None:
        return Sum(1, None, None, act.project_g, act.reduction_g)
    unit = activities.monitored_data(act.methodology).get(name, {}).get("unit", "km")
    return Sum(1, Fraction(str(act.data[name])), unit, act.project_g, act.reduction_g)


def _summed(category: Category, parts: Iterable[Shown]) -> Sum:
    """The parts share no cell, so each is added once."""
    amount = Sum()
    for part in parts:
        for (path, way), cell in sorted(category.sums.items()):
            if path in part.block.paths and way in part.kinds:
                amount.add(cell)
    return amount


def _row(category: Category, row: Shown) -> dict[str, Any]:
    """A row names its way of travelling where it is one; ways that stand together are not named."""
    ways: Sequence[Any] = sorted(row.kinds, key=str)
    alone = ways[0] if len(ways) == 1 else (None, None, None)
    where = {"department": row.block.node, "whole": row.block.whole}
    named = dict(zip(("methodology", "version", "grade"), alone, strict=True))
    return {**where, **named, **_summed(category, [row]).as_json()}


def _factors(tx: Session, hashes: set[bytes]) -> list[dict[str, Any]]:
    """The factor rows behind the ways that are named, each once."""
    found = {}
    for basis in activities.bases(tx, hashes).values():
        for row in basis["rows"]:
            sources = "; ".join(source["title"] for source in row["sources"])
            told = {"methodology": basis["methodology"], "version": basis["version"]}
            told |= {name: str(row[name]) for name in ("parameter", "value", "unit", "in_force_from", "row_hash")}
            found[(*told.values(),)] = told | {"title": row["title"]["zh"], "sources": sources}
    return [found[key] for key in sorted(found)]
