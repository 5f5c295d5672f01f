"""Rows of the first sheet of an XLSX workbook, as texts; `row_files` is how they are used.

A workbook is a ZIP archive of XML. Before anything of it is opened, every part is counted piece by piece: entries,
bytes (a ZIP entry never gives more than it declares), ratio, depth, elements in all and in one row, and no document
type; so neither a ZIP bomb nor an XML bomb gets as far as being built.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

if TYPE_CHECKING:  # few processes ever read a workbook, and to import this takes a quarter of a second in each
    from openpyxl.workbook.workbook import Workbook

#: What such a file begins with.
ZIP = b"PK\x03\x04"
MAX_CELL_CHARACTERS = 1_000
MAX_ENTRIES = 1_000
MAX_UNPACKED_BYTES = 128 * 2**20
#: Unpacked to packed; the XML of real sheets comes to about 30.
MAX_RATIO = 200
MAX_DEPTH = 64
#: Elements of one part, by its outermost element; cells have two or three, shared texts two.
MAX_ELEMENTS = {"worksheet": 4_000_000, "sst": 1_000_000}
MAX_OTHER_ELEMENTS = 100_000
#: worksheet, sheetData, row: what lies deeper belongs to one row.
ROW_DEPTH = 3
MAX_ROW_ELEMENTS = 1_000
MAX_SHEET_LINES = 1_048_576
#: Cells further right are not read.
MAX_COLUMNS = 64

#: From here on a spreadsheet has rounded a whole number.
_ROUNDED = 10**15

#: The number of a row with its cells as texts, or with the reason why it cannot be read.
RawRow = tuple[int, list[str] | str]


class UnreadableFile(Exception):
    """The file cannot be read; the message says why, for whoever made it."""


class _Refused(ValueError):
    """A cell cannot be read; the message says why."""


def raw_rows(file: BinaryIO) -> Iterator[RawRow]:
    """The rows of the first sheet in order, with their number; gaps are left out, and cells at the end may be missing.

    Raises UnreadableFile at once or, where the file is damaged further on, in the middle.
    """
    from openpyxl import load_workbook

    _inspect(file)
    try:
        book = load_workbook(file, read_only=True, keep_links=False)
    except Exception as error:
        raise UnreadableFile("the file is not an XLSX workbook, or damaged") from error
    return _rows(book)


def _rows(book: "Workbook") -> Iterator[RawRow]:
    from openpyxl.cell.read_only import EMPTY_CELL

    if not book.worksheets:
        raise UnreadableFile("the workbook has no sheet")
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what a sheet says about its size is often wrong
    rows = sheet.iter_rows(max_col=MAX_COLUMNS)
    line = 0
    while True:
        line += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except Exception as error:
            raise UnreadableFile(f"the workbook is damaged near row {line}") from error
        if line > MAX_SHEET_LINES:
            raise UnreadableFile(f"the sheet has more than {MAX_SHEET_LINES} rows")
        if any(cell is not EMPTY_CELL for cell in row):
            yield line, _texts(row)


def _texts(row: Any) -> list[str] | str:
    texts = []
    for cell in row:
        try:
            texts.append(_text(cell))
        except _Refused as refusal:
            return f"column {cell.column_letter}: {refusal}"
    return texts


def _text(cell: Any) -> str:
    """What the cell says: a date as 2026-06-30, a number without exponent or needless zeros, but with those in front
    that its format shows (00123)."""
    value = cell.value
    match cell.data_type, value:
        case _, None:
            return ""
        case "f", _:
            raise _Refused("holds a formula: paste its value")
        case "e", _:
            raise _Refused(f"holds an error ({value})")
        case _, bool():
            return "TRUE" if value else "FALSE"
        case _, datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
        case _, date():
            return value.isoformat()
        case _, time():
            return value.isoformat(timespec="seconds")
        case _, timedelta():
            raise _Refused("holds a duration: write it as a number or as text")
        case _, int() | float():
            return _number(value, cell.number_format)
    return str(value)


def _number(value: int | float, number_format: str) -> str:
    if not abs(value) < _ROUNDED:  # so that NaN is refused as well
        raise _Refused("holds a number of more than 15 digits, which spreadsheets round: make the cell text")
    text = format(Decimal(repr(value)), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.zfill(len(number_format)) if re.fullmatch("0+", number_format) and text.isdigit() else text


# -- before it is opened -------------------------------------------------------------------------------------------


def _inspect(file: BinaryIO) -> None:
    try:
        with ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise UnreadableFile(f"the archive has {len(entries)} entries; at most {MAX_ENTRIES} are read")
            unpacked, packed = (
                sum(sizes) for sizes in zip(*((e.file_size, e.compress_size) for e in entries), strict=True)
            )
            if unpacked > MAX_UNPACKED_BYTES or unpacked > MAX_RATIO * max(packed, 1):
                raise UnreadableFile(f"the archive unpacks to {unpacked} bytes, more than is read")
            for entry in entries:
                if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or entry.flag_bits & 1:
                    raise UnreadableFile("the archive is packed in a way no spreadsheet uses, or has a password")
                with archive.open(entry) as part:
                    _Part().read(part)
    except (BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile("the file is not an XLSX workbook, or damaged") from error
    file.seek(0)


class _Part:
    """Counts what one part of the archive would become. A part that is not XML is left at its first wrong byte, where
    whoever opened it would stop as well."""

    def __init__(self) -> None:
        self._depth = self._elements = self._in_row = 0
        self._most = MAX_OTHER_ELEMENTS
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._document_type

    def read(self, part: Any) -> None:
        try:
            while piece := part.read(2**16):
                self._parser.Parse(piece)
        except expat.ExpatError:
            return

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if not self._depth:
            self._most = MAX_ELEMENTS.get(local, MAX_OTHER_ELEMENTS)
        self._depth += 1
        self._elements += 1
        self._in_row = 0 if local == "row" else self._in_row + 1
        outside_rows = self._most != MAX_ELEMENTS["worksheet"]
        if (
            self._depth > MAX_DEPTH
            or self._elements > self._most
            or (self._in_row > MAX_ROW_ELEMENTS and not outside_rows)
        ):
            raise UnreadableFile("the workbook has parts larger or deeper than a table needs")

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _document_type(self, *_: Any) -> None:
        raise UnreadableFile("the workbook declares a document type, which no spreadsheet does")
