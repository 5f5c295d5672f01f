"""Worked examples: every folder's examples.yaml, with published figures, both sides of every boundary day, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

from methodologies.kernel.documents import Node, read_document, walk_rows
from methodologies.kernel.errors import MethodologyError
from methodologies.kernel.exact import exact_text
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.model import ANY_PROFILE, CLAIM_TYPES, GRADES, Place
from methodologies.kernel.quantification import Quantification
from methodologies.kernel.registers import Registers

NOT_PUBLISHED = "not_published"
_AMOUNTS = ("baseline_g", "project_g", "leakage_g", "reduction_g")


@dataclass(frozen=True, slots=True)
class Example:
    """One example: an act and what must come out, or the code it is refused with. Amounts are grams; None: not
    published."""

    name: str
    source: str
    day: date
    profile: str
    grade: str
    data: Mapping[str, int | str]
    error: str
    version: str
    amounts: Mapping[str, Fraction | None]
    credits: Mapping[str, int]
    sentence: str
    place: Place


def read_examples(folder: Path, registers: Registers) -> list[Example]:
    """Read the examples of one methodology; a `DocumentError` names file and line."""
    return [_read_example(node, registers) for node in walk_rows(read_document(folder / "examples.yaml"))]


def _read_example(node: Node, registers: Registers) -> Example:
    entry = node.mapping(["name", "day", "profile", "data", "expect"], ["grade", "source"])
    if "source" in entry:
        entry["source"].one_of(registers.sources)
    data: dict[str, int | str] = {}
    for name, child in entry["data"].entries().items():
        data[name] = int(child.text()) if child.written_as_integer() else child.text()
    expect = entry["expect"]
    refused = "error" in expect.entries()
    wanted = expect.mapping(
        ["error"] if refused else ["version", "credits"], [] if refused else [*_AMOUNTS, "sentence"]
    )
    return Example(
        name=entry["name"].text(),
        source=entry["source"].text() if "source" in entry else "",
        day=entry["day"].day(),
        profile=entry["profile"].text(),
        grade=entry["grade"].one_of(GRADES) if "grade" in entry else "E3",
        data=data,
        error=wanted["error"].text() if refused else "",
        version="" if refused else wanted["version"].text(),
        amounts={name: _amount(wanted[name]) for name in _AMOUNTS if name in wanted},
        credits={} if refused else _credits(wanted["credits"]),
        sentence=wanted["sentence"].text() if "sentence" in wanted else "",
        place=Place(node.file, node.line),
    )


def _amount(node: Node) -> Fraction | None:
    return None if node.text() == NOT_PUBLISHED else node.number()


def _credits(node: Node) -> dict[str, int]:
    return {kind: child.whole() for kind, child in node.mapping([], CLAIM_TYPES).items()}


def run_example(methodology: Methodology, example: Example) -> str:
    """Empty when the example holds, else what came out instead."""
    try:
        done = methodology.quantify(example.data, example.day, example.profile, example.grade)
    except MethodologyError as refusal:
        return "" if refusal.code == example.error else f"refused with {refusal}"
    if example.error:
        return f"{example.error} was expected, {exact_text(done.reduction_g)} g came out"
    return "; ".join(_differences(example, done))


def overstatement(methodology: Methodology, example: Example) -> str:
    """Empty when the example credits the conservative end of its range (or has none, or is refused), else by how much
    it does not."""
    try:
        done = methodology.quantify(example.data, example.day, example.profile, example.grade)
        found = done.reduction_range_g
    except MethodologyError as refusal:
        return "" if example.error else f"the range cannot be computed: {refusal}"
    if found is None or done.reduction_g == found.low:
        return ""
    return f"{exact_text(done.reduction_g)} g is credited, the low end of its range is {exact_text(found.low)} g"


def _differences(example: Example, done: Quantification) -> list[str]:
    found = []
    if done.version != example.version:
        found.append(f"version {done.version}, not {example.version}")
    for name, wanted in example.amounts.items():
        amount = getattr(done, name)
        if amount != wanted:
            found.append(f"{name} is {NOT_PUBLISHED if amount is None else exact_text(amount)}")
    if done.credits != example.credits:
        found.append(f"credits are {done.credits}")
    if example.sentence and done.sentence_zh() != example.sentence:
        found.append(f"the sentence is {done.sentence_zh()}")
    return found


def uncovered_days(methodology: Methodology, examples: list[Example]) -> list[tuple[str, Place]]:
    """In-force days without an example on the day itself and one on the day before, per profile; with their place."""
    missing = []
    for profile, day, place in _boundaries(methodology):
        days = {example.day for example in examples if profile in (ANY_PROFILE, example.profile)}
        for needed in (day - timedelta(days=1), day):
            if needed not in days:
                where = f"for profile {profile} in {methodology.code}/examples.yaml"
                missing.append((f"no example on {needed} {where}", place))
    return missing


def _boundaries(methodology: Methodology) -> list[tuple[str, date, Place]]:
    found: dict[tuple[str, date], Place] = {}
    for version in methodology.versions:
        found.setdefault((ANY_PROFILE, version.in_force_from), version.place)
        if version.in_force_until is not None:
            found.setdefault((ANY_PROFILE, version.in_force_until + timedelta(days=1)), version.place)
    first = methodology.versions[0].in_force_from
    for parameter in methodology.definition.parameters.values():
        for row in parameter.current_rows():
            if row.in_force_from < first:
                continue  # older than the methodology: its day never shows
            found.setdefault((dict(row.keys).get("profile", ANY_PROFILE), row.in_force_from), row.place)
    return [(profile, day, place) for (profile, day), place in found.items()]
