"""The files of a report: a page, a table for spreadsheets, and the plots by themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from backend.campaigns.report.page import report_html
from backend.campaigns.report.plots import plots
from backend.csv_cells import csv_line

_HEAD = ("section", "key", "title_zh", "title_en", "people", "acts", "grams", "points", "daily_g", "percent")


def files(said: Mapping[str, Any]) -> dict[str, bytes]:
    """File name → content, from what `figures.report` says: the same figures, the same bytes."""
    pictures = plots(said)
    table = "".join(csv_line(cells) for cells in (_HEAD, *_lines(said)))
    found = {"report.html": report_html(said, pictures), "figures.csv": "\ufeff" + table, **pictures}
    return {name: text.encode() for name, text in found.items()}


def _lines(said: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield _line("participants", {"key": said["campaign"], "title": said["title"], "people": said["participants"]})
    yield _line("total", {"key": said["campaign"], "title": said["title"], **(said["total"] or {})})
    sections = {"day": said["days"], "scenario": said["ways"], **said["groups"]}
    for section, rows in sections.items():
        for row in rows:
            yield _line(section, row)
    for row in said["phases"]:
        yield _line("phase", {"key": f"{row['who']} {row['phase']}", "title": {"zh": "", "en": ""}, **row})


def _line(section: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """A line of the table; an empty cell where a figure is left out."""
    told = {"section": section, "title_zh": row["title"]["zh"], "title_en": row["title"]["en"]} | dict(row)
    return tuple("" if told.get(name) is None else str(told[name]) for name in _HEAD)
