"""The shared tables: every row of the reference, chosen by the activity's day, one answer or a named refusal."""

import csv
import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
import yaml

import methodologies
from methodologies import MethodologyError
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.library import load_library
from methodologies.kernel.registers import read_registers
from methodologies.kernel.tables import FOLDER
from methodologies.review.checking import check_library
from methodologies.review.published import compare_lock

TABLES = methodologies.library().registers.tables
GRID = "factors/grid_electricity.yaml"
REFERENCE_FILE = Path(__file__).parent / "data" / "grid_factors_cn.csv"
REFERENCE = list(csv.DictReader(REFERENCE_FILE.read_text(encoding="utf-8").splitlines()))
KINDS = {"average": "average", "fossil_only": "fossil_only", "residual_excl_market_nonfossil": "residual"}
FIRST_DAYS = {"2021": date(2022, 1, 1), "2022": date(2024, 12, 26), "2023": date(2025, 12, 31)}
NATION = {"kind": "average", "region": "national"}


@cache
def regions() -> dict[str, str]:
    """Name as the reference writes it → code."""
    document = yaml.safe_load((methodologies.ROOT / GRID).read_text(encoding="utf-8"))
    return {title["zh"].removesuffix("电网"): code for code, title in document["keys"]["region"].items()}


@pytest.mark.parametrize("line", REFERENCE, ids=lambda line: "-".join([*line.values()][:3]))
def test_every_row_of_the_reference_is_in_its_table_from_its_day(line: dict[str, str]) -> None:
    if line["kind"] == "footprint":
        table, keys = TABLES["grid_footprint"], {"region": "national"}
        day = date(int(line["data_year"]) + 1, 1, 1)
    else:
        table = TABLES["grid_electricity"]
        keys = {"kind": KINDS[line["kind"]], "region": regions()[line["region"]]}
        day = FIRST_DAYS[line["data_year"]]
    row = table.row_on(keys, day)
    assert row is not None
    assert (row.value_text, row.unit.text, dict(row.keys)["data_year"], row.in_force_from) == (
        line["value"],
        line["unit"],
        line["data_year"],
        day,
    )
    assert line["source_record"] in row.sentence
    before = table.row_on(keys, day - timedelta(days=1))
    assert before is None or dict(before.keys)["data_year"] == str(int(line["data_year"]) - 1)


def test_the_tables_hold_nothing_else() -> None:
    assert sum(len(table.rows) for table in TABLES.values()) == len(REFERENCE) == 122


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2022, 1, 1), "0.5568"),
        (date(2024, 12, 25), "0.5568"),
        (date(2024, 12, 26), "0.5366"),
        (date(2025, 12, 30), "0.5366"),
        (date(2025, 12, 31), "0.5306"),
    ],
)
def test_the_newest_factor_published_on_or_before_the_day_is_used(day: date, value: str) -> None:
    row = TABLES["grid_electricity"].row_on(NATION, day)
    assert row is not None and row.value_text == value


def test_before_the_first_row_and_for_an_unknown_region_there_is_none() -> None:
    table = TABLES["grid_electricity"]
    assert table.row_on(NATION, date(2021, 12, 31)) is None
    assert table.row_on({"kind": "average", "region": "atlantis"}, date(2026, 1, 1)) is None
    assert table.row_on({"kind": "residual", "region": "beijing"}, date(2026, 1, 1)) is None


def test_an_unknown_day_of_publication_is_said() -> None:
    for table in TABLES.values():
        for row in table.rows:
            unknown = row.in_force_from == date(int(dict(row.keys)["data_year"]) + 1, 1, 1)
            assert unknown == ("日期未知" in row.note or "公布日未知" in row.note)


def test_an_act_before_the_first_row_is_refused_even_when_its_methodology_is_older(tree: Path) -> None:
    file = tree / "class_electricity/methodology.yaml"
    file.write_text(file.read_text().replace("in_force_from: 2022-01-01", "in_force_from: 2021-01-01"))
    classes = load_library(tree).get("class_electricity")
    with pytest.raises(MethodologyError) as refused:
        classes.quantify({"baseline_kwh": 2, "actual_kwh": 1}, date(2021, 12, 31), "CN-DEFAULT")
    assert refused.value.code == "NOT_IN_FORCE"
    assert refused.value.facts["in_force_from"] == "2022-01-01"


