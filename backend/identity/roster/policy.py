"""What a line of an employer's list means, and what it changes: rules without a database."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import BinaryIO

from backend.row_files import Column, Row, read_rows

NEW, CHANGED, MOVED, LEFT, REAPPEARED, UNCHANGED = "new", "changed", "moved", "left", "reappeared", "unchanged"
KINDS = (NEW, CHANGED, MOVED, LEFT, REAPPEARED, UNCHANGED)

#: A list is complete: who is not on it has left. `department_since`: the day of the move, where the employer knows it.
COLUMNS = (
    Column("staff_no", ("工号", "员工编号")),
    Column("name", ("姓名",), required=False),
    Column("department", ("部门", "部门路径")),
    Column("joined", ("入职日期",)),
    Column("left", ("离职日期", "最后工作日"), required=False),
    Column("department_since", ("调入日期",), required=False),
)
MAX_STAFF_NO, MAX_LEVELS = 64, 12
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listed:
    """A line that can be understood. `department` is a path from the top, "" for none; `last_day` the last employed."""

    line: int
    staff_no: str
    index: bytes
    name: str
    department: str
    joined: date
    last_day: date | None
    department_since: date | None


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that cannot, and why; `index` of its staff number where that much could be read."""

    line: int
    reason: str
    index: bytes | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest spell under a number, with the departments by day, in order."""

    joined: date
    last_day: date | None
    name_index: bytes
    departments: Sequence[tuple[date, str]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a line changes. `begins`: a spell of its own; `same_person`: whose account goes along.

    `ends`: the last day of the spell before it, where that was open; `moves_on`: the department counts from this day.
    """

    kinds: frozenset[str] = frozenset()
    begins: bool = False
    same_person: bool = True
    ends: date | None = None
    moves_on: date | None = None


# -- reading ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Reading:
    """One way through a list. `seen`: the numbers on it, also those of lines that are wrong otherwise.

    `unnumbered`: how many lines did not even give a number; whoever they are about cannot be told from leavers.
    """

    file: BinaryIO
    as_of: date
    index_of: Callable[[str], bytes]
    seen: set[bytes] = field(default_factory=set)
    unnumbered: int = 0

    def lines(self) -> Iterator[Listed | Wrong]:
        """Every line in order. Raises UnreadableFile."""
        self.file.seek(0)
        for row in read_rows(self.file, COLUMNS):
            read: Listed | Wrong = self._line(row) if isinstance(row, Row) else Wrong(row.line, row.reason)
            index = read.index
            if index is None:
                self.unnumbered += 1
            elif index in self.seen:
                read = Wrong(read.line, "staff_no: stands on an earlier line as well", index)
            else:
                self.seen.add(index)
            yield read

    def _line(self, row: Row) -> Listed | Wrong:
        staff_no = row.cells["staff_no"]
        if not staff_no or len(staff_no) > MAX_STAFF_NO:
            return Wrong(row.line, f"staff_no: 1 to {MAX_STAFF_NO} characters are needed")
        index = self.index_of(staff_no)
        try:
            return listed(row, index, self.as_of)
        except ValueError as error:
            return Wrong(row.line, str(error), index)


def listed(row: Row, index: bytes, as_of: date) -> Listed:
    """What a row says. Raises ValueError, which says what is wrong with it."""
    joined = _day(row, "joined")
    if joined is None:
        raise ValueError("joined: a day is needed")
    last_day, since = _day(row, "left"), _day(row, "department_since")
    if last_day is not None and last_day < joined:
        raise ValueError("left: lies before joined")
    if since is not None and not joined <= since <= as_of:
        raise ValueError("department_since: lies before joined or behind the day of the list")
    department = _path(row.cells["department"])
    return Listed(row.line, row.cells["staff_no"], index, row.cells["name"], department, joined, last_day, since)


def _day(row: Row, column: str) -> date | None:
    text = row.cells[column]
    if not text:
        return None
    found = _DAY.fullmatch(text)
    try:
        if found:
            return date(*map(int, found.groups()))
    except ValueError:
        pass
    raise ValueError(f"{column}: not a day such as 2026-06-30")


def _path(text: str) -> str:
    levels = [level.strip() for level in re.split("[/＞>]", text)] if text else []
    if len(levels) > MAX_LEVELS or not all(levels):
        raise ValueError(f"department: a path such as 总部/研发 of at most {MAX_LEVELS} levels, none of them empty")
    return "/".join(levels)


# -- comparing --------------------------------------------------------------------------------------------------------


def compare(standing: Standing | None, line: Listed, name_index: bytes, as_of: date) -> Change:
    """What the line changes about what stands.

    A later day of joining behind the last day is a spell of its own, and so is one under another name: the number was
    given to somebody else. The account goes along only where the name says that it is the same person.
    """
    if standing is None:
        return Change(frozenset({NEW}), begins=True, moves_on=line.department_since or line.joined)
    renamed = bool(line.name) and standing.name_index != name_index
    ended = standing.last_day is not None and line.joined > standing.last_day
    given_on = renamed and line.joined > standing.joined
    if ended or given_on:
        same = ended and bool(line.name) and not renamed
        kinds = {REAPPEARED if same else NEW} | (set() if ended else {LEFT})
        ends = None if ended else line.joined - timedelta(days=1)
        begins = line.department_since or line.joined
        return Change(frozenset(kinds), begins=True, same_person=same, ends=ends, moves_on=begins)
    kinds = _kinds(standing, line, renamed, as_of)
    moves_on = _moves_on(standing, line, as_of)
    return Change(frozenset(kinds | ({MOVED} if moves_on else set())), moves_on=moves_on)


def _kinds(standing: Standing, line: Listed, renamed: bool, as_of: date) -> set[str]:
    kinds = {CHANGED} if renamed or line.joined != standing.joined or not standing.name_index else set()
    if line.last_day != standing.last_day:
        if standing.last_day is None:
            kinds.add(LEFT)
        else:
            back = standing.last_day < as_of and (line.last_day is None or line.last_day >= as_of)
            kinds.add(REAPPEARED if back else CHANGED)
    return kinds


def _moves_on(standing: Standing, line: Listed, as_of: date) -> date | None:
    """The day from which another department counts; None where the one that stands is the one on the list."""
    if line.last_day is not None and line.last_day < as_of:
        return None
    since = max(line.department_since or as_of, line.joined)
    before = [path for day, path in standing.departments if day <= since]
    behind = [path for day, path in standing.departments if day > since]
    here = before[-1] if before else None
    return None if here == line.department and all(path == here for path in behind) else since


def leaves_on(joined: date, as_of: date) -> date:
    """The last day of somebody who is not on the list of a day any more."""
    return max(joined, as_of - timedelta(days=1))
