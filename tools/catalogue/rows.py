"""Dated rows as a page shows them: until when each is in force, what it corrects and what has corrected it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from methodologies import Library
from methodologies.kernel.model import Title
from methodologies.kernel.parameters import Parameter, Row
from tools.catalogue import words

#: What `Row.as_json` holds that the page has a place for; anything else is printed after it, by its name.
SHOWN = {
    *("methodology", "parameter", "title", "value", "unit", "keys", "in_force_from", "sources", "sentence"),
    *("confidence", "note", "replaces", "row_hash", "review_before", "range"),
}


@dataclass(frozen=True)
class ShownRow:
    """One row. `keys`: (key, title of the key, value, title of the value); `last_day`: the day before the next row
    takes its place, None while it stands; `replaced_by`: hash of the row that corrects it; `rest`: what else it
    says; `ended`: its own last day, where what it rests on ends."""

    row: Row
    document: Mapping[str, Any]
    keys: tuple[tuple[str, str, str, str], ...]
    first_day: date
    last_day: date | None
    replaced_by: str
    rest: Mapping[str, Any]
    ended: date | None

    @property
    def days(self) -> str:
        return words.days_text(self.first_day, self.last_day)

    @property
    def key_text(self) -> str:
        return "，".join(title for _, _, _, title in self.keys)


Titles = Mapping[str, tuple[str, Mapping[str, Title]]]


def titles_of_keys(library: Library) -> dict[str, tuple[str, Mapping[str, Title]]]:
    """Key → what it is called and what its values are called, for the keys that no methodology owns."""
    titles: dict[str, tuple[str, Mapping[str, Title]]] = {
        "profile": (words.KEYS["profile"], {code: profile.title for code, profile in library.profiles.items()})
    }
    for table in library.registers.tables.values():
        for key, values in table.key_titles.items():
            known = titles[key][1] if key in titles else {}
            titles[key] = (words.KEYS.get(key, key), {**known, **values})
    products = {product.label: product.name for product in library.products}
    for table in library.products.tables.values():
        titles.update({key: (words.KEYS.get(key, key), products) for key in table.by})
    return titles


def shown_rows(parameter: Parameter, titles: Titles) -> list[ShownRow]:
    """The rows of a parameter in the order of the document."""
    replaced = {row.replaces: row.row_hash for row in parameter.rows if row.replaces}
    return [_shown(parameter, row, titles, replaced.get(row.row_hash, "")) for row in parameter.rows]


def _shown(parameter: Parameter, row: Row, titles: Titles, replaced_by: str) -> ShownRow:
    document = {**row.as_json(), "review_before": row.review_before.isoformat()}
    later = [
        other.in_force_from
        for other in parameter.current_rows()
        if parameter.choosing(other) == parameter.choosing(row) and other.in_force_from > row.in_force_from
    ]
    ends = [*(day - timedelta(days=1) for day in later), *([row.in_force_until] if row.in_force_until else [])]
    last_day = min(ends, default=None)
    keys = tuple((key, *_titles(titles, key, value)) for key, value in row.keys)
    rest = {key: value for key, value in document.items() if key not in SHOWN and value not in (None, "", [], {})}
    return ShownRow(row, document, keys, row.in_force_from, last_day, replaced_by, rest, row.in_force_until)


def _titles(titles: Titles, key: str, value: str) -> tuple[str, str, str]:
    name, values = titles.get(key, (words.KEYS.get(key, key), {}))
    return name, value, values[value].zh if value in values else value
