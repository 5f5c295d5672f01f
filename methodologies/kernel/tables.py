"""Factor tables several methodologies share: one YAML file each below factors/, every row dated and sourced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from methodologies.kernel.documents import Node, read_document
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.model import Source
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.rows import place_of, read_rows, read_title

FOLDER = "factors"


def read_tables(root: Path, sources: Mapping[str, Source]) -> dict[str, Parameter]:
    """Every table by the name of its file; a `DocumentError` names file and line."""
    return {file.stem: _read_table(file, sources) for file in sorted((root / FOLDER).glob("*.yaml"))}


def _read_table(file: Path, sources: Mapping[str, Source]) -> Parameter:
    document = read_document(file)
    entry = document.mapping(["title", "unit", "vintage", "keys", "rows"])
    keys = entry["keys"].entries()
    titles = {
        key: {value: read_title(child) for value, child in node.entries().items()} for key, node in keys.items()
    }
    vocabulary = {key: frozenset(values) for key, values in titles.items()}
    vintage = entry["vintage"].one_of(keys)
    table = Parameter(
        file.stem, read_title(entry["title"]), entry["unit"].unit(), tuple(keys), (), place_of(document)
    )
    rows = read_rows(FOLDER, table, entry["rows"], vocabulary, sources)
    chosen_by = tuple(key for key in keys if key != vintage)
    table = replace(table, by=chosen_by, rows=rows, shared=True, key_titles=titles)
    _refuse_two_answers(table)
    return table


def _refuse_two_answers(table: Parameter) -> None:
    """One row per keys and vintage, and one per keys and day: a look-up has one answer or none."""
    identified: set[object] = set()
    starting: set[object] = set()
    for row in table.current_rows():
        start = (table.choosing(row), row.in_force_from)
        if row.keys in identified or start in starting:
            words = " ".join(f"{key}={value}" for key, value in row.keys)
            raise DocumentError(
                row.place.file, row.place.line, f"{table.name} has two rows for {words} from {row.in_force_from}"
            )
        identified.add(row.keys)
        starting.add(start)


def take_table(tables: Mapping[str, Parameter], name: str, node: Node, monitored: frozenset[str]) -> Parameter:
    """``shared: {kind: average}`` in a methodology: the table of this name, narrowed to the keys given; the others are
    choices among its monitored data."""
    if name not in tables:
        raise node.refuse(f"there is no table {FOLDER}/{name}.yaml, and the product register has none of this name")
    table, fixed = tables[name], {}
    for key, child in node.mapping([], table.by).items():
        fixed[key] = child.one_of(sorted({dict(row.keys)[key] for row in table.rows}))
    taken = table.taken(fixed, place_of(node))
    unknown = [key for key in taken.by if key not in monitored]
    if unknown:
        raise node.refuse(f"{', '.join(unknown)}: fix it here or make it a choice among the monitored data")
    return taken