ROW = """  - data_year: {year}
    kind: average
    region: national
    value: 0.5
    in_force_from: {day}
    sources: [MEE23]
    sentence: 又一行。
    confidence: VERIFIED
    review_before: 2028-01-01
"""


@pytest.mark.parametrize(("year", "day"), [("2023", "2026-03-01"), ("2022", "2025-12-31")])
def test_two_rows_for_one_year_or_one_day_are_an_error(year: str, day: str, tree: Path) -> None:
    file = tree / GRID
    lines = file.read_text().count("\n")
    file.write_text(file.read_text() + ROW.format(year=year, day=day))
    with pytest.raises(DocumentError, match="has two rows") as refused:
        read_registers(tree)
    assert (refused.value.file, refused.value.line) == (file, lines + 1)


def test_a_newer_year_may_not_reach_back_over_published_days(tree: Path) -> None:
    file = tree / GRID
    text = file.read_text().replace('    2023: {zh', '    2024: {zh: 2024 年, en: "2024"}\n    2023: {zh', 1)
    file.write_text(text + ROW.format(year="2024", day="2025-06-01"))
    assert {"BACKDATED"} <= {finding.code for finding in check_library(tree)}
    file.write_text(text + ROW.format(year="2024", day="2026-12-30"))
    found = check_library(tree)
    codes = {finding.code for finding in found}
    assert "BACKDATED" not in codes and {"NOT_LOCKED", "EXAMPLE_MISSING"} <= codes
    asked = " ".join(finding.message for finding in found if finding.code == "EXAMPLE_MISSING")
    for code in ("class_electricity", "ev_charging", "ev_trip"):  # the row is theirs together; who lacks what is said
        assert f"no example on 2026-12-29 for profile any in {code}/examples.yaml" in asked


def test_a_shared_row_is_published_once_and_the_same_for_every_methodology() -> None:
    lines = (methodologies.ROOT / "PUBLISHED.lock").read_text().splitlines()
    address = f"{FOLDER} row grid_electricity data_year=2023 kind=average region=national 2025-12-31"
    assert len([line for line in lines if line.endswith(address)]) == 1
    day = date(2026, 1, 1)
    hashes = {
        row["row_hash"]
        for code, data in (("ev_trip", {"distance_km": 1}), ("ev_charging", {"charged_kwh": 1}))
        for row in methodologies.quantify(code, data, day, "CN-DEFAULT").basis.rows
        if row["parameter"] == "grid_electricity"
    }
    assert len(hashes) == 1


SPOILED = {
    "value": (r"value: (.*)", r"value: 1\1"),
    "data year": (r"data_year: 2023", "data_year: 2024"),
    "day": (r"in_force_from: (.*)-(..)-..", r"in_force_from: \1-\2-15"),
    "sources": (r"sources: .*", "sources: [SHCER]"),
    "sentence": (r"sentence: (.*)", r"sentence: \1改"),
    "note": (r"note: (.*)", r"note: \1改"),
    "confidence": (r"confidence: .*", "confidence: RECALLED"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_editing_any_published_row_names_it(kind: str, tree: Path) -> None:
    """All rows are spoiled at once; every one of them is reported."""
    file = tree / GRID
    year = '    2024: {zh: 2024 年, en: "2024"}\n'
    head, rows = file.read_text().replace("    2023: {", f"{year}    2023: {{", 1).split("rows:\n")
    spoiled, times = re.subn(*SPOILED[kind], rows)
    file.write_text(f"{head}rows:\n{spoiled}")
    changes = [one for one in compare_lock(load_library(tree)) if one.code.startswith("PUBLISHED_")]
    assert len({one.message for one in changes}) == times >= 40


def test_a_table_is_taken_with_known_keys_only(tree: Path) -> None:
    file = tree / "ev_trip/methodology.yaml"
    text = file.read_text()
    for spoiled, words in (
        (text.replace("region: national}", "region: atlantis}"), "'atlantis' is not one of"),
        (text.replace("{kind: average, region: national}", "{kind: average}"), "region: fix it here"),
        (text.replace("{kind: average, region: national}", "{year: average}"), "unknown key 'year'"),
        (text.replace("  grid_electricity:\n", "  grid_water:\n"), "there is no table"),
    ):
        file.write_text(spoiled)
        with pytest.raises(DocumentError, match=words):
            load_library(tree)
