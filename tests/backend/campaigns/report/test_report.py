"""A report adds up what the participants did, and shows nobody in particular."""

import csv
import io
from datetime import date
from typing import Any
from xml.etree import ElementTree

import time_machine

from backend import campaigns, clock
from tests.backend.campaigns.week import CODE, Week, during

EARLIER, MONDAY, TUESDAY = date(2026, 5, 28), date(2026, 6, 1), date(2026, 6, 2)
RESEARCH, FINANCE, OFFICE = ([str(n) for n in numbers] for numbers in (range(1, 7), range(7, 13), (13, 14)))
OUTSIDERS = [str(n) for n in range(15, 21)]


def reported(week: Week) -> dict[str, Any]:
    with week.house.reading(one_moment=True) as tx:
        campaign = campaigns.campaign(tx, CODE, now=clock.now())
        return campaigns.report.report(tx, campaign, now=clock.now())


def test_figures_are_of_enough_people_and_the_files_name_nobody(database_url: str) -> None:
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        named = ((RESEARCH, "总部/研发"), (FINANCE, "总部/财务"), (OFFICE, "总部/办公室"))
        names = {number: path for numbers, path in named for number in numbers}
        week.employ(names)
        week.company.import_list(names | dict.fromkeys(OUTSIDERS, "总部/研发"), date(2026, 5, 2))
        week.company.rides(
            *((number, EARLIER, "10") for number in RESEARCH),
            *((number, MONDAY, "10") for number in (*RESEARCH, *FINANCE, *OUTSIDERS)),
            *((number, TUESDAY, "10") for number in (*RESEARCH, *OFFICE, "7")),
        )
        week.take_back("7", TUESDAY)
        said = reported(week)

    assert said["participants"] == 14
    assert said["total"] == {"people": 14, "acts": 20, "grams": 9340, "points": 9340}
    assert [(row["key"], row["people"], row["grams"]) for row in said["days"]] == [
        ("2026-06-01", 12, 5604),
        ("2026-06-02", 8, 3736),
    ]
    [way] = said["ways"]
    assert (way["key"], way["people"], way["grams"]) == ("metro_ride E3", 14, 9340)
    # Two people of the office may not stand alone, nor be what is left of the total without the others.
    assert [(row["key"], row["people"], row["acts"]) for row in said["groups"]["department"]] == [
        ("总部/财务", 6, 6),
        (None, None, 14),
    ]
    phases = {(row["who"], row["phase"]): (row["people"], row["daily_g"], row["percent"]) for row in said["phases"]}
    assert phases == {
        ("participants", "before"): (6, 400, 100),
        ("participants", "during"): (14, 3296, 824),  # 2 days and 20 hours so far
        ("participants", "after"): (None, None, None),
        ("others", "before"): (None, None, None),
        ("others", "during"): (6, 988, None),
        ("others", "after"): (None, None, None),
    }

    files = campaigns.report.files(said)
    assert files == campaigns.report.files(said)
    pictures = {name for name in files if name.endswith(".svg")}
    plotted = ("people-by-day", "grams-by-day", "scenarios", "before-during-after", "department")
    assert pictures == {f"{name}.svg" for name in plotted}
    for name in pictures:
        assert ElementTree.fromstring(files[name]).tag.endswith("svg")
        assert files[name] in files["report.html"]
    lines = list(csv.DictReader(io.StringIO(files["figures.csv"].decode("utf-8-sig"))))
    assert {(line["section"], line["key"]): line["grams"] for line in lines}["day", "2026-06-01"] == "5604"
    everything = b"".join(files.values())
    assert not [holder for holder in week.staff.values() if str(holder).encode() in everything]
    assert "办公室" not in everything.decode()


def test_a_report_of_too_few_people_says_so_and_nothing_else(database_url: str) -> None:
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ(dict.fromkeys("1234", "总部/研发"))
        week.company.rides(*((number, MONDAY, "10") for number in "1234"))
        said = reported(week)
    assert (said["participants"], said["total"], said["days"], said["ways"]) == (None, None, [], [])
    assert said["groups"] == {"department": []}
    assert all(row["grams"] is None for row in said["phases"])
    assert set(campaigns.report.files(said)) == {"report.html", "figures.csv"}
