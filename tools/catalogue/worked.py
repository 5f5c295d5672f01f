"""Worked examples as a page shows them: the library quantifies each one while the site is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

from markupsafe import Markup

from methodologies import Library, Methodology, MethodologyError, Quantification
from methodologies.kernel.exact import exact_text, reading_text
from methodologies.kernel.parameters import row_value
from methodologies.review.examples import Example, read_examples
from tools.catalogue.formulas import ShownFormula
from tools.catalogue.typesetting import element, evaluate, typeset


@dataclass(frozen=True)
class Input:
    """One piece of activity data of an example; `origin` says where a value comes from that the data left out."""

    name: str
    title: str
    value: str
    unit: str
    origin: str


@dataclass(frozen=True)
class WorkedExample:
    """One example and what the library makes of it: a quantification with its arithmetic, or a refusal."""

    number: int
    example: Example
    inputs: tuple[Input, ...]
    done: Quantification | None
    refusal: MethodologyError | None
    mathml: Markup
    amounts: tuple[tuple[str, str, str], ...]

    @property
    def reduction_range(self) -> tuple[str, str, str] | None:
        """Grams at the low, central and high figures of the sources, for reading; None where they do not differ."""
        found = self.done.reduction_range_g if self.done else None
        return None if found is None else (_reading(found.low), _reading(found.central), _reading(found.high))

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The rows the calculation rests on."""
        return list(self.done.basis.rows) if self.done else []

    @property
    def grade_row(self) -> Mapping[str, Any]:
        """The row of the evidence grade's factor."""
        assert self.done is not None
        found: Mapping[str, Any] = next(
            row for row in self.done.basis.content["grades"] if row["keys"]["grade"] == self.done.grade
        )
        return found


def worked_examples(
    library: Library, methodology: Methodology, formulas: Mapping[str, ShownFormula]
) -> list[WorkedExample]:
    """The examples of one methodology in the order of its examples.yaml."""
    folder = methodology.definition.place.file.parent
    examples = read_examples(folder, library.registers)
    return [_worked(number, methodology, formulas, example) for number, example in enumerate(examples, start=1)]


def _worked(
    number: int, methodology: Methodology, formulas: Mapping[str, ShownFormula], example: Example
) -> WorkedExample:
    given = tuple(_given(methodology, example))
    try:
        done = methodology.quantify(example.data, example.day, example.profile, example.grade)
    except MethodologyError as refusal:
        return WorkedExample(number, example, given, None, refusal, Markup(), ())
    formula = formulas[done.basis.content["formula"]]
    inputs = (*given, *_stand_ins(methodology, done))
    return WorkedExample(number, example, inputs, done, None, _arithmetic(formula, done), tuple(_amounts(done)))


def _given(methodology: Methodology, example: Example) -> Iterator[Input]:
    for name, value in example.data.items():
        field = methodology.monitored.get(name)
        if field is None:
            yield Input(name, name, str(value), "1", "")
        elif field.kind == "choice":
            chosen = field.choices.get(str(value))
            yield Input(name, field.title.zh, chosen.zh if chosen else str(value), "1", "")
        else:
            yield Input(name, field.title.zh, str(value), field.unit.text, "")


def _stand_ins(methodology: Methodology, done: Quantification) -> Iterator[Input]:
    for name, entry in done.basis.content["inputs"].items():
        field = methodology.monitored[name]
        if entry["from"] == "default":
            yield Input(name, field.title.zh, entry["default"], entry["unit"], "缺省值")
        elif entry["from"] == "parameter":
            row = next(row for row in done.basis.rows if row["parameter"] == entry["parameter"])
            yield Input(name, field.title.zh, row["value"], row["unit"], f"取参数“{row['title']['zh']}”")


def _amounts(done: Quantification) -> Iterator[tuple[str, str, str]]:
    """(symbol, exact grams for the record, grams for reading) of BE, PE, LE and ER."""
    amounts = {"BE": done.baseline_g, "PE": done.project_g, "LE": done.leakage_g, "ER": done.reduction_g}
    for symbol, amount in amounts.items():
        if amount is not None:
            yield symbol, exact_text(amount), _reading(amount)
        else:
            yield symbol, "", "未公布"


def _reading(amount: Fraction) -> str:
    return reading_text(amount).replace("-", "−")


def _arithmetic(formula: ShownFormula, done: Quantification) -> Markup:
    """The formula with the numbers of one act, in base units; refuses to print what the library did not compute."""
    values = {("parameter", row["parameter"]): row_value(row) for row in done.basis.rows}
    values |= {("activity", name): value for name, value in done.inputs.items()}
    results = evaluate(formula.lines, values)
    computed = {
        "BE": done.baseline_g,
        "PE": done.project_g,
        "LE": done.leakage_g,
        "ER": done.reduction_g,
        "COMP": done.outcome.offset_backed,
        "EAC": done.outcome.eac_backed,
    }
    for symbol, amount in computed.items():
        if symbol in results and results[symbol] != amount:
            raise AssertionError(f"{done.methodology} {formula.text.name}: {symbol} is {amount}, not {results[symbol]}")
    single = {line.symbol for line in formula.lines.lines if _is_single(line.expression)}

    def leaf(origin: str, name: str) -> Element:
        return _number(results[name] if origin == "symbol" else values[origin, name])

    def result(symbol: str) -> list[Element]:
        value = Fraction(results[symbol])
        equals = [] if symbol in single else [element("mo", "="), _number(value, alone=True)]
        about = reading_text(value)
        return [*equals, element("mo", "≈"), element("mn", about[2:])] if about.startswith("约 ") else equals

    label = f"代入计算：{formula.text.title.zh}"
    return Markup(typeset(formula.lines, leaf, label, result))  # noqa: S704 - built from elements


def _is_single(node: object) -> bool:
    """Whether an expression is one quantity, whose value needs no repeating."""
    return not hasattr(node, "op") and not hasattr(node, "func")


def _number(value: Fraction | int, alone: bool = False) -> Element:
    """A number exactly: decimals where they end, else a fraction; brackets around what is negative, unless it stands
    alone."""
    value = Fraction(value)
    top, slash, bottom = exact_text(abs(value)).partition("/")
    shown = element("mn", top)
    if slash:
        shown = element("mfrac")
        shown.extend([element("mn", top), element("mn", bottom)])
    if value >= 0:
        return shown
    row = element("mrow")
    minus = [element("mo", "−"), shown]
    row.extend(minus if alone else [element("mo", "("), *minus, element("mo", ")")])
    return row
