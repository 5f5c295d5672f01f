"""Tables as text: aligned for a terminal, where a Chinese character is two columns wide, or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; `right` for numbers."""

    title: str
    right: bool = False


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """One line per row under a heading and a rule; no line ends in spaces."""
    lines = [[column.title for column in columns], *rows]
    widths = [max(width(line[number]) for line in lines) for number in range(len(columns))]
    text = [
        _GAP.join(_padded(cell, size, column.right) for cell, size, column in zip(line, widths, columns, strict=True))
        for line in lines
    ]
    text.insert(1, _GAP.join("─" * size for size in widths))
    return [line.rstrip() for line in text]


def markdown(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """The same as a Markdown table."""
    rule = ["---:" if column.right else "---" for column in columns]
    lines = [[column.title for column in columns], rule, *[[_escaped(cell) for cell in row] for row in rows]]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _padded(text: str, size: int, right: bool) -> str:
    space = " " * (size - width(text))
    return space + text if right else text + space


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
