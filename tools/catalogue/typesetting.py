"""Typesetting the formulas of formula.py as MathML, from the code itself: what is shown is what runs.

A formula is read as lines `symbol = expression`: its intermediate quantities in order, then BE, PE, LE, ER and
what is claimed beside them. The same lines serve three readers: `typeset` with names, `typeset` with the numbers
of one act, and `evaluate`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
#: What each keyword of `emissions`, `net_reduction` and `no_reduction` is called on the page.
RESULTS = {"baseline": "BE", "project": "PE", "leakage": "LE", "offset_backed": "COMP", "eac_backed": "EAC"}
LINE_WIDTH = 17  # in widths of a Chinese letter, about what a phone shows; what is wider goes on in the next line
_SIGNS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×"}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
Leaf = Callable[[str, str], Element]


@dataclass(frozen=True)
class Line:
    """`symbol = expression`. `expression` holds arithmetic only: names are symbols of earlier lines."""

    symbol: str
    expression: ast.expr


@dataclass(frozen=True)
class FormulaLines:
    """One function of a formula.py: its lines, its text, and what its first and second argument are called."""

    lines: tuple[Line, ...]
    source: str
    activity: str
    parameter: str

    @property
    def intermediate(self) -> tuple[str, ...]:
        """The symbols that are neither data nor parameter nor result, each once, in order."""
        known = {*RESULTS.values(), "ER"}
        return tuple(dict.fromkeys(line.symbol for line in self.lines if line.symbol not in known))

    def origin(self, node: ast.Attribute) -> str:
        """``activity`` or ``parameter``."""
        assert isinstance(node.value, ast.Name)
        return {self.activity: "activity", self.parameter: "parameter"}[node.value.id]

    def quantities(self) -> dict[tuple[str, str], None]:
        """(``activity`` or ``parameter``, name) of every quantity, each once, in order of appearance."""
        nodes = (node for line in self.lines for node in _in_order(line.expression))
        return {(self.origin(node), node.attr): None for node in nodes if isinstance(node, ast.Attribute)}


def _in_order(node: ast.AST) -> list[ast.AST]:
    """The nodes of an expression as they are read."""
    return [node, *(inner for child in ast.iter_child_nodes(node) for inner in _in_order(child))]


def read_formulas(file: Path) -> dict[str, FormulaLines]:
    """Every formula of a formula.py by its name. The kernel has checked the file when it loaded the library."""
    text = file.read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {function.name: _read(function, text) for function in functions}


def _read(function: ast.FunctionDef, text: str) -> FormulaLines:
    lines: list[Line] = []
    for statement in function.body:
        if isinstance(statement, ast.Assign):
            [target] = statement.targets
            assert isinstance(target, ast.Name)
            lines.append(Line(target.id, statement.value))
        elif isinstance(statement, ast.Return):
            assert isinstance(statement.value, ast.Call) and isinstance(statement.value.func, ast.Name)
            lines += _results(statement.value.func.id, statement.value)
    activity, parameter = (argument.arg for argument in function.args.args)
    first = min(function.lineno, *(mark.lineno for mark in function.decorator_list))
    source = "\n".join(text.splitlines()[first - 1 : function.end_lineno])
    return FormulaLines(tuple(lines), source, activity, parameter)


def _results(name: str, call: ast.Call) -> list[Line]:
    """The lines of BE, PE, LE, ER, COMP and EAC that a final `emissions(…)`, `net_reduction(…)` or
    `no_reduction(…)` states."""
    stated = {RESULTS[word.arg]: word.value for word in call.keywords if word.arg in RESULTS}
    beside = [Line(symbol, stated[symbol]) for symbol in ("COMP", "EAC") if symbol in stated]
    if name == "emissions":
        counted = [Line(symbol, stated.get(symbol, ast.Constant(0))) for symbol in ("BE", "PE", "LE")]
        return [*counted, Line("ER", ast.parse("BE - PE - LE", mode="eval").body), *beside]
    if name == "net_reduction":
        return [Line("ER", call.args[0]), *beside]
    assert name == "no_reduction", name
    return [Line("ER", ast.Constant(0)), *beside]


# -- evaluating ----------------------------------------------------------------------------------------------


def evaluate(formula: FormulaLines, values: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """The value of every symbol, given those of the quantities; Fractions, or whatever else can be calculated with."""
    known: dict[str, Any] = {}

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.BinOp):
            return _ARITHMETIC[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.Call):
            return min(value(argument) for argument in node.args)
        if isinstance(node, ast.Attribute):
            return values[formula.origin(node), node.attr]
        if isinstance(node, ast.Name):
            return known[node.id]
        assert isinstance(node, ast.Constant) and isinstance(node.value, int)
        return Fraction(node.value)

    for line in formula.lines:
        known[line.symbol] = value(line.expression)
    return known


# -- typesetting ---------------------------------------------------------------------------------------------


def element(tag: str, text: str = "", **attributes: str) -> Element:
    made = Element(tag, attributes)
    made.text = text or None
    return made


def typeset(
    formula: FormulaLines, leaf: Leaf, label: str, results: Callable[[str], list[Element]] | None = None
) -> str:
    """The formula as a block of MathML, one row per line; `leaf` shows a quantity of (origin, name), where the
    origin of an earlier line is ``symbol``. `results`: what follows the expression of a symbol, such as its value."""
    math = element("math", xmlns=NAMESPACE, display="block", **{"aria-label": label})
    table = SubElement(math, "mtable", displaystyle="true")
    for line in formula.lines:
        items = _items(formula, line.expression, leaf)
        items += results(line.symbol) if results else []
        for number, part in enumerate(_broken(items)):
            row = SubElement(table, "mtr")
            head = [_symbol(line.symbol), element("mo", "=")] if number == 0 else []
            if part[0].tag == "mo":
                part[0].set("form", "infix")  # goes on from the line above
            SubElement(row, "mtd").extend(head[:1])
            SubElement(row, "mtd").extend(head[1:])
            SubElement(row, "mtd").extend(part)
    return tostring(math, encoding="unicode", short_empty_elements=False)


def named(titles: Mapping[tuple[str, str], str]) -> Leaf:
    """Shows quantities by their Chinese titles."""

    def leaf(origin: str, name: str) -> Element:
        if origin == "symbol":
            return _symbol(name)
        return element("mi", titles[origin, name], **{"class": origin, "data-name": f"{origin}.{name}"})

    return leaf


def _symbol(name: str) -> Element:
    return element("mi", name, **{"class": "symbol", "data-name": name})


def _items(formula: FormulaLines, node: ast.expr, leaf: Leaf) -> list[Element]:
    """An expression as a row of elements, with brackets only where they are needed."""
    if isinstance(node, ast.BinOp):
        return _operation(formula, node, leaf)
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name) and node.func.id == "min", ast.unparse(node)
        row = element("mrow")
        row.extend([element("mi", "min"), element("mo", "(")])
        for number, argument in enumerate(node.args):
            row.extend([element("mo", ",")] if number else [])
            row.extend(_items(formula, argument, leaf))
        row.append(element("mo", ")"))
        return [row]
    if isinstance(node, ast.Attribute):
        return [leaf(formula.origin(node), node.attr)]
    if isinstance(node, ast.Name):
        return [leaf("symbol", node.id)]
    assert isinstance(node, ast.Constant), ast.dump(node)
    return [element("mn", str(node.value))]


def _operation(formula: FormulaLines, node: ast.BinOp, leaf: Leaf) -> list[Element]:
    left, right = _items(formula, node.left, leaf), _items(formula, node.right, leaf)
    if isinstance(node.op, ast.Div | ast.FloorDiv):
        fraction = element("mfrac")
        for side in (left, right):
            SubElement(fraction, "mrow").extend(side)
        return [fraction] if isinstance(node.op, ast.Div) else [_group("⌊", [fraction], "⌋")]
    sign = element("mo", _SIGNS[type(node.op)])
    if isinstance(node.op, ast.Mult):
        left = _bracketed(left) if _is_sum(node.left) else left
        right = _bracketed(right) if _is_sum(node.right) else right
    elif isinstance(node.op, ast.Sub) and _is_sum(node.right):
        right = _bracketed(right)
    return [*left, sign, *right]


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)


def _bracketed(items: list[Element]) -> list[Element]:
    return [_group("(", items, ")")]


def _group(opening: str, items: list[Element], closing: str) -> Element:
    row = element("mrow")
    row.extend([element("mo", opening), *items, element("mo", closing)])
    return row


def _broken(items: list[Element]) -> list[list[Element]]:
    """The row cut where it would grow wider than a line: before a + or −, and before a × only in a long product."""
    parts: list[list[Element]] = [[]]
    for term in _pieces(items, "+−="):
        for factor in [term] if _fits(term) else _pieces(term, "×"):
            if parts[-1] and not _fits([*parts[-1], *factor]):
                parts.append([])
            parts[-1] += factor
    return parts


def _pieces(items: list[Element], signs: str) -> list[list[Element]]:
    pieces: list[list[Element]] = [[]]
    for item in items:
        if item.tag == "mo" and (item.text or "") in signs and pieces[-1]:
            pieces.append([])
        pieces[-1].append(item)
    return pieces


def _fits(items: list[Element]) -> bool:
    return sum(map(_width, items)) <= LINE_WIDTH


def _width(item: Element) -> Fraction:
    """About how wide an element is, in widths of a Chinese letter; a fraction is as wide as its wider half."""
    if item.tag == "mfrac":
        return max(map(_width, item))
    own = sum((Fraction(1, 2) if ord(letter) < 0x2E80 else Fraction(1) for letter in item.text or ""), Fraction(0))
    return own + sum(map(_width, item), Fraction(0))
