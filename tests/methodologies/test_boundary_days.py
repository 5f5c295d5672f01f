"""Both sides of every day on which an answer may change: each version, factor row, grade and limit, from the data.

What should be in force is worked out here from the rows alone, so that the library's own look-up is put to the test:
on its day a row is used, the day before it its predecessor is, or the act is refused as not in force.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import product

import pytest

import methodologies
from methodologies import Methodology, MethodologyError
from methodologies.kernel.definition import Version
from methodologies.kernel.exact import exact_text
from methodologies.kernel.model import ANY_PROFILE, GRADES
from methodologies.kernel.parameters import Parameter, Row

LIBRARY = methodologies.library()
CODES = LIBRARY.codes
ONE_DAY = timedelta(days=1)
GRADE_FACTOR = LIBRARY.registers.grade_factor
FAR = date(2099, 1, 1)


@dataclass(frozen=True)
class Act:
    """Data that lead to one formula, and the choices its rows are taken by."""

    data: Mapping[str, str]
    profile: str
    version: Version
    formula: str

    @property
    def keys(self) -> dict[str, str]:
        return {**self.data, "profile": self.profile}


def standing(parameter: Parameter) -> list[Row]:
    """The rows no correction names."""
    corrected = {row.replaces for row in parameter.rows}
    return [row for row in parameter.rows if row.row_hash not in corrected]


def chosen(parameter: Parameter, keys: Mapping[str, str], day: date) -> Row | None:
    """The newest row with these keys that has started by then."""
    rows = [row for row in standing(parameter) if row.in_force_from <= day]
    rows = [row for row in rows if all(dict(row.keys)[key] == keys.get(key) for key in parameter.by)]
    return max(rows, key=lambda row: row.in_force_from, default=None)


def acts_of(methodology: Methodology) -> Iterator[Act]:
    """An act for each version, profile, formula and combination of choices that has rows."""
    for version in methodology.versions:
        for profile, formulas in version.profiles.items():
            for name in formulas:
                for data in data_for(methodology, name):
                    for code in LIBRARY.profiles if profile == ANY_PROFILE else [profile]:
                        if profile == ANY_PROFILE and code in version.profiles:
                            continue
                        yield Act(data, code, version, name)


def data_for(methodology: Methodology, formula: str) -> Iterator[dict[str, str]]:
    """What a formula needs, about ten of everything; with each choice, and with each row that may stand in."""
    monitored = methodology.monitored
    needs = methodology.definition.formulas[formula].needs
    given = [name for name in needs if monitored[name].kind != "choice"]
    stand_ins = [name for name in given if monitored[name].default_parameter]
    for absent in [(), *((name,) for name in stand_ins)]:
        parameters = [monitored[name].default_parameter for name in absent]
        names = {key for one in parameters for key in methodology.definition.parameters[one].by}
        names |= {key for one in used_by(methodology, formula) for key in one.by}
        names |= {name for name in needs if monitored[name].kind == "choice"}
        choices = sorted(names - {"profile"})
        for codes in product(*(monitored[name].choices for name in choices)):
            numbers = {name: about_ten(methodology, name) for name in given if name not in absent}
            yield {**numbers, **dict(zip(choices, codes, strict=True))}


def used_by(methodology: Methodology, formula: str) -> list[Parameter]:
    """The parameters a formula's code names."""
    names = methodology.formulas[formula].function.__code__.co_names
    return [one for name, one in methodology.definition.parameters.items() if name in names]


def about_ten(methodology: Methodology, name: str) -> str:
    field = methodology.monitored[name]
    low = field.minimum if field.minimum is not None else Fraction(0)
    assert field.maximum is not None
    value = min(max(Fraction(10), low), field.maximum)
    return exact_text(value)


def version_on(methodology: Methodology, day: date) -> Version | None:
    started = [version for version in methodology.versions if version.in_force_from <= day]
    newest = max(started, key=lambda version: version.in_force_from, default=None)
    ended = newest is not None and newest.in_force_until is not None and newest.in_force_until < day
    return None if ended else newest


def rows_on(methodology: Methodology, act: Act, day: date) -> dict[str, Row] | None:
    """The rows an act of this day rests on, None when one of them has not started yet."""
    stand_ins = {
        field.default_parameter
        for name, field in methodology.monitored.items()
        if field.default_parameter and name not in act.data and name in names_of(methodology, act.formula)
    }
    used = {one.name for one in used_by(methodology, act.formula)} | stand_ins
    found = {name: chosen(methodology.definition.parameters[name], act.keys, day) for name in used}
    rows = {name: row for name, row in found.items() if row is not None}
    return rows if len(rows) == len(found) else None


def names_of(methodology: Methodology, formula: str) -> tuple[str, ...]:
    return methodology.formulas[formula].function.__code__.co_names


def boundaries(methodology: Methodology) -> list[date]:
    """Every day something an act of this methodology may rest on begins, or is over."""
    days = {version.in_force_from for version in methodology.versions}
    days |= {version.in_force_until + ONE_DAY for version in methodology.versions if version.in_force_until}
    for parameter in (*methodology.definition.parameters.values(), LIBRARY.registers.grade_factor):
        days |= {row.in_force_from for row in standing(parameter)}
    return sorted(days)


