"""等价物: what a reduction compares to, for display only. Nothing here is credited, added up or posted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from string import Formatter
from typing import Any

from methodologies.kernel import refusals
from methodologies.kernel.documents import Node, read_document
from methodologies.kernel.errors import MethodologyError, shown
from methodologies.kernel.exact import exact_text, reading_text
from methodologies.kernel.model import Place, Source, Title, digest
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.rows import place_of, read_parameter, read_title
from methodologies.kernel.tables import take_table
from methodologies.kernel.units import GRAMS, Unit, parse_unit

DOCUMENT = "equivalences.yaml"
OWNER = "equivalences"
_MOST_GRAMS = 10**18  # what a ledger can hold
_SMALLEST = Fraction(1, 1000)  # people read three decimals; below that a figure would say nothing


@dataclass(frozen=True, slots=True)
class Equivalence:
    """One thing grams are compared to: grams divided by a dated, sourced factor, in `unit`."""

    code: str
    title: Title
    unit: Unit
    sentence: str
    factor: Parameter
    place: Place

    @property
    def hash(self) -> str:
        """What is published of it besides the rows of its own factor: its unit, or the table it takes."""
        table = self.factor.name if self.factor.shared else ""
        return digest([self.unit.text, table, dict(self.factor.fixed)])

    def of(self, reduction_g: int, day: date) -> dict[str, Any] | None:
        """`reduction_g` in this unit as JSON, or None when nothing was reduced or no factor is in force."""
        row = self.factor.row_on({}, day)
        if row is None or reduction_g <= 0:
            return None
        amount = reduction_g / row.value / self.unit.scale
        told = reading_text(amount) if amount >= _SMALLEST else f"不到 {reading_text(_SMALLEST)}"
        return {
            "code": self.code,
            "title": self.title.as_json(),
            "amount": exact_text(amount),
            "amount_text": told,
            "unit": self.unit.text,
            "factor": row.as_json(),
            "sentence_zh": self.sentence.format(amount=told, factor=row.value_text),
        }


def equivalences_of(known: Iterable[Equivalence], reduction_g: int, day: date) -> list[dict[str, Any]]:
    """`reduction_g` in each of the `known`, where it can be told; NOT_A_NUMBER or INVALID_DAY for anything else than
    whole grams on a calendar day."""
    if type(reduction_g) is not int or abs(reduction_g) > _MOST_GRAMS:
        raise MethodologyError(
            "NOT_A_NUMBER",
            f"减排量应为整数克，收到 {shown(reduction_g)}",
            f"a reduction must be whole grams; received {shown(reduction_g)}",
            received=shown(reduction_g),
        )
    if type(day) is not date:
        raise refusals.not_a_day()
    told = (one.of(reduction_g, day) for one in known)
    return [equivalence for equivalence in told if equivalence is not None]


def read_equivalences(
    root: Path, sources: Mapping[str, Source], tables: Mapping[str, Parameter]
) -> dict[str, Equivalence]:
    """Every equivalence by its code; a `DocumentError` names file and line."""
    entries = read_document(root / DOCUMENT).entries()
    return {code: _read(code, node, sources, tables) for code, node in entries.items()}


def _read(
    code: str, node: Node, sources: Mapping[str, Source], tables: Mapping[str, Parameter]
) -> Equivalence:
    entry = node.mapping(["title", "unit", "sentence"], ["factor", "shared"])
    if ("factor" in entry) == ("shared" in entry):
        raise node.refuse("either a factor of its own or a shared table")
    if "factor" in entry:
        factor = read_parameter(OWNER, code, entry["factor"], {}, sources, displayed=True)
    else:
        factor = _taken(entry["shared"], tables)
    unit = entry["unit"].unit()
    if factor.unit.powers != parse_unit(f"{GRAMS.text}/{unit.text}").powers:
        raise entry["unit"].refuse(f"grams divided by a factor in {factor.unit.text} are not in {unit.text}")
    if any(row.value <= 0 for row in factor.rows):
        raise node.refuse("a factor is above zero")
    return Equivalence(
        code, read_title(entry["title"]), unit, _sentence(entry["sentence"]), factor, place_of(node)
    )


def _taken(node: Node, tables: Mapping[str, Parameter]) -> Parameter:
    """``shared: {grid_electricity: {kind: average, region: national}}``: one table, all of its keys fixed."""
    (name, keys), *others = node.entries().items()
    if others:
        raise node.refuse("one shared table is expected")
    return take_table(tables, name, keys, frozenset())


def _sentence(node: Node) -> str:
    """A sentence for members; it says the amount, and may say the factor it rests on."""
    try:
        names = {name for _, name, _, _ in Formatter().parse(node.text()) if name is not None}
    except ValueError as error:
        raise node.refuse(f"the sentence is broken: {error}") from None
    if not {"amount"} <= names <= {"amount", "factor"}:
        raise node.refuse("the sentence says {amount}, and may say {factor}")
    return node.text()
