"""Ex-ante parameters: dated, sourced rows, and which of them is in force on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from methodologies.kernel.model import Place, Source, Title, digest
from methodologies.kernel.units import Unit


@dataclass(frozen=True, slots=True)
class Row:
    """One dated, sourced number. `value` is in base units, `value_text` and `unit` as published."""

    methodology: str
    parameter: str
    title: Title
    value_text: str
    value: Fraction
    unit: Unit
    keys: tuple[tuple[str, str], ...]
    in_force_from: date
    sources: tuple[Source, ...]
    sentence: str
    confidence: str
    note: str
    replaces: str
    review_before: date
    row_hash: str
    place: Place
    in_force_until: date | None = None  # the last day, where what a row rests on ends

    def as_json(self) -> dict[str, object]:
        """The whole row for receipts and replay; `row_hash_of` recomputes its hash from this."""
        return {
            "methodology": self.methodology,
            "parameter": self.parameter,
            "title": self.title.as_json(),
            "value": self.value_text,
            "unit": self.unit.text,
            "keys": dict(self.keys),
            "in_force_from": self.in_force_from.isoformat(),
            "sources": [source.as_json() for source in self.sources],
            "sentence": self.sentence,
            "confidence": self.confidence,
            "note": self.note,
            "replaces": self.replaces,
            "row_hash": self.row_hash,
        }


def row_hash_of(row: Mapping[str, object]) -> str:
    """Hash of a row as JSON. Pinned: the number, its unit, keys, day, sources, sentence, confidence, note.

    Not pinned: the parameter's title, a source's address (links rot) and `review_before` (moves at every
    review).
    """
    sources = row["sources"]
    assert isinstance(sources, list)
    pinned = {
        key: row[key]
        for key in (
            "methodology",
            "parameter",
            "value",
            "unit",
            "keys",
            "in_force_from",
            "sentence",
            "confidence",
            "note",
            "replaces",
        )
    }
    pinned["sources"] = [[source["tag"], source["title"], source["reliability"]] for source in sources]
    return digest(pinned)


@dataclass(frozen=True, slots=True)
class Parameter:
    """An ex-ante parameter: one quantity, many dated rows; `by` names what a row is chosen by besides
    the day. `shared`: its rows are those of a table in factors/, narrowed to the `fixed` keys."""

    name: str
    title: Title
    unit: Unit
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    place: Place
    shared: bool = False
    fixed: tuple[tuple[str, str], ...] = ()

    def taken(self, fixed: Mapping[str, str], place: Place) -> Parameter:
        """This table as one methodology takes it: its rows with the `fixed` keys, chosen by the others."""
        rows = tuple(row for row in self.rows if fixed.items() <= dict(row.keys).items())
        free = tuple(key for key in self.by if key not in fixed)
        return replace(self, by=free, rows=rows, place=place, shared=True, fixed=tuple(sorted(fixed.items())))

    def choosing(self, row: Row) -> tuple[tuple[str, str], ...]:
        """The keys a row is chosen by; the others only identify it, such as the year of its data."""
        return tuple(pair for pair in row.keys if pair[0] in self.by)

    def row_on(self, keys: Mapping[str, str], day: date) -> Row | None:
        """The row in force on `day`: the newest with these keys that no correction has replaced, unless
        it has ended."""
        wanted = tuple((key, keys.get(key, "")) for key in self.by)
        found: Row | None = None
        for row in self.current_rows():
            if (
                self.choosing(row) == wanted
                and row.in_force_from <= day
                and (found is None or row.in_force_from > found.in_force_from)
            ):
                found = row
        ended = found is not None and found.in_force_until is not None and found.in_force_until < day
        return None if ended else found

    def first_day(self, keys: Mapping[str, str]) -> date | None:
        """The first day on which a row with these keys is in force, None when there is no such row."""
        wanted = tuple((key, keys.get(key, "")) for key in self.by)
        days = (row.in_force_from for row in self.current_rows() if self.choosing(row) == wanted)
        return min(days, default=None)

    def current_rows(self) -> list[Row]:
        """The rows no correction has replaced."""
        replaced = {row.replaces for row in self.rows if row.replaces}
        return [row for row in self.rows if row.row_hash not in replaced]

    def starting_days(self) -> set[date]:
        """The days on which some row comes into force, or is in force no longer."""
        rows = self.current_rows()
        ends = {row.in_force_until + timedelta(days=1) for row in rows if row.in_force_until}
        return ends | {row.in_force_from for row in rows}
