"""Personas: twelve imagined participants and a year of their acts, on which a change of the library is tried out.

Their quantities are plausible defaults of this library, not statistics; nothing is ever credited to a persona.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from methodologies.kernel.documents import Node, read_document, walk_rows
from methodologies.kernel.library import Library
from methodologies.kernel.model import GRADES, Title
from methodologies.kernel.rows import read_title

DOCUMENT = "personas.yaml"
#: Days of the week (Monday is 0) by the word a persona uses for them; public holidays are not modelled.
_WEEKDAYS = {"every_day": range(7), "workdays": range(5), "weekends": range(5, 7)}
_TIMES_LIMIT = 10_000
_COMMON_YEAR = date(2023, 1, 1)
_DAYS_OF_EVERY_YEAR = {(_COMMON_YEAR + timedelta(days=number)).isoformat()[5:] for number in range(365)}


@dataclass(frozen=True, slots=True)
class RepeatedAct:
    """One act and how often a year: `times` acts, dealt evenly to the days named by a word (`every_day`, `workdays`,
    `weekends`) or listed as ``MM-DD``."""

    methodology: str
    profile: str
    grade: str
    data: Mapping[str, int | str]
    times: int
    days: str | tuple[str, ...]

    def days_from(self, first: date) -> list[date]:
        """The day of each of its acts in the year beginning on `first`, in order."""
        year = [first + timedelta(days=number) for number in range((year_after(first) - first).days)]
        if isinstance(self.days, str):
            candidates = [day for day in year if day.weekday() in _WEEKDAYS[self.days]]
        else:
            candidates = [day for day in year if day.isoformat()[5:] in self.days]
        return [candidates[number * len(candidates) // self.times] for number in range(self.times)]


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody imagined: a member, a class, an employer."""

    code: str
    title: Title
    story: str
    acts: tuple[RepeatedAct, ...]


def year_after(first: date) -> date:
    """The day on which the year beginning on `first` is over."""
    day = first if (first.month, first.day) != (2, 29) else first + timedelta(days=1)
    return day.replace(year=first.year + 1)


def read_personas(root: Path, library: Library) -> tuple[Persona, ...]:
    """Read personas.yaml below `root`, whose words are those of `library`; a `DocumentError` names file and line."""
    found: dict[str, Persona] = {}
    for node in walk_rows(read_document(root / DOCUMENT)):
        entry = node.mapping(["code", "title", "story", "acts"])
        code = entry["code"].name()
        if code in found:
            raise entry["code"].refuse(f"persona {code!r} is written twice")
        acts = tuple(_read_act(child, library) for child in walk_rows(entry["acts"]))
        found[code] = Persona(code, read_title(entry["title"]), entry["story"].text(), acts)
    return tuple(found.values())


def _read_act(node: Node, library: Library) -> RepeatedAct:
    entry = node.mapping(["methodology", "profile", "grade", "data", "times", "days"])
    methodology = library.get(entry["methodology"].one_of(library.codes))
    times = entry["times"].whole()
    if not 0 < times <= _TIMES_LIMIT:
        raise entry["times"].refuse(f"an act happens 1 to {_TIMES_LIMIT} times a year")
    data: dict[str, int | str] = {}
    for name, child in entry["data"].mapping([], methodology.monitored).items():
        data[name] = int(child.text()) if child.written_as_integer() else child.text()
    return RepeatedAct(
        methodology.code,
        entry["profile"].one_of(library.profiles),
        entry["grade"].one_of(GRADES),
        data,
        times,
        _read_days(entry["days"]),
    )


def _read_days(node: Node) -> str | tuple[str, ...]:
    if not node.is_list():
        return node.one_of(_WEEKDAYS)
    for child in walk_rows(node):
        if child.text() not in _DAYS_OF_EVERY_YEAR:
            raise child.refuse(f"{child.text()!r} is not a day of every year (MM-DD)")
    return node.texts()
