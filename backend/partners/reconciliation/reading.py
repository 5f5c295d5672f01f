"""From the bytes of a daily list to its rows, one at a time: CSV with a header, JSON lines, or one JSON array.

Its first character tells which of the three it is. Every row is answered for: it is read, or it is a BadRow with its
position. Only a list that cannot be told into rows at all is refused as a whole (InvalidList).
"""

import codecs
import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, BinaryIO

from backend import strict_json
from backend.errors import Refusal
from backend.partners.errors import InvalidList
from backend.partners.reconciliation.rows import FIELDS, REQUIRED, BadRow, ListedRow, read_row

#: The longest row, in bytes.
MAX_ROW_BYTES = 8_192
_BETWEEN = re.compile(r"[ \t\r\n]*([,\]]?)[ \t\r\n]*")
_BLANKS = " \t\r\n"
_CHUNK_BYTES = 65_536
_DECODER = json.JSONDecoder()

Read = tuple[int, ListedRow | BadRow]
_Fields = tuple[int, Mapping[str, Any] | BadRow]


class HashedFile:
    """A seekable file that is read once from its beginning, and the hash of what went through."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        file.seek(0)
        self.first_character = file.read(64).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        file.seek(0)

    def readline(self, limit: int) -> bytes:
        return self._note(self._file.readline(limit))

    def read(self, size: int) -> bytes:
        return self._note(self._file.read(size))

    def _note(self, raw: bytes) -> bytes:
        self._digest.update(raw)
        self.size_bytes += len(raw)
        return raw

    @property
    def sha256(self) -> bytes:
        """The hash of what was read so far."""
        return self._digest.digest()


def read_list(file: HashedFile, day: date) -> Iterator[Read]:
    """The rows of a list about this day, each with its position. Memory holds one row. Raises InvalidList."""
    for position, fields in _fields(file):
        try:
            row: ListedRow | BadRow = fields if isinstance(fields, BadRow) else read_row(position, fields, day)
        except BadRow as bad:
            row = bad
        yield position, row


def _fields(file: HashedFile) -> Iterator[_Fields]:
    if file.first_character == b"[":
        return _json_array(file)
    lines = _lines(file)
    if file.first_character == b"{":
        return ((number, text if isinstance(text, BadRow) else _json_object(text)) for number, text in lines)
    number, header = next(lines, (1, ""))
    return _csv(_header(number, header), lines)


def _lines(file: HashedFile) -> Iterator[tuple[int, str | BadRow]]:
    """The lines of the file that are not blank, with their numbers from 1."""
    number = 0
    while raw := file.readline(MAX_ROW_BYTES):
        number += 1
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if not raw.endswith(b"\n") and (rest := file.readline(MAX_ROW_BYTES)):
            while rest and not rest.endswith(b"\n"):
                rest = file.readline(MAX_ROW_BYTES)
            yield number, BadRow("ROW_TOO_LONG")
            continue
        try:
            text = raw.decode().strip("\r\n")
        except UnicodeDecodeError:
            yield number, BadRow("NOT_UTF8")
            continue
        if text.strip():
            yield number, text


def _header(number: int, text: str | BadRow) -> list[str]:
    """The columns: known ones, each once, with those that every row needs."""
    try:
        names = [name.strip() for name in _cells(text)] if isinstance(text, str) else []
    except csv.Error:
        names = []
    named = set(names)
    if len(named) < len(names) or named - {*FIELDS} or {*REQUIRED} - named or not named & {"order_no", "event_id"}:
        raise InvalidList(
            "the first line must name known columns, each once, status and occurred_at among them, "
            "and order_no or event_id",
            row=number,
            known=FIELDS,
        )
    return names


def _csv(names: Sequence[str], lines: Iterator[tuple[int, str | BadRow]]) -> Iterator[_Fields]:
    for number, text in lines:
        if isinstance(text, BadRow):
            yield number, text
            continue
        try:
            cells = _cells(text)
        except csv.Error:
            yield number, BadRow("INVALID_CSV")
            continue
        same = len(cells) == len(names)
        yield number, dict(zip(names, cells, strict=True)) if same else BadRow("WRONG_NUMBER_OF_CELLS")


def _cells(line: str) -> list[str]:
    """RFC 4180, one row per line: no text of a row holds a line break."""
    return next(csv.reader((line,), strict=True))


def _json_object(text: str) -> Mapping[str, Any] | BadRow:
    try:
        found = strict_json.loads_object(text.encode())
    except Refusal as refusal:
        return BadRow(refusal.code)
    return BadRow("UNKNOWN_FIELD") if found.keys() - {*FIELDS} else found


def _json_array(file: HashedFile) -> Iterator[_Fields]:
    """The elements of an array that may be larger than memory. What is no JSON cannot be told into rows."""
    decoder, text, number = codecs.getincrementaldecoder("utf-8-sig")(), "", 0
    opened = False
    while True:
        text = _fill(file, decoder, text, number)
        if not opened:
            text, opened = text.lstrip(_BLANKS)[1:], True
        between = _BETWEEN.match(text)
        assert between is not None  # it matches nothing as well
        text = text[between.end() :]
        if between[1] == "]":
            break
        if (between[1] == ",") == (number == 0):
            raise InvalidList(f"behind element {number}, a comma or the end of the array is needed", row=number)
        number += 1
        try:
            _, end = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            raise InvalidList(f"element {number} is no JSON, or endless", row=number) from None
        yield number, _json_object(text[:end]) if end <= MAX_ROW_BYTES else BadRow("ROW_TOO_LONG")
        text = text[end:]
    if _fill(file, decoder, text, number):
        raise InvalidList("something follows the array", row=number)


def _fill(file: HashedFile, decoder: codecs.IncrementalDecoder, text: str, number: int) -> str:
    """So much more of the file that the next element is in it whole."""
    try:
        while len(text) <= MAX_ROW_BYTES and (raw := file.read(_CHUNK_BYTES)):
            text += decoder.decode(raw)
    except UnicodeDecodeError:
        raise InvalidList(f"behind element {number}, the file is not UTF-8", row=number) from None
    return text
