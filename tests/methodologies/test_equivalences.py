"""Equivalences: grams reduced told as trees, kilometres and electricity, with dated, sourced factors, for display."""

import json
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import methodologies
from methodologies.kernel.errors import DocumentError, MethodologyError
from methodologies.kernel.library import load_library
from methodologies.review.checking import check_library

DAY = date(2026, 6, 5)
FILE = "equivalences.yaml"


def told(reduction_g: int, day: date = DAY) -> dict[str, dict[str, object]]:
    return {one["code"]: one for one in methodologies.equivalences(reduction_g, day)}


def test_grams_divided_by_the_factor() -> None:
    found = told(121_000)
    assert {code: one["amount"] for code, one in found.items()} == {
        "trees_10_years": "2",
        "petrol_car_distance": str(Fraction(121_000 * 10, 1674)),
        "grid_energy": str(Fraction(121_000 * 10, 5306)),
    }
    assert found["petrol_car_distance"]["amount_text"] == "约 722.82"
    assert found["trees_10_years"]["sentence_zh"] == (
        "相当于 2 棵城市树苗生长 10 年吸收的二氧化碳（每棵 10 年 60.5 公斤；各来源最多相差 13 倍，仅供展示）"
    )
    json.dumps(list(found.values()))


@pytest.mark.parametrize("grams", [None, True, 1.5, "5", Fraction(1, 3), 10**5000, []], ids=type)
def test_only_whole_grams_are_compared(grams: Any) -> None:
    with pytest.raises(MethodologyError, match="NOT_A_NUMBER"):
        methodologies.equivalences(grams, DAY)


@pytest.mark.parametrize("day", [None, "2026-06-05", datetime(2026, 6, 5)])
def test_only_on_a_calendar_day(day: Any) -> None:
    with pytest.raises(MethodologyError, match="INVALID_DAY"):
        methodologies.equivalences(1000, day)


def test_the_tree_carries_its_period_its_source_and_how_far_sources_differ() -> None:
    """Some copies of the same figure say "per year": without the period it may be wrong ten times over."""
    tree = told(1000)["trees_10_years"]
    factor = tree["factor"]
    assert isinstance(factor, dict)
    assert (tree["unit"], factor["value"], factor["unit"]) == ("tree*10yr", "60.5", "kgCO2/tree/10yr")
    assert [source["tag"] for source in factor["sources"]] == ["EPA1", "EPA2"]
    assert [factor["range"][end] for end in ("low", "central", "high")] == ["14.0", "60.5", "183"]
    assert "EPA3" in factor["note"]


@pytest.mark.parametrize("reduction_g", [0, -1, -1_000_000])
def test_nothing_reduced_compares_to_nothing(reduction_g: int) -> None:
    assert methodologies.equivalences(reduction_g, DAY) == []


def test_a_single_gram_is_not_told_as_nothing() -> None:
    found = told(1)
    assert found["trees_10_years"]["amount"] == "1/60500"
    assert found["trees_10_years"]["amount_text"] == "不到 0.001"
    assert found["petrol_car_distance"]["amount_text"] == "约 0.006"


@pytest.mark.parametrize(
    ("day", "codes", "grid"),
    [
        (date(2021, 12, 31), set(), None),
        (date(2022, 1, 1), {"grid_energy"}, "0.5568"),
        (date(2023, 12, 31), {"grid_energy"}, "0.5568"),
        (date(2024, 1, 1), {"grid_energy", "trees_10_years", "petrol_car_distance"}, "0.5568"),
        (date(2024, 12, 25), {"grid_energy", "trees_10_years", "petrol_car_distance"}, "0.5568"),
        (date(2024, 12, 26), {"grid_energy", "trees_10_years", "petrol_car_distance"}, "0.5366"),
        (date(2025, 12, 30), {"grid_energy", "trees_10_years", "petrol_car_distance"}, "0.5366"),
        (date(2025, 12, 31), {"grid_energy", "trees_10_years", "petrol_car_distance"}, "0.5306"),
    ],
)
def test_the_rows_in_force_on_the_day_are_used(day: date, codes: set[str], grid: str | None) -> None:
    found = told(1000, day)
    assert set(found) == codes
    factor = found["grid_energy"]["factor"] if grid else {"value": None}
    assert isinstance(factor, dict)
    assert factor["value"] == grid


SPOILED = {
    "unit that is not grams over the factor": ("unit: vkm", "unit: pkm", "are not in pkm"),
    "period left out": ("unit: tree*10yr", "unit: tree", "are not in tree"),
    "no amount": ("少开 {amount} 公里", "少开一些", "says {amount}"),
    "unknown word": ("少用 {amount} 千瓦时电", "少用 {amount} 千瓦时 {day}", "says {amount}"),
    "broken sentence": ("少用 {amount} 千瓦时电", "少用 {amount 千瓦时电", "the sentence is broken"),
    "unknown table": ("shared: {grid_electricity:", "shared: {grid_heat:", "no table factors/grid_heat.yaml"),
    "region left open": ("kind: average, region: national", "kind: average", "region: fix it here"),
    "two tables": ("region: national}}", "region: national}, grid_footprint: {}}", "one shared table"),
    "no factor": ("  shared: {grid", "  # {grid", "either a factor of its own or a shared table"),
    "factor of nothing": ("value: 0.1674", "value: 0", "a factor is above zero"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_mistake_is_refused_with_its_file(kind: str, tree: Path) -> None:
    old, new, words = SPOILED[kind]
    text = (tree / FILE).read_text()
    assert old in text
    (tree / FILE).write_text(text.replace(old, new, 1))
    with pytest.raises(DocumentError) as refused:
        load_library(tree)
    assert words in refused.value.message
    assert refused.value.file == tree / FILE and refused.value.line > 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value: 60.5", "value: 60"),
        ("high: 183", "high: 184"),
        ("kind: average", "kind: residual"),
        ("sentence: CPCD 核心", "sentence: 核心"),
    ],
)
def test_what_is_published_is_never_edited(old: str, new: str, tree: Path) -> None:
    text = (tree / FILE).read_text()
    assert old in text
    (tree / FILE).write_text(text.replace(old, new, 1))
    found = {(finding.code, finding.file) for finding in check_library(tree)}
    assert found == {("PUBLISHED_CHANGED", FILE), ("NOT_LOCKED", FILE)}


def test_a_row_past_its_review_day_is_reported(tree: Path) -> None:
    due = [one for one in check_library(tree, date(2027, 1, 1)) if one.file == FILE]
    assert {(one.level, one.code) for one in due} == {("warning", "REVIEW_OVERDUE")}
    assert len(due) == 2
