"""Rows of a CSV or XLSX file, one after the other: what rosters, boarding lists and other tables arrive as.

A file is what its first bytes say, whatever it is called. The first row that is not blank names the columns; every
further row is given as texts by column, or as a `BrokenRow` that says why, and the rest goes on. Memory does not grow
with the file, save for the texts that the cells of an XLSX file share.

In CSV a row is a line: no cell holds a line end, so an open quote costs one row and not the rest of the file. It is
UTF-8 with or without byte order mark, or GB18030 (which includes GBK): whichever most lines beyond ASCII
are in. A formula in an XLSX file is refused: what it shows is what some program last made of it.
"""

import csv
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from backend import workbooks
from backend.csv_cells import plain_cell
from backend.workbooks import MAX_CELL_CHARACTERS, RawRow, UnreadableFile

__all__ = ["MAX_FILE_BYTES", "MAX_ROWS", "BrokenRow", "Column", "Row", "UnreadableFile", "read_rows"]

MAX_FILE_BYTES = 32 * 2**20
#: Rows with something in them, the header not counted.
MAX_ROWS = 200_000
MAX_LINE_BYTES = 64 * 2**10

_BOM = b"\xef\xbb\xbf"
#: Control characters, characters nobody sees (zero width, direction), half characters, separators of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class Column:
    """A column a file may have. `name` is its key in every row and a title it may carry; `titles` are further ones."""

    name: str
    titles: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Row:
    """`cells` holds every column that was asked for, "" where the file has no such column or the cell is empty."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class BrokenRow:
    """A row that could not be read, and why; `reason` repeats nothing that stands in it."""

    line: int
    reason: str


def read_rows(file: BinaryIO, columns: Sequence[Column], *, max_rows: int = MAX_ROWS) -> Iterator[Row | BrokenRow]:
    """The rows of a file that can be read twice (it is sought), blank ones left out, with their line in the file.

    Raises UnreadableFile when the file as a whole cannot be read: too large, of another kind, a header that is not the
    one asked for; and in the middle, when it turns out to be damaged or to have more than `max_rows`. Who must not act
    on half a file goes through it once before acting.
    """
    _refuse_too_large(file)
    kind = file.read(4)
    file.seek(0)
    if kind.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile('the file is in UTF-16: save it as "CSV UTF-8"')
    if kind == b"\xd0\xcf\x11\xe0":
        raise UnreadableFile("the file is a workbook of the old kind (.xls) or has a password: save it as .xlsx")
    raw = workbooks.raw_rows(file) if kind == workbooks.ZIP else _csv_rows(file)
    return _checked(raw, columns, max_rows)


def _refuse_too_large(file: BinaryIO) -> None:
    size = file.seek(0, 2)
    file.seek(0)
    if size > MAX_FILE_BYTES:
        raise UnreadableFile(f"the file has {size} bytes; at most {MAX_FILE_BYTES} are read")


# -- what both kinds have in common --------------------------------------------------------------------------------


def _checked(raw: Iterator[RawRow], columns: Sequence[Column], max_rows: int) -> Iterator[Row | BrokenRow]:
    header: list[str] | None = None
    count = 0
    for line, cells in raw:
        if not isinstance(cells, str):
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
        if header is None:
            header = _header(line, cells, columns)
            continue
        count += 1
        if count > max_rows:
            raise UnreadableFile(f"line {line}: the file has more than {max_rows} rows")
        yield _row(line, cells, header, columns)
    if header is None:
        raise UnreadableFile("the file is empty: not even a header")


def _header(line: int, cells: list[str] | str, columns: Sequence[Column]) -> list[str]:
    """The key of each column of the file, in its order."""
    if isinstance(cells, str):
        raise UnreadableFile(f"line {line}, the header: {cells}")
    known = {title.casefold(): column.name for column in columns for title in (column.name, *column.titles)}
    while cells and not cells[-1]:
        cells = cells[:-1]
    unknown = [cell for cell in cells if cell.casefold() not in known]
    if unknown:
        names = ", ".join(f'"{_shown(cell)}"' for cell in unknown[:5])
        raise UnreadableFile(f"line {line}: unknown columns {names}; known are {', '.join(c.name for c in columns)}")
    keys = [known[cell.casefold()] for cell in cells]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise UnreadableFile(f"line {line}: columns given more than once: {', '.join(twice)}")
    if missing := [column.name for column in columns if column.required and column.name not in keys]:
        raise UnreadableFile(f"line {line}: missing columns: {', '.join(missing)}")
    return keys


def _shown(cell: str) -> str:
    """A title as a terminal may show it: short, and nothing unseen in it."""
    return "".join("?" if unicodedata.category(c) in _UNSEEN else c for c in cell[:40])


def _row(line: int, cells: list[str] | str, header: list[str], columns: Sequence[Column]) -> Row | BrokenRow:
    if isinstance(cells, str):
        return BrokenRow(line, cells)
    if any(cells[len(header) :]):
        return BrokenRow(line, f"{len(cells)} cells, but {len(header)} columns")
    if len(cells) < len(header):
        return BrokenRow(line, f"only {len(cells)} cells of {len(header)}")
    for key, cell in zip(header, cells, strict=False):
        if len(cell) > MAX_CELL_CHARACTERS:
            return BrokenRow(line, f"{key}: more than {MAX_CELL_CHARACTERS} characters")
        if not cell.isascii() or not cell.isprintable():
            for character in cell:
                if unicodedata.category(character) in _UNSEEN:
                    return BrokenRow(line, f"{key}: holds the character U+{ord(character):04X}, which nobody sees")
    given = dict(zip(header, cells, strict=False))
    return Row(line, {column.name: given.get(column.name, "") for column in columns})


# -- CSV -----------------------------------------------------------------------------------------------------------


def _csv_rows(file: BinaryIO) -> Iterator[RawRow]:
    encoding = _encoding(file)
    for line, raw in _lines(file):
        if raw is None:
            yield line, f"the line has more than {MAX_LINE_BYTES} bytes"
            continue
        try:
            (cells,) = csv.reader([raw.decode(encoding)], strict=True) if raw else [[]]
        except UnicodeDecodeError:
            yield line, f"not {encoding.upper()} text"
        except (csv.Error, ValueError):  # ValueError: a line end of another kind made two rows of it
            yield line, "quotes do not fit: a cell in quotes ends on its own line, and a quote within it is doubled"
        else:
            yield line, [plain_cell(cell) for cell in cells]


def _encoding(file: BinaryIO) -> str:
    """What most lines with characters beyond ASCII are in: UTF-8 seldom fits by accident, GB18030 often does."""
    if file.read(3) == _BOM:
        return "utf-8"
    fits = fits_not = 0
    for _, raw in _lines(file):
        if raw is None or raw.isascii():
            continue
        try:
            raw.decode("utf-8")
            fits += 1
        except UnicodeDecodeError:
            fits_not += 1
    return "utf-8" if fits >= fits_not else "gb18030"


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line, without byte order mark and line end; None for one that is too long."""
    file.seek(0)
    if file.read(3) != _BOM:
        file.seek(0)
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 2):
        number += 1
        if raw.endswith(b"\n") or len(raw) < MAX_LINE_BYTES + 2:
            yield number, raw.removesuffix(b"\n").removesuffix(b"\r")
            continue
        while raw and not raw.endswith(b"\n"):
            raw = file.readline(MAX_LINE_BYTES)
        yield number, None
