"""A file of meter readings, row by row: what each month of each meter says, or which line is wrong and why."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import BinaryIO

from backend.row_files import BrokenRow, Column, Row, read_rows

MAX_ROWS = 20_000
COLUMNS = (
    Column("building", ("楼宇",)),
    Column("meter", ("电表",)),
    Column("period", ("月份",)),
    Column("kwh", ("用电量",)),
    Column("class_code", ("班级代码",), required=False),
    Column("share", ("份额",), required=False),
    Column("school_days", ("上课日数",), required=False),
)
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_DECIMAL = re.compile(r"[0-9]{1,8}(\.[0-9]{1,6})?")
_NAME = re.compile(r"[^\x00-\x1f\x7f:/]{1,64}")


@dataclass(slots=True)
class MeterMonth:
    """One reading with its classes' shares; a reading without classes is there for later years to compare with."""

    line: int
    building: str
    meter: str
    period: str
    kwh: str
    school_days: int | None
    shares: dict[str, str] = field(default_factory=dict)

    @property
    def whole_building(self) -> bool:
        """Whether the meter is shared out: then it is the building's, else a class's own."""
        return any(share != "1" for share in self.shares.values())


def read_months(file: BinaryIO, *, today: date) -> tuple[list[MeterMonth], list[BrokenRow]]:
    """The sound months of a file, and every broken row. A month with a broken row is left out whole.

    Raises UnreadableFile.
    """
    months: dict[tuple[str, str], MeterMonth] = {}
    broken: list[BrokenRow] = []
    spoilt: set[tuple[str, str]] = set()
    for row in read_rows(file, COLUMNS, max_rows=MAX_ROWS):
        if isinstance(row, BrokenRow):
            broken.append(row)
            continue
        key = row.cells["meter"], row.cells["period"]
        problem = _problem(row, today) or _join(months, key, row)
        if problem:
            broken.append(BrokenRow(row.line, problem))
            spoilt.add(key)
    for key, month in months.items():
        if key not in spoilt and sum(Fraction(share) for share in month.shares.values()) > 1:
            broken.append(BrokenRow(month.line, "share: the shares of this meter and month are more than 1"))
            spoilt.add(key)
    return [month for key, month in months.items() if key not in spoilt], broken


def _problem(row: Row, today: date) -> str | None:
    """What is wrong with a row by itself."""
    cells = row.cells
    for name in ("building", "meter"):
        if not _NAME.fullmatch(cells[name]):
            return f"{name}: 1 to 64 characters without : and /"
    if not _PERIOD.fullmatch(cells["period"]):
        return "period: a calendar month such as 2026-05"
    if cells["period"] >= f"{today:%Y-%m}":
        return "period: the month has not ended"
    if not _DECIMAL.fullmatch(cells["kwh"]) or Fraction(cells["kwh"]) > 10_000_000:
        return "kwh: a number from 0 to 10000000"
    if cells["class_code"] and not _NAME.fullmatch(cells["class_code"]):
        return "class_code: 1 to 64 characters without : and /"
    if cells["share"] and not cells["class_code"]:
        return "share: without a class"
    if cells["share"] and not (_DECIMAL.fullmatch(cells["share"]) and 0 < Fraction(cells["share"]) <= 1):
        return "share: a number above 0, at most 1"
    if cells["school_days"] and not re.fullmatch(r"[1-9]|[12][0-9]|3[01]", cells["school_days"]):
        return "school_days: 1 to 31, or nothing"
    return None


def _join(months: dict[tuple[str, str], MeterMonth], key: tuple[str, str], row: Row) -> str | None:
    """Take a sound row up into its month; or what contradicts the rows before."""
    cells = row.cells
    days = int(cells["school_days"]) if cells["school_days"] else None
    said = (cells["building"], _plain(cells["kwh"]), days)
    month = months.get(key)
    if month is None:
        month = months[key] = MeterMonth(row.line, said[0], *key, said[1], days)
    elif (month.building, month.kwh, month.school_days) != said:
        return f"building, kwh or school_days: line {month.line} says otherwise of this meter and month"
    elif not cells["class_code"] or cells["class_code"] in month.shares:
        return f"line {month.line}: this meter and month stand in the file already"
    elif not month.shares:
        return f"line {month.line}: this meter and month are without a class there"
    if cells["class_code"]:
        month.shares[cells["class_code"]] = _plain(cells["share"] or "1")
    return None


def _plain(number: str) -> str:
    """The number as it is kept: without leading or trailing zeros."""
    whole, _, rest = number.partition(".")
    rest = rest.rstrip("0")
    return f"{int(whole)}.{rest}" if rest else str(int(whole))


def overlapping(
    months: Sequence[MeterMonth],
    stored: Mapping[tuple[str, str], Collection[str]],
    stored_whole: Collection[tuple[str, str]],
) -> Iterable[tuple[MeterMonth, str]]:
    """Months whose building is shared out by one meter while others count its classes, in the file or before it.

    `stored`: (building, period) → meters with shares; `stored_whole`: those (meter, period) that are shared out.
    """
    whole: dict[tuple[str, str], set[str]] = defaultdict(set)
    every: dict[tuple[str, str], set[str]] = defaultdict(set)
    given = {(month.meter, month.period) for month in months}
    for (building, period), meters in stored.items():
        for meter in meters:
            if (meter, period) not in given:
                every[building, period].add(meter)
                if (meter, period) in stored_whole:
                    whole[building, period].add(meter)
    for month in months:
        if month.shares:
            every[month.building, month.period].add(month.meter)
        if month.whole_building:
            whole[month.building, month.period].add(month.meter)
    for month in months:
        here = (month.building, month.period)
        if month.shares and whole[here] and len(every[here]) > 1:
            yield month, "building: its own meter is shared out while others count its classes in the same month"
