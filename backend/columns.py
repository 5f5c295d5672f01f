"""Rows as aligned columns, for terminals where a Chinese character is two columns wide."""

import unicodedata
from collections.abc import Iterator, Sequence


def width(text: str) -> int:
    """Columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Iterator[str]:
    """Rows as lines: every column as wide as its widest cell, those in `right` flush right."""
    columns = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = []
        for column, text in enumerate(row):
            blanks = " " * (columns[column] - width(text))
            cells.append(blanks + text if column in right else text + blanks)
        yield ("  " + "  ".join(cells)).rstrip()
