"""Ex-ante parameters: dated, sourced rows, and which of them is in force on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from methodologies.kernel.exact import fraction_of_text
from methodologies.kernel.model import Place, Source, Title, digest
from methodologies.kernel.units import Unit, parse_unit

ENDS = ("low", "central", "high")


@dataclass(frozen=True, slots=True)
class Range:
    """How far the sources of one quantity lie apart, as published, in the unit of its row; `sentence` says which source
    gives which number."""

    low: str
    central: str
    high: str
    sources: tuple[Source, ...]
    sentence: str

    def __str__(self) -> str:
        return f"{self.low}–{self.central}–{self.high}"

    def as_json(self) -> dict[str, object]:
        return {
            "low": self.low,
            "central": self.central,
            "high": self.high,
            "sources": [source.as_json() for source in self.sources],
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One dated, sourced number. `value` is in base units, `value_text` and `unit` as published; `range` is None where
    one source alone publishes the quantity."""

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
    range: Range | None = None

    def as_json(self) -> dict[str, object]:
        """The whole row for receipts and replay; `row_hash_of` recomputes its hash from this."""
        row: dict[str, object] = {
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
        if self.range is not None:
            row["range"] = self.range.as_json()
        return row


def row_hash_of(row: Mapping[str, object]) -> str:
    """Hash of a row as JSON. Pinned: the number, its unit, keys, day, sources, sentence, confidence, note, range.

    Not pinned: the parameter's title, a source's address (links rot) and `review_before` (moves at every review).
    """
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
    pinned["sources"] = _pinned_sources(row)
    if "range" in row:  # only then: a row without one keeps the hash it was published with
        stated = row["range"]
        assert isinstance(stated, dict)
        pinned["range"] = [*(stated[key] for key in (*ENDS, "sentence")), _pinned_sources(stated)]
    return digest(pinned)


def _pinned_sources(entry: Mapping[str, object]) -> list[list[str]]:
    sources = entry["sources"]
    assert isinstance(sources, list)
    return [[source["tag"], source["title"], source["reliability"]] for source in sources]


def row_value(row: Mapping[str, Any]) -> Fraction:
    """The value of a row as JSON, in base units."""
    return _in_base_units(row["value"], row["unit"])


def row_range(row: Mapping[str, Any]) -> tuple[Fraction, Fraction, Fraction] | None:
    """The low, central and high value of a row as JSON, in base units; None where it states no range."""
    if "range" not in row:
        return None
    low, central, high = (_in_base_units(row["range"][key], row["unit"]) for key in ENDS)
    return low, central, high


def _in_base_units(text: str, unit: str) -> Fraction:
    value = fraction_of_text(text)
    assert value is not None, text
    return value * parse_unit(unit).scale


@dataclass(frozen=True, slots=True)
class Parameter:
    """An ex-ante parameter: one quantity, many dated rows; `by` names what a row is chosen by besides
    the day. `shared`: its rows are those of a table in factors/, narrowed to the `fixed` keys; `key_titles` say
    what the values of the table's keys are called. `displayed`: shown to people, never credited."""

    name: str
    title: Title
    unit: Unit
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    place: Place
    shared: bool = False
    fixed: tuple[tuple[str, str], ...] = ()
    key_titles: Mapping[str, Mapping[str, Title]] = field(default_factory=dict)
    displayed: bool = False

    def taken(self, fixed: Mapping[str, str], place: Place) -> Parameter:
        """This table as one methodology takes it: its rows with the `fixed` keys, chosen by the others."""
        rows = tuple(row for row in self.rows if fixed.items() <= dict(row.keys).items())
        free = tuple(key for key in self.by if key not in fixed)
        return replace(self, by=free, rows=rows, place=place, shared=True, fixed=tuple(sorted(fixed.items())))

    def choosing(self, row: Row) -> tuple[tuple[str, str], ...]:
        """The keys a row is chosen by; the others only identify it, such as the year of its data."""
        return tuple(pair for pair in row.keys if pair[0] in self.by)

    def row_on(self, keys: Mapping[str, str], day: date) -> Row | None:
        """The row in force on `day`: the newest with these keys that no correction has replaced, unless it has
        ended."""
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
