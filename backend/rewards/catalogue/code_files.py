"""Files of voucher codes: read line by line, and every fault told by its line, never by the code."""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from backend.rewards.errors import InvalidCodeFile

#: What one file may hold.
MOST_BYTES = 256 << 20
MOST_CODES = 1_000_000
LONGEST_CODE, LONGEST_PIN = 256, 64
_COLUMNS = {"code", "pin", "expires_on"}


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One code of a file; with a `fault` it is none. Nothing of it is printed."""

    line: int
    code: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    expires_on: date | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file as it was read: `.csv` with a heading (`code`, and `pin`, `expires_on` if need be), or a code per line."""

    content: bytes = field(repr=False)
    is_csv: bool

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def most_rows(self) -> int:
        """At most so many codes are in it; good for a bar that shows how far we are."""
        return self.content.count(b"\n") + 1

    def rows(self) -> Iterator[CodeRow]:
        """Every code with its line, blank lines left out. Raises InvalidCodeFile for what is no such file at all."""
        lines = io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8-sig", newline="")
        return _csv_rows(lines) if self.is_csv else _plain_rows(lines)


def open_code_file(path: Path) -> CodeFile:
    """Read a file as a whole: it is gone through twice and must not change in between. Raises InvalidCodeFile."""
    if path.stat().st_size > MOST_BYTES:
        raise InvalidCodeFile(most_bytes=MOST_BYTES)
    content = path.read_bytes()
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidCodeFile(lines=[_told(content.count(b"\n", 0, error.start) + 1, "not UTF-8")]) from None
    return CodeFile(content, path.suffix.lower() == ".csv")


def _told(line: int, problem: str) -> dict[str, object]:
    return {"line": line, "problem": problem}


def _plain_rows(lines: Iterator[str]) -> Iterator[CodeRow]:
    for number, line in enumerate(lines, start=1):
        if code := line.strip():
            yield _judged(number, code)


def _csv_rows(lines: Iterator[str]) -> Iterator[CodeRow]:
    reader = csv.reader(lines, strict=True)
    try:
        heading = [name.strip().lower() for name in next(reader, [])]
        if "code" not in heading or not set(heading) <= _COLUMNS or len(set(heading)) < len(heading):
            raise InvalidCodeFile(lines=[_told(1, "the heading must name code, and may name pin and expires_on")])
        for cells in reader:
            if len(cells) == len(heading):
                row = dict(zip(heading, (cell.strip() for cell in cells), strict=True))
                yield _judged(reader.line_num, row["code"], row.get("pin", ""), row.get("expires_on", ""))
            elif any(cells):
                yield CodeRow(reader.line_num, fault=f"{len(cells)} cells instead of {len(heading)}")
    except csv.Error as error:
        yield CodeRow(reader.line_num, fault=f"not CSV: {error}")


def _judged(line: int, code: str, pin: str = "", expires_on: str = "") -> CodeRow:
    if not code.strip(" -"):
        return CodeRow(line, fault="no code")
    if len(code) > LONGEST_CODE or len(pin) > LONGEST_PIN:
        return CodeRow(line, fault=f"longer than {LONGEST_CODE} characters, or a pin than {LONGEST_PIN}")
    if not (code.isprintable() and pin.isprintable()):
        return CodeRow(line, fault="characters that cannot be printed")
    if not expires_on:
        return CodeRow(line, code, pin)
    try:
        day = date.fromisoformat(expires_on)
    except ValueError:
        return CodeRow(line, fault="expires_on is no day, YYYY-MM-DD")
    return CodeRow(line, code, pin, day)
