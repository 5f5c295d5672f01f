"""A typeset formula is the formula that runs: read back from the page, it gives the gram the library gives."""

from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

import methodologies
from methodologies import Methodology, MethodologyError, Quantification
from methodologies.kernel.parameters import row_value
from methodologies.review.examples import Example, read_examples
from tests.tools.catalogue.mathml import calculate, read_lines
from tests.tools.catalogue.reading import Site, maths
from tools.catalogue.typesetting import evaluate, named, read_formulas, typeset

LIBRARY = methodologies.library()
RESULTS = {"BE": "baseline", "PE": "project", "LE": "leakage", "ER": "reduction"}
RESULTS |= {"COMP": "offset_backed", "EAC": "eac_backed"}


def examples_of(methodology: Methodology) -> list[Example]:
    return read_examples(methodology.definition.place.file.parent, LIBRARY.registers)


def quantified() -> list[tuple[str, int, Quantification]]:
    """(code, number of the example, what the library makes of it) of every example that is not refused."""
    found = []
    for methodology in LIBRARY:
        for number, example in enumerate(examples_of(methodology), start=1):
            try:
                done = methodology.quantify(example.data, example.day, example.profile, example.grade)
            except MethodologyError:
                continue
            found.append((methodology.code, number, done))
    return found


QUANTIFIED = quantified()
IDS = [f"{code}-{number}" for code, number, _ in QUANTIFIED]


def test_every_formula_is_calculated_by_some_example() -> None:
    calculated = {(code, done.basis.content["formula"]) for code, _, done in QUANTIFIED}
    assert calculated == {(methodology.code, name) for methodology in LIBRARY for name in methodology.formulas}


@pytest.mark.parametrize(("code", "number", "done"), QUANTIFIED, ids=IDS)
def test_a_typeset_formula_gives_what_the_library_gives(
    code: str, number: int, done: Quantification, site: Site
) -> None:
    [math] = maths(site.article(code, f"formula-{done.basis.content['formula']}"))
    document = LIBRARY.get(code).as_json()
    values = {f"parameter.{row['parameter']}": row_value(row) for row in done.basis.rows}
    values |= {f"activity.{name}": value for name, value in done.inputs.items()}
    titles = {f"parameter.{name}": entry["title"]["zh"] for name, entry in document["parameters"].items()}
    titles |= {f"activity.{name}": entry["title"]["zh"] for name, entry in document["monitored"].items()}
    known: dict[str, Fraction] = {}

    def lookup(element: Element) -> Fraction:
        name = element.get("data-name") or ""
        if name in known:
            assert element.text == name
            return known[name]
        assert element.text == titles[name]
        return values[name]

    for symbol, body in read_lines(math):
        known[symbol.text or ""] = calculate(body, lookup)
    results = {symbol: known[symbol] for symbol in RESULTS if symbol in known}
    assert results["ER"] == done.reduction_g
    assert results == {symbol: getattr(done.outcome, RESULTS[symbol]) for symbol in results}
    claimed = {symbol for symbol, name in RESULTS.items() if getattr(done.outcome, name) is not None}
    assert claimed == set(results), "what the outcome claims is on the page, and nothing else"


@pytest.mark.parametrize(("code", "number", "done"), QUANTIFIED, ids=IDS)
def test_the_arithmetic_of_an_example_is_right(code: str, number: int, done: Quantification, site: Site) -> None:
    [math] = maths(site.article(code, f"example-{number}"))

    def no_names(element: Element) -> Fraction:
        raise AssertionError(f"{element.text} is no number")

    for symbol, body in read_lines(math):
        sides: list[list[Element]] = [[]]
        about: list[Element] = []
        for element in body:
            if element.text == "≈" or about:
                about.append(element)
            elif element.text == "=":
                sides.append([])
            else:
                sides[-1].append(element)
        values = {calculate(side, no_names) for side in sides}
        assert len(values) == 1, f"{symbol.text}: {values}"
        [value] = values
        if about:
            assert abs(value - Fraction(about[1].text or "")) <= Fraction(1, 2000)
        if symbol.text in RESULTS:
            assert value == getattr(done.outcome, RESULTS[symbol.text])


FORMS = """
from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula, net_reduction


@formula
def nested(activity: Activity, parameter: Parameters) -> Outcome:
    one = activity.a - (activity.b - parameter.c)
    two = (one + activity.a) * (activity.b - parameter.c) * one
    three = activity.a / (activity.b * parameter.c) * activity.b
    four = activity.a / activity.b / parameter.c - activity.b / (activity.a / parameter.c)
    five = (activity.a * activity.b) // parameter.c * parameter.c
    six = min(activity.a - activity.b, min(parameter.c, activity.b) - activity.a) * parameter.c
    one = one - two
    return emissions(baseline=one + (two - three), project=four - (five + six), leakage=two // three)


@formula
def net(activity: Activity, parameter: Parameters) -> Outcome:
    return net_reduction(activity.b - (activity.a + parameter.c), offset_backed=activity.a)
"""


@pytest.mark.parametrize("values", [("7", "3", "2"), ("1.5", "0.25", "8"), ("-4", "9", "0.7"), ("5.98", "22", "-3")])
def test_brackets_stand_where_they_are_needed(values: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "formula.py"
    file.write_text(FORMS, encoding="utf-8")
    space: dict[str, Any] = {}
    exec(compile(FORMS, str(file), "exec"), space)
    titles = {("activity", "a"): "甲", ("activity", "b"): "乙", ("parameter", "c"): "丙"}
    numbers = dict(zip(titles, map(Fraction, values), strict=True))
    given = {f"{origin}.{name}": number for (origin, name), number in numbers.items()}
    for name, formula in read_formulas(file).items():
        outcome = space[name](*(type("Values", (), plain) for plain in split(numbers)))
        known = calculated(typeset(formula, named(titles), name), given)
        shown = {RESULTS[symbol]: value for symbol, value in known.items() if symbol in RESULTS}
        assert shown == {part: value for part, value in outcome._asdict().items() if value is not None}
        assert evaluate(formula, numbers) == known


def calculated(math: str, given: dict[str, Fraction]) -> dict[str, Fraction]:
    """The value of every symbol of a typeset formula."""
    known: dict[str, Fraction] = {}
    for symbol, body in read_lines(math):
        known[symbol.text or ""] = calculate(body, lambda one: {**given, **known}[one.get("data-name") or ""])
    return known


def split(numbers: dict[tuple[str, str], Fraction]) -> list[dict[str, Fraction]]:
    """The values as `activity` and `parameter` hold them."""
    return [
        {name: number for (origin, name), number in numbers.items() if origin == wanted}
        for wanted in ("activity", "parameter")
    ]


def test_a_lost_bracket_would_be_noticed(tmp_path: Path) -> None:
    file = tmp_path / "formula.py"
    file.write_text(FORMS, encoding="utf-8")
    titles = {("activity", "a"): "甲", ("activity", "b"): "乙", ("parameter", "c"): "丙"}
    whole = typeset(read_formulas(file)["net"], named(titles), "net")
    broken = whole.replace("<mo>(</mo>", "").replace("<mo>)</mo>", "")
    assert broken != whole
    given = {"activity.a": Fraction(7), "activity.b": Fraction(3), "parameter.c": Fraction(2)}
    assert [calculated(math, given)["ER"] for math in (whole, broken)] == [Fraction(-6), Fraction(-2)]
