"""Calculating with a typeset formula as a reader would, from the signs on the page alone.

Rows of elements are flattened, so only brackets that are printed bracket: what looks like another formula is one.
"""

from collections.abc import Callable
from fractions import Fraction
from xml.etree.ElementTree import Element, fromstring

SPACE = "{http://www.w3.org/1998/Math/MathML}"
Token = Fraction | str
Lookup = Callable[[Element], Fraction]


def read_lines(math: str) -> list[tuple[Element, list[Element]]]:
    """(symbol, elements after its first equals sign) of every line; rows without a symbol go on with the one above."""
    root = fromstring(math)
    lines: list[tuple[Element, list[Element]]] = []
    for row in root.iter(f"{SPACE}mtr"):
        head, equals, body = list(row)
        if len(head):
            assert [sign.text for sign in equals] == ["="]
            lines.append((head[0], list(body)))
        else:
            assert not len(equals)
            lines[-1][1].extend(body)
    return lines


def calculate(elements: list[Element], lookup: Lookup) -> Fraction:
    """The value of a row of elements."""
    tokens = [token for element in elements for token in _tokens(element, lookup)]
    value, rest = _sum(tokens)
    assert not rest, f"left over: {rest}"
    return value


def _tokens(element: Element, lookup: Lookup) -> list[Token]:
    tag, text = element.tag.removeprefix(SPACE), (element.text or "").strip()
    if tag == "mrow":
        return [token for child in element for token in _tokens(child, lookup)]
    if tag == "mfrac":
        top, bottom = element
        return [calculate([top], lookup) / calculate([bottom], lookup)]
    if tag == "mn":
        return [Fraction(text)]
    if tag == "mi" and text != "min":
        return [lookup(element)]
    assert tag in {"mi", "mo"} and text in {"min", "+", "−", "×", "(", ")", "⌊", "⌋", ","}, f"{tag} {text}"
    return [text]


def _sum(tokens: list[Token]) -> tuple[Fraction, list[Token]]:
    value, rest = _product(tokens)
    while rest and rest[0] in ("+", "−"):
        other, after = _product(rest[1:])
        value, rest = (value + other if rest[0] == "+" else value - other), after
    return value, rest


def _product(tokens: list[Token]) -> tuple[Fraction, list[Token]]:
    value, rest = _single(tokens)
    while rest and rest[0] == "×":
        other, rest = _single(rest[1:])
        value *= other
    return value, rest


def _single(tokens: list[Token]) -> tuple[Fraction, list[Token]]:
    first, rest = tokens[0], tokens[1:]
    if isinstance(first, Fraction):
        return first, rest
    if first == "−":
        value, rest = _single(rest)
        return -value, rest
    if first == "min":
        return _smallest(rest)
    closing = {"(": ")", "⌊": "⌋"}[first]
    value, rest = _sum(rest)
    assert rest[0] == closing, f"{first} is not closed"
    return (Fraction(value.numerator // value.denominator) if first == "⌊" else value), rest[1:]


def _smallest(tokens: list[Token]) -> tuple[Fraction, list[Token]]:
    values: list[Fraction] = []
    assert tokens[0] == "("
    while not values or tokens[0] == ",":
        value, tokens = _sum(tokens[1:])
        values.append(value)
    assert tokens[0] == ")"
    return min(values), tokens[1:]
