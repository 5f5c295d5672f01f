"""Reading dated parameter rows: every number with its unit, day, sources, sentence and confidence label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from methodologies.kernel.documents import Node, walk_rows
from methodologies.kernel.model import CONFIDENCES, HOUSE, Place, Source, Title
from methodologies.kernel.parameters import ENDS, Parameter, Range, Row, row_hash_of

_ROW_KEYS = ("value", "in_force_from", "sources", "sentence", "confidence", "review_before")
_ROW_OPTIONS = ("note", "replaces", "range")


def place_of(node: Node) -> Place:
    return Place(node.file, node.line)


def read_title(node: Node) -> Title:
    entry = node.mapping(["zh", "en"])
    return Title(entry["zh"].text(), entry["en"].text())


def read_sources(node: Node, sources: Mapping[str, Source]) -> tuple[Source, ...]:
    """A list of tags, each in the register."""
    found = []
    for tag in walk_rows(node):
        if tag.text() not in sources:
            raise tag.refuse(f"unknown source {tag.text()!r}: add it to sources.yaml")
        found.append(sources[tag.text()])
    return tuple(found)


def read_parameter(
    methodology: str,
    name: str,
    node: Node,
    vocabulary: Mapping[str, frozenset[str]],
    sources: Mapping[str, Source],
    *,
    displayed: bool = False,
) -> Parameter:
    """Read one parameter; `vocabulary` says which keys rows may be chosen by and which values each may
    take. `displayed`: it is never credited, so its rows may stand inside their ranges."""
    entry = node.mapping(["title", "unit", "rows"], ["by"])
    by = tuple(key.one_of(vocabulary) for key in entry["by"].sequence()) if "by" in entry else ()
    title, unit = read_title(entry["title"]), entry["unit"].unit()
    parameter = Parameter(name, title, unit, by, (), place_of(node), displayed=displayed)
    return replace(parameter, rows=read_rows(methodology, parameter, entry["rows"], vocabulary, sources))


def read_rows(
    methodology: str,
    parameter: Parameter,
    node: Node,
    vocabulary: Mapping[str, frozenset[str]],
    sources: Mapping[str, Source],
    also: Iterable[str] = (),
) -> tuple[Row, ...]:
    """The rows of a parameter, each written once; keys named in `also` are the caller's to read."""
    rows: list[Row] = []
    for row_node in walk_rows(node):
        row = _read_row(methodology, parameter, row_node, vocabulary, sources, also)
        _refuse_doubled(row, rows, row_node)
        rows.append(row)
    return tuple(rows)


def _read_row(
    methodology: str,
    parameter: Parameter,
    node: Node,
    vocabulary: Mapping[str, frozenset[str]],
    sources: Mapping[str, Source],
    also: Iterable[str],
) -> Row:
    entry = node.mapping([*_ROW_KEYS, *parameter.by, *also], _ROW_OPTIONS)
    in_force_from, review_before = entry["in_force_from"].day(), entry["review_before"].day()
    if review_before <= in_force_from:
        raise entry["review_before"].refuse("review_before is not after in_force_from")
    row = Row(
        methodology=methodology,
        parameter=parameter.name,
        title=parameter.title,
        value_text=entry["value"].text(),
        value=entry["value"].number() * parameter.unit.scale,
        unit=parameter.unit,
        keys=(
            *parameter.fixed,
            *((key, entry[key].one_of(sorted(vocabulary[key]))) for key in parameter.by),
        ),
        in_force_from=in_force_from,
        sources=read_sources(entry["sources"], sources),
        sentence=entry["sentence"].text(),
        confidence=read_confidence(entry["confidence"], entry["sources"]),
        note=entry["note"].text() if "note" in entry else "",
        replaces=entry["replaces"].text() if "replaces" in entry else "",
        review_before=review_before,
        row_hash="",
        place=place_of(node),
        range=_read_range(parameter, entry, sources) if "range" in entry else None,
    )
    return replace(row, row_hash=row_hash_of(row.as_json()))


def _read_range(parameter: Parameter, row: Mapping[str, Node], sources: Mapping[str, Source]) -> Range:
    """Where sources differ: their figures in the unit of the row. What is credited stands at one end of them."""
    node, value = row["range"], row["value"]
    entry = node.mapping([*ENDS, "sources", "sentence"])
    low, central, high = (entry[end].number() for end in ENDS)
    if not low <= central <= high:
        raise node.refuse(f"low {low} ≤ central {central} ≤ high {high} does not hold")
    if not parameter.displayed and value.number() not in (low, high):
        raise node.refuse(f"the value {value.text()} is neither the low nor the high end of the range")
    if set(entry["sources"].texts()) <= {HOUSE}:
        raise entry["sources"].refuse("a range needs a published source")
    return Range(
        low=entry["low"].text(),
        central=entry["central"].text(),
        high=entry["high"].text(),
        sources=read_sources(entry["sources"], sources),
        sentence=entry["sentence"].text(),
    )


def read_confidence(node: Node, tags: Node) -> str:
    """A published number needs a published text; only ASSUMED and RECALLED may rest on the house alone."""
    label = node.one_of(CONFIDENCES)
    if label in ("VERIFIED", "DERIVED") and set(tags.texts()) <= {HOUSE}:
        raise node.refuse(f"{label} needs a published source")
    return label


def _refuse_doubled(row: Row, earlier: list[Row], node: Node) -> None:
    """One row per keys and day, unless it corrects an earlier one by naming its hash."""
    corrected = {other.replaces for other in earlier if other.replaces}
    if row.replaces:
        target = next((other for other in earlier if other.row_hash == row.replaces), None)
        if target is None or target.keys != row.keys or row.replaces in corrected:
            raise node.refuse(
                f"replaces {row.replaces!r}, which is no uncorrected earlier row with the same keys"
            )
        corrected.add(row.replaces)
    standing = [other for other in earlier if other.row_hash not in corrected]
    twin = next(
        (other for other in standing if (other.keys, other.in_force_from) == (row.keys, row.in_force_from)),
        None,
    )
    if twin is not None:
        raise node.refuse(
            f"{row.parameter} has two rows for {dict(row.keys) or 'everything'} from "
            f"{row.in_force_from}; the first is on line {twin.place.line}"
        )
