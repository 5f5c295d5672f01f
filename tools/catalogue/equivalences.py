"""The page of equivalences: what grams are compared to, by which dated factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from methodologies import Library
from methodologies.kernel.equivalences import Equivalence
from tools.catalogue import history
from tools.catalogue.rows import ShownRow, Titles, shown_rows
from tools.catalogue.tables import taken_from

KILOGRAM_G = 1000


@dataclass(frozen=True)
class ShownEquivalence:
    """One equivalence; `told`: what a kilogram compares to on `day`, the first day of its newest row."""

    one: Equivalence
    rows: list[ShownRow]
    day: date
    told: Mapping[str, Any] | None
    taken_from: tuple[str, str] | None


def equivalences_content(library: Library, titles: Titles) -> Mapping[str, Any]:
    """What the page is made from."""
    shown = [_shown(library, one, titles) for one in library.registers.equivalences.values()]
    changes = (change for one in shown for change in history.changes_of_rows(one.one.factor, one.rows))
    return {"equivalences": shown, "changes": history.by_day(changes)}


def _shown(library: Library, one: Equivalence, titles: Titles) -> ShownEquivalence:
    day = max(row.in_force_from for row in one.factor.rows)
    rows = shown_rows(one.factor, titles)
    return ShownEquivalence(one, rows, day, one.of(KILOGRAM_G, day), taken_from(library, one.factor))
