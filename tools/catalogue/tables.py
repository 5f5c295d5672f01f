"""The dated numbers that methodologies share, each with a page of its own, and such a table at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from methodologies import Library, Methodology
from methodologies.kernel.parameters import Parameter, Row


def tables_of(library: Library) -> dict[str, Parameter]:
    """The parameters no single methodology owns, by the name of their page."""
    return {**library.registers.tables, "evidence_grades": library.registers.grade_factor}


def taken_from(library: Library, parameter: Parameter) -> tuple[str, str] | None:
    """(address, title) of what a methodology takes a parameter from; None when the rows are its own."""
    if not parameter.shared:
        return None
    if parameter.name in library.products.tables:
        return "index.html#products", "产品登记"
    return f"factors/{parameter.name}.html", f"{parameter.title.zh}表"


def users_of(library: Library, name: str) -> list[Methodology]:
    """The methodologies that take a shared table."""
    return [
        methodology
        for methodology in library
        if name in (found := methodology.definition.parameters) and found[name].shared
    ]


@dataclass(frozen=True)
class Grid:
    """A table at a glance: the rows of a key down, the vintages across, a cell for each row there is."""

    caption: str
    vintages: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Row | None, ...]], ...]


def grids(table: Parameter) -> Iterator[Grid]:
    """One grid for every choice of the keys but the last; none for a table without vintages."""
    keys = table.key_titles
    vintage = next((key for key in keys if key not in table.by), "")
    if not vintage or not table.by:
        return
    down = table.by[-1]
    groups: dict[tuple[str, ...], dict[str, dict[str, Row]]] = {}
    for row in table.current_rows():
        values = dict(row.keys)
        other = tuple(keys[key][values[key]].zh for key in table.by[:-1])
        groups.setdefault(other, {}).setdefault(values[down], {})[values[vintage]] = row
    for other, found in groups.items():
        used = [code for code in keys[vintage] if any(code in cells for cells in found.values())]
        lines = tuple(
            (title.zh, tuple(found[code].get(one) for one in used))
            for code, title in keys[down].items()
            if code in found
        )
        yield Grid("，".join(other) or table.title.zh, tuple(keys[vintage][one].zh for one in used), lines)
