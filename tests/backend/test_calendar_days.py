"""Which days are worked on: the announced ones, a programme's own, the weekday; and that no day changes once begun."""

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from backend import calendar_days, clock
from backend.calendar_days import ANNOUNCED, COUNTRY, PROVISIONAL, Day, Plan
from tests.backend.operating import Acting, logged, run
from tests.backend.world import World

#: Days off and days worked in the announcements for 2025 and 2026, as their texts count them.
SPANS = {
    "2025-01-01": 1,
    "2025-01-28": 8,
    "2025-04-04": 3,
    "2025-05-01": 5,
    "2025-05-31": 3,
    "2025-10-01": 8,
    "2026-01-01": 3,
    "2026-02-15": 9,
    "2026-04-04": 3,
    "2026-05-01": 5,
    "2026-06-19": 3,
    "2026-09-25": 3,
    "2026-10-01": 7,
}
WORKED = {
    *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
    *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
}
HEADER = "day,kind,source,title,status\n"


def test_the_announced_days_of_two_years_ship(tx: Session) -> None:
    found = calendar_days.days(tx, COUNTRY, date(2025, 1, 1), date(2026, 12, 31))
    off = {date.fromisoformat(first) + timedelta(days=n) for first, count in SPANS.items() for n in range(count)}
    worked = {date.fromisoformat(day) for day in WORKED}
    for day in found:
        assert day.counts == (day.day in worked or (day.day.weekday() < 5 and day.day not in off)), day
    assert {day.status for day in found} == {ANNOUNCED}
    assert [sum(d.kind == "public_holiday" for d in found if d.day.year == year) for year in (2025, 2026)] == [13, 13]
    assert all("国务院办公厅" in day.source for day in found if day.day in off | worked)


def test_a_year_nobody_announced_is_by_the_weekday_and_provisional(tx: Session) -> None:
    friday, saturday = calendar_days.days(tx, COUNTRY, date(2099, 1, 2), date(2099, 1, 3))
    assert (friday.counts, saturday.counts, friday.status) == (True, False, PROVISIONAL)
    enter(tx, COUNTRY, Day(date(2099, 1, 1), "public_holiday", ANNOUNCED, "notice"))
    (friday,) = calendar_days.days(tx, COUNTRY, date(2099, 1, 2), date(2099, 1, 2))
    assert friday.status == ANNOUNCED, "what an announced year does not list is as the weekday says"


def test_a_programmes_own_day_goes_before_the_countrys(tx: Session) -> None:
    new_year, monday = date(2026, 1, 1), date(2026, 3, 2)
    taught, free = (new_year, "school_day", PROVISIONAL), (monday, "no_school_day", ANNOUNCED)
    enter(tx, "school", Day(*taught, "校历"), Day(*free, "校历"))
    asked = [("school", new_year), ("school", monday), ("staff", new_year), ("staff", monday)]
    assert list(calendar_days.counting(tx, asked).values()) == [True, False, False, True]


def test_what_a_file_may_change(tx: Session) -> None:
    today = date(2099, 6, 3)  # a Wednesday
    rows = (
        "2099-06-04,rest_day,notice,,",
        "2099-06-03,rest_day,notice,too late,",
        "2099-06-02,make_up_working_day,notice,it was one anyway,",
        "2099-06-06,make_up_working_day,notice,,provisional",
        "2099-06-06,rest_day,notice,twice,",
        "2099-02-30,rest_day,notice,,",
        "20990605,rest_day,notice,,",
        "2099-06-08,holiday,notice,,",
        "2099-06-09,school_day,notice,not the country's,",
        "2099-06-10,rest_day,,nobody says so,",
        "2099-06-11,rest_day,notice,,perhaps",
        "2099-06-12,rest_day",
    )
    planned = read(tx, HEADER + "\n".join(rows), today)
    assert [day.day.day for day in planned.changes] == [4, 2, 6]
    assert [row.line for row in planned.refused] == [3, 6, 7, 8, 9, 10, 11, 12, 13]
    assert "has begun" in planned.refused[0].reason
    calendar_days.apply(tx, planned, now=clock.now())
    again = read(tx, HEADER + "\n".join(rows), today)
    assert (again.changes, again.unchanged, again.refused) == ((), 3, planned.refused)


def test_files_are_read_like_the_ones_that_ship(tx: Session) -> None:
    shipped = (Path(calendar_days.__file__).parent / "calendars" / "CN-2026.csv").read_bytes()
    planned = calendar_days.plan(tx, COUNTRY, BytesIO(shipped), today=date(2026, 7, 1))
    assert (len(planned.changes), planned.refused) == (39, ())


def test_days_are_entered_by_an_operator_and_shown(world: World, app: Flask, tmp_path: Path) -> None:
    monday = clock.today() + timedelta(days=8)
    while monday.weekday():
        monday += timedelta(days=1)
    file = tmp_path / "days.csv"
    file.write_text(f"{HEADER}{monday},rest_day,公司通知,司庆,\nnonsense,rest_day,x,,\n", "utf-8")
    dry = run(app, "calendar", "import", str(file), "--calendar", "members")
    assert dry.exit_code == 1 and "line 3" in dry.stderr and "1 将录入" in dry.stderr
    assert " ✓ " in run(app, "calendar", "show", "--calendar", "members", *days(monday)).stdout, "nothing was written"
    wang = Acting(app, world, "wang")
    assert "1 已录入" in wang("calendar", "import", str(file), "--calendar", "members", "--apply").stderr
    assert "司庆" in run(app, "calendar", "show", "--calendar", "members", *days(monday)).stdout
    assert " ✓ " in run(app, "calendar", "show", *days(monday)).stdout, "the country works"
    (row,) = logged(app, "calendar.")
    assert row["after"]["days"] == {monday.isoformat(): "rest_day announced"}
    assert "UNKNOWN_PROGRAMME" in run(app, "calendar", "show", "--calendar", "nobody").stderr
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-16" in run(app, "calendar", "import", str(file)).stderr


def days(day: date) -> tuple[str, ...]:
    return "--from", day.isoformat(), "--to", day.isoformat()


def enter(tx: Session, calendar: str, *entered: Day) -> None:
    calendar_days.apply(tx, Plan(calendar, entered, 0, ()), now=clock.now())


def read(tx: Session, text: str, today: date) -> Plan:
    return calendar_days.plan(tx, COUNTRY, BytesIO(text.encode()), today=today)
