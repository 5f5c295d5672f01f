"""Cells of CSV files that spreadsheets take for text, and the way back.

A cell that begins with = + - @, one of their full-width forms, a tab or a line end is a formula to spreadsheets (OWASP,
CSV injection). It gets a ' in front, and so does one that begins with ' itself, so that taking one ' away from the
front of whatever has one gives every cell back.
"""

import csv
from collections.abc import Iterable
from io import StringIO

_RISKY = tuple("=+-@＝＋－＠\t\r\n'")


def safe_cell(text: str) -> str:
    """The text as a cell."""
    return f"'{text}" if text.startswith(_RISKY) else text


def plain_cell(cell: str) -> str:
    """The text of a cell."""
    return cell.removeprefix("'")


def csv_line(texts: Iterable[str]) -> str:
    """A line of a CSV file, with its end, of cells that are safe."""
    line = StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow([safe_cell(text) for text in texts])
    return line.getvalue()