def both_sides(methodology: Methodology) -> list[date]:
    return [day for boundary in boundaries(methodology) for day in (boundary - ONE_DAY, boundary)]


@pytest.mark.parametrize("code", CODES)
def test_both_sides_of_every_day_something_begins_or_ends(code: str) -> None:
    """And every row is used on one of these days, or the look would have missed it."""
    methodology = LIBRARY.get(code)
    used: set[str] = set()
    for act in acts_of(methodology):
        if rows_on(methodology, act, FAR) is None:
            continue  # no row for these choices on any day: refused below
        for day in both_sides(methodology):
            used |= outcome(methodology, act, day)
    rows = {
        row.row_hash
        for parameter in methodology.definition.parameters.values()
        for row in standing(parameter)
        if can_be_chosen(methodology, parameter, row)
    }
    assert used == rows


def can_be_chosen(methodology: Methodology, parameter: Parameter, row: Row) -> bool:
    """Whether the data can name this row; of a shared table a methodology may know some keys only."""
    known = {name: field.choices for name, field in methodology.monitored.items()} | {"profile": LIBRARY.profiles}
    return all(dict(row.keys)[key] in known[key] for key in parameter.by)


def outcome(methodology: Methodology, act: Act, day: date) -> set[str]:
    """Quantify, hold the result against the rows themselves, and return the hashes of those that were used."""
    version, rows = version_on(methodology, day), rows_on(methodology, act, day)
    if version is not None and version is not act.version:
        return set()  # that version has acts of its own
    grades = {grade: chosen(GRADE_FACTOR, {"grade": grade}, day) for grade in act.version.grades}
    if version is None or rows is None or None in grades.values():
        assert refusal(methodology, act, day, act.version.grades[0]) == "NOT_IN_FORCE", (act, day)
        return set()
    done = methodology.quantify(act.data, day, act.profile, act.version.grades[0])
    content = done.basis.content
    assert (done.version, content["formula"]) == (version.version, act.formula), (act, day)
    hashes = {row["parameter"]: row["row_hash"] for row in content["rows"]}
    assert hashes == {name: row.row_hash for name, row in rows.items()}, (act, day)
    assert [row["row_hash"] for row in content["grades"]] == [row.row_hash for row in grades.values() if row]
    return set(hashes.values())


def refusal(methodology: Methodology, act: Act, day: date, grade: str) -> str:
    with pytest.raises(MethodologyError) as refused:
        methodology.quantify(act.data, day, act.profile, grade)
    return refused.value.code


@pytest.mark.parametrize("code", CODES)
def test_choices_without_a_row_are_refused_on_every_one_of_these_days(code: str) -> None:
    methodology = LIBRARY.get(code)
    for act in acts_of(methodology):
        if rows_on(methodology, act, FAR) is None:
            grade = act.version.grades[0]
            assert refusal(methodology, act, FAR, grade) == "FACTOR_NOT_PUBLISHED"
            for day in both_sides(methodology):
                assert refusal(methodology, act, day, grade) in ("NOT_IN_FORCE", "FACTOR_NOT_PUBLISHED")


@pytest.mark.parametrize("code", CODES)
def test_profiles_and_grades_a_version_does_not_name_are_refused_from_its_first_day(code: str) -> None:
    methodology = LIBRARY.get(code)
    for version in methodology.versions:
        act = next(one for one in acts_of(methodology) if one.version is version)
        for profile in LIBRARY.profiles:
            if not version.formulas_for(profile):
                other = Act(act.data, profile, version, act.formula)
                day = version.in_force_from
                assert refusal(methodology, other, day, version.grades[0]) == "PROFILE_NOT_SUPPORTED"
                assert refusal(methodology, other, day - ONE_DAY, version.grades[0]) != "PROFILE_NOT_SUPPORTED"
        for grade in set(GRADES) - set(version.grades):
            assert refusal(methodology, act, version.in_force_from, grade) == "GRADE_NOT_ACCEPTED"


@pytest.mark.parametrize("code", CODES)
def test_a_limit_holds_from_its_day_on(code: str) -> None:
    methodology = LIBRARY.get(code)
    first = methodology.versions[0].in_force_from
    for limit in methodology.limits:
        assert limit in methodology.limits_on(limit.in_force_from)
        assert limit not in methodology.limits_on(limit.in_force_from - ONE_DAY)
        same = [other.in_force_from for other in methodology.limits if other.code == limit.code]
        assert min(same) <= first, f"{limit.code} leaves the first days of {code} without a limit"


@pytest.mark.parametrize("name", LIBRARY.registers.tables)
def test_every_row_of_a_shared_table_begins_on_its_day(name: str) -> None:
    """Those no methodology reads, such as the residual and the fossil-only grid, too."""
    table = LIBRARY.registers.tables[name]
    for row in standing(table):
        keys = dict(row.keys)
        assert table.row_on(keys, row.in_force_from) is row
        assert table.row_on(keys, row.in_force_from - ONE_DAY) is chosen(table, keys, row.in_force_from - ONE_DAY)
