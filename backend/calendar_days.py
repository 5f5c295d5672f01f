"""Which days are worked and taught on: the country's working days with 调休, a programme's own, a school's.

A day is what the first of these says: the programme's own calendar, the country's, which is the table over the files
in `backend/calendars/` (the State Council's announcements that were out when the table was empty), else the weekday.
A year with an announced day in it is announced as a whole: what it does not list is as the weekday says. In other
years the weekday is provisional.

Once a day has begun, whether it counts stays as it was: `plan` refuses rows that would change that. So two acts of one
day are judged alike whenever they arrive, and nothing is taken back or given because an announcement was entered late.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import CheckConstraint, Date, Text, extract, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.database import Base, Instant
from backend.lists import Columns, recordset, upsert_rows
from backend.row_files import BrokenRow, Column, Row, read_rows

#: The calendar of the country; every other one bears the code of its programme.
COUNTRY = "CN"
#: What a day can be, and whether it counts: as a working day, at a school as a school day.
KINDS = {
    "working_day": True,
    "make_up_working_day": True,
    "rest_day": False,
    "public_holiday": False,
    "school_day": True,
    "no_school_day": False,
}
OF_SCHOOLS = ("school_day", "no_school_day")
ANNOUNCED, PROVISIONAL = "announced", "provisional"
#: Rows of one file: a dozen years of days.
MAX_ROWS = 5_000
LONGEST_TEXT = 200
WEEKDAYS = "weekdays 周一至周五"

_FOLDER = Path(__file__).resolve().parent / "calendars"
_COLUMNS = (
    Column("day", ("日期",)),
    Column("kind", ("类型",)),
    Column("source", ("来源",)),
    Column("title", ("名称",), required=False),
    Column("status", ("状态",), required=False),
)


class CalendarRow(Base):
    """One day of a calendar, as an operator entered it last."""

    __tablename__ = "calendar_days"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('working_day', 'make_up_working_day', 'rest_day', 'public_holiday')"
            " OR (kind IN ('school_day', 'no_school_day') AND calendar <> 'CN')",
            name="kind",
        ),
        CheckConstraint("status IN ('announced', 'provisional')", name="status"),
    )

    calendar: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Day:
    """What a day is, who says so, and whether that is announced or may still change."""

    day: date
    kind: str
    status: str
    source: str
    title: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is a working day; in the calendar of a school, a school day."""
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do to a calendar: the days that are new or change, those that stand so, and what is refused."""

    calendar: str
    changes: tuple[Day, ...]
    unchanged: int
    refused: tuple[BrokenRow, ...]


def counting(tx: Session, asked: Collection[tuple[str, date]]) -> dict[tuple[str, date], bool]:
    """Whether each (calendar, day) is a working day, by one statement; at a school, a school day.

    The calendar of a programme is its code; where it says nothing of a day the country's does.
    """
    wanted = {*asked, *((COUNTRY, day) for _, day in asked)}
    stored = _stored(tx, wanted)
    return {(calendar, day): _say(stored, calendar, day, ()).counts for calendar, day in asked}


def days(tx: Session, calendar: str, first: date, last: date) -> list[Day]:
    """Every day from `first` to `last` as this calendar has it."""
    span = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    stored = _stored(tx, {(name, day) for name in (calendar, COUNTRY) for day in span})
    announced = _announced_years(tx)
    return [_say(stored, calendar, day, announced) for day in span]


def plan(tx: Session, calendar: str, file: BinaryIO, *, today: date) -> Plan:
    """What the CSV or XLSX file says about this calendar that is not so yet; nothing is written.

    Raises UnreadableFile. Rows that cannot be read or may not be are told by their line, and the rest counts.
    """
    rows: dict[date, tuple[int, Day]] = {}
    refused: list[BrokenRow] = []
    for row in read_rows(file, _COLUMNS, max_rows=MAX_ROWS):
        read = row if isinstance(row, BrokenRow) else _day(row, calendar)
        if isinstance(read, Day) and read.day in rows:
            read = BrokenRow(row.line, f"{read.day} stands in the file before")
        if isinstance(read, BrokenRow):
            refused.append(read)
        else:
            rows[read.day] = row.line, read
    own = _stored(tx, {(calendar, day) for day in rows})
    before = counting(tx, {(calendar, day) for day in rows})
    changes = []
    for line, new in rows.values():
        if own.get((calendar, new.day)) == new:
            continue
        if new.day <= today and before[calendar, new.day] != new.counts:
            refused.append(BrokenRow(line, f"{new.day} has begun: whether it counts stays as it was"))
        else:
            changes.append(new)
    unchanged = sum(own.get((calendar, new.day)) == new for _, new in rows.values())
    return Plan(calendar, tuple(changes), unchanged, tuple(sorted(refused, key=lambda item: item.line)))


def apply(tx: Session, planned: Plan, *, now: datetime) -> None:
    """Write the days of a plan that was made in this transaction."""
    rows = [
        {"calendar": planned.calendar, **asdict(day), "entered_at": now}
        for day in sorted(planned.changes, key=lambda day: day.day)
    ]
    upsert_rows(tx, CalendarRow, rows, key=("calendar", "day"))


def _day(row: Row, calendar: str) -> Day | BrokenRow:
    cells = row.cells
    try:
        day = date.fromisoformat(cells["day"])
    except ValueError:
        return BrokenRow(row.line, "day: a day is written YYYY-MM-DD")
    status = cells["status"] or ANNOUNCED
    if cells["day"] != day.isoformat() or not 2000 <= day.year <= 2200:
        return BrokenRow(row.line, "day: a day of 2000 to 2200, written YYYY-MM-DD")
    if cells["kind"] not in KINDS or (calendar == COUNTRY and cells["kind"] in OF_SCHOOLS):
        known = [kind for kind in KINDS if calendar != COUNTRY or kind not in OF_SCHOOLS]
        return BrokenRow(row.line, f"kind: one of {', '.join(known)}")
    if status not in (ANNOUNCED, PROVISIONAL):
        return BrokenRow(row.line, f"status: {ANNOUNCED} or {PROVISIONAL}")
    if not cells["source"] or max(len(cells["source"]), len(cells["title"])) > LONGEST_TEXT:
        return BrokenRow(row.line, f"source: who says so; it and the title have at most {LONGEST_TEXT} characters")
    return Day(day, cells["kind"], status, cells["source"], cells["title"])


Stored = Mapping[tuple[str, date], Day]


def _stored(tx: Session, wanted: Iterable[tuple[str, date]]) -> Stored:
    """The rows of these (calendar, day)."""
    columns: Columns = {"calendar": Text(), "day": Date()}
    keys = sorted(set(wanted))
    if not keys:
        return {}
    given = recordset(tx, "wanted", columns, keys)
    table = CalendarRow.__table__
    query = select(table).join_from(given, table, (table.c.calendar == given.c.calendar) & (table.c.day == given.c.day))
    return {
        (row.calendar, row.day): Day(row.day, row.kind, row.status, row.source, row.title) for row in tx.execute(query)
    }


def _say(stored: Stored, calendar: str, day: date, announced: Collection[int]) -> Day:
    said = stored.get((calendar, day)) or stored.get((COUNTRY, day)) or _of_the_files().get(day)
    if said is not None:
        return said
    kind = "working_day" if day.weekday() < 5 else "rest_day"
    return Day(day, kind, ANNOUNCED if day.year in announced else PROVISIONAL, WEEKDAYS)


def _announced_years(tx: Session) -> set[int]:
    year = extract("year", CalendarRow.day)
    query = select(year).where(CalendarRow.calendar == COUNTRY, CalendarRow.status == ANNOUNCED).distinct()
    return {day.year for day in _of_the_files()} | {int(found) for found in tx.scalars(query)}


@lru_cache(maxsize=1)
def _of_the_files() -> Mapping[date, Day]:
    """The days of `backend/calendars/`. No file is added there: a later year is imported, so that an upgrade of the
    program changes no day."""
    return {day.day: day for path in sorted(_FOLDER.glob("CN-*.csv")) for day in _read(path)}


def _read(path: Path) -> Iterator[Day]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Day(date.fromisoformat(row["day"]), row["kind"], ANNOUNCED, row["source"], row["title"])
