"""The loader refuses what is wrong, and every refusal names file and line."""

import shutil
from pathlib import Path

import pytest

from methodologies.kernel.documents import read_document
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.library import load_library, methodology_folders
from methodologies.review.checking import check_library

METRO = "metro_ride/methodology.yaml"
DEVICE = "device_reuse/methodology.yaml"
PC = "low_carbon_pc/methodology.yaml"
TABLEWARE = "no_tableware/methodology.yaml"


def replace(root: Path, file: str, old: str, new: str) -> int:
    """Replace the first occurrence and return its line."""
    path = root / file
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


# what is spoiled: file, old text, new text, words of the message, lines below the edit the message names
SPOILED = {
    "unknown key": (METRO, "scene: commute", "scene: commute\nscenery: hills", "unknown key 'scenery'", 1),
    "duplicate key": (METRO, "scene: commute", "scene: commute\nscene: travel", "duplicate key 'scene'", 1),
    "missing key": (METRO, "scene: commute\n", "", "missing key 'scene'", None),
    "unknown word": (METRO, "scene: commute", "scene: holiday", "'holiday' is not one of", 0),
    "unknown unit": (METRO, "unit: kgCO2/pkm", "unit: kgCO2/mile", "unknown unit 'mile'", 0),
    "binary number": (METRO, "value: 0.0467", "value: 4.67e-2", "not plain decimal text", 0),
    "infinite number": (METRO, "value: 0.0467", "value: .inf", "not plain decimal text", 0),
    "full-width number": (METRO, "value: 0.0467", "value: ０.0467", "not plain decimal text", 0),
    "underscored number": (METRO, "value: 274", "value: 27_4", "not plain decimal text", 0),
    "division by zero": (METRO, "value: 5.98/22", "value: 5.98/0", "not plain decimal text", 0),
    "missing value": (METRO, "value: 0.0467", "value:", "text is missing", 0),
    "bad date": (METRO, "in_force_from: 2022-09-23", "in_force_from: 2022-02-30", "is not a day", 0),
    "date without dashes": (METRO, "in_force_from: 2022-09-23", "in_force_from: 20220923", "is not a day", 0),
    "unknown source": (METRO, "sources: [SZ22]", "sources: [SZ99]", "unknown source 'SZ99'", 0),
    "unknown standard": (METRO, "source: DB3043", "source: DB9999", "unknown source 'DB9999'", 0),
    "unknown profile": (METRO, "CN-SZ-2021: [net", "CN-XX-2021: [net", "unknown profile 'CN-XX-2021'", 0),
    "unknown formula": (
        METRO,
        "CN-SZ-2021: [net_per_km]",
        "CN-SZ-2021: [per_mile]",
        "no formula 'per_mile'",
        0,
    ),
    "label without source": (
        METRO,
        "sources: [WH-STAR]\n        sentence",
        "sources: [HOUSE]\n        sentence",
        "needs a published source",
        2,
    ),
    "unknown label": (METRO, "confidence: VERIFIED", "confidence: CERTAIN", "'CERTAIN' is not one of", 0),
    "review before start": (
        METRO,
        "review_before: 2027-01-01",
        "review_before: 2020-01-01",
        "not after in_force_from",
        0,
    ),
    "alias": (METRO, "scene: commute", "scene: &here commute", "aliases and anchors", 0),
    "tag": (METRO, "scene: commute", "scene: !!str commute", "tags are not used", 0),
    "broken YAML": (METRO, "scene: commute", "scene: [commute", "broken YAML", None),
    "second document": (METRO, "scene: commute", "---\nscene: commute", "broken YAML", None),
    "doubled row": (
        PC,
        "baseline_segment: lenovo_laptop_2016",
        "baseline_segment: lenovo_laptop_2015",
        "has two rows",
        0,
    ),
    "missing row": (
        METRO,
        "- profile: CN-SZ-2021",
        "- profile: CN-CQ-2023",
        "missing factor row: reduction_per_km",
        None,
    ),
    "missing category row": (DEVICE, "by: [category]", "by: [model]", "unknown key 'category'", None),
    "choice without row": (
        DEVICE,
        "phone: {zh: 手机",
        "camera: {zh: 相机, en: camera}\n      phone: {zh: 手机",
        "camera",
        None,
    ),
    "name and unit disagree": (METRO, "unit: pkm", "unit: kg", "promises km or pkm or vkm", -1),
    "default of no choice": (
        TABLEWARE,
        "default: chopsticks_pair",
        "default: spoon",
        "'spoon' is not one of",
        0,
    ),
    "no maximum": (METRO, "maximum: 60\n    ", "", "put a limit on everything", None),
    "folder renamed": (METRO, "code: metro_ride", "code: tram_ride", "the folder is called 'metro_ride'", 0),
    "needs too little": (METRO, "needs: [distance_km]", "needs: []", "the formula needs distance_km", None),
    "sentence knows too much": (
        METRO,
        "{distance_km} 公里 ×",
        "{speed} 公里 ×",
        "'speed', which the formula",
        None,
    ),
    "unused parameter": (
        METRO,
        "parameters:\n",
        "parameters:\n  idle:\n    title: {zh: 空, en: idle}\n    unit: '1'\n    rows:\n"
        "      - {value: 1, in_force_from: 2024-01-01, sources: [HOUSE], sentence: x, confidence: ASSUMED,"
        " review_before: 2027-01-01}\n",
        "no formula uses parameter 'idle'",
        2,
    ),
    "regional formula for any profile": (METRO, "CN-SZ-2021: [net", "any: [net", "depends on the profile", 0),
    "unknown correction": (
        METRO,
        "confidence: VERIFIED",
        "confidence: VERIFIED\n        replaces: abc",
        "replaces 'abc'",
        None,
    ),
    "speed in other units": (METRO, "unit: pkm/h", "unit: pkm/trip", "not in pkm/trip", 0),
    "version order": (
        METRO,
        "parameters:\n",
        "  - version: V00\n    in_force_from: 2019-01-01\n    sources: [SZ22]\n"
        "    grades: [E3]\n    claim_types: [REDUCTION]\n    profiles:\n      CN-SZ-2021: [net_per_km]\n"
        "parameters:\n",
        "does not come into force after V01",
        0,
    ),
    "speed over nothing": (
        METRO,
        "unit: s\n    above: 0",
        "unit: s\n    minimum: 0",
        "may be zero",
        None,
    ),
    "default that is no number": (DEVICE, 'default: "1"', 'default: "1/2"', "plain decimal text", 0),
    "unknown claim part": (
        METRO,
        "from: [partner, trip_id]",
        "from: [partner, plate]",
        "'plate' is not one of",
        0,
    ),
    "no word on uncertainty": (METRO, "uncertainty:\n  text: ", "#", "missing key 'uncertainty'", None),
    "range out of order": (METRO, "central: 0.207\n", "central: 0.3\n", "≤ high 463/2200 does not hold", -1),
    "value inside its range": (METRO, "low: 0.0467", "low: 0.04", "neither the low nor the high end", 0),
    "range without a source": (METRO, "sources: [SZ22, CPCD, BJ19]", "sources: [HOUSE]", "needs a published source", 0),
    "range without a low end": (METRO, "          low: 0.0467\n", "", "missing key 'low'", None),
    "source register": ("sources.yaml", "reliability: B", "reliability: D", "'D' is not one of", 0),
    "profile register": ("profiles.yaml", "sources: [SZ22]", "sources: [SZ99]", "unknown source", 0),
    "grade above one": ("evidence_grades.yaml", "value: 0.5", "value: 1.5", "share between 0 and 1", None),
}


@pytest.fixture()
def small_tree(tree: Path) -> Path:
    """The copied tree with only those folders that are spoiled below: four load faster than all."""
    spoiled = {Path(file).parent.name for file, *_ in SPOILED.values()}
    for folder in methodology_folders(tree):
        if folder.name not in spoiled:
            shutil.rmtree(folder)
    return tree


@pytest.mark.parametrize("kind", SPOILED)
def test_refused_with_file_and_line(kind: str, small_tree: Path) -> None:
    file, old, new, words, offset = SPOILED[kind]
    line = replace(small_tree, file, old, new)
    with pytest.raises(DocumentError) as refused:
        load_library(small_tree)
    error = refused.value
    assert words in error.message
    assert error.file == small_tree / file
    assert f"{error.file}:{error.line}:" in error.message_en
    if offset is not None:
        assert error.line == line + offset
    findings = [finding for finding in check_library(small_tree) if finding.level == "error"]
    assert any((finding.file, finding.line) == (file, error.line) for finding in findings)


# a unit that is wrong, and what the traced run says of it
WRONG_UNITS = {
    "parameter": (METRO, "unit: kgCO2/pkm", "unit: kgCO2/km"),
    "monitored": (METRO, "unit: pkm\n", "unit: km\n"),
    "not an emission": (METRO, "unit: gCO2\n", "unit: g\n"),
    "mixed sum": (
        METRO,
        "en: metro emission factor}\n    unit: kgCO2e/pkm",
        "en: metro emission factor}\n    unit: kgCO2e/vkm",
    ),
}


@pytest.mark.parametrize("kind", WRONG_UNITS)
def test_units_are_checked_before_anything_runs(kind: str, tree: Path) -> None:
    file, old, new = WRONG_UNITS[kind]
    replace(tree, file, old, new)
    if kind == "monitored":  # keep the speed check consistent, so that the formula is what is wrong
        replace(tree, file, "unit: pkm/h", "unit: km/h")
    with pytest.raises(DocumentError) as refused:
        load_library(tree)
    assert refused.value.code == "WRONG_UNITS"
    assert refused.value.file == tree / "metro_ride/formula.py"
    assert refused.value.line > 1


def test_a_formula_that_misspells_a_parameter_is_refused(tree: Path) -> None:
    line = replace(
        tree, "metro_ride/formula.py", "parameter.reduction_per_km", "parameter.reduction_per_kilometre"
    )
    with pytest.raises(DocumentError, match="reduction_per_kilometre is not in the document") as refused:
        load_library(tree)
    assert refused.value.file == tree / "metro_ride/formula.py"
    assert abs(refused.value.line - line) <= 3


def test_document_and_formula_name_the_same_formulas(tree: Path) -> None:
    replace(tree, "metro_ride/formula.py", "def per_trip", "def per_journey")
    with pytest.raises(DocumentError, match=r"formula\.py has no formula 'per_trip'"):
        load_library(tree)


def test_a_missing_file_is_named(tree: Path) -> None:
    (tree / "metro_ride/formula.py").unlink()
    with pytest.raises(DocumentError, match=r"formula\.py:1: the file is missing"):
        load_library(tree)


def test_an_empty_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    with pytest.raises(DocumentError, match="empty"):
        read_document(tmp_path / "empty.yaml")


def test_check_reports_every_broken_folder_at_once(tree: Path) -> None:
    replace(tree, METRO, "scene: commute", "scene: holiday")
    replace(tree, DEVICE, "scene: device", "scene: holiday")
    assert {finding.file for finding in check_library(tree)} == {METRO, DEVICE}


def test_check_runs_the_examples(tree: Path) -> None:
    replace(tree, "metro_ride/examples.yaml", "{REDUCTION: 579}", "{REDUCTION: 580}")
    [finding] = check_library(tree)
    assert finding.code == "EXAMPLE_FAILS"
    assert "579" in finding.message


def test_check_asks_for_examples_on_boundary_days(tree: Path) -> None:
    replace(tree, "bicycle_ride/examples.yaml", "day: 2023-12-31", "day: 2023-12-30")
    [finding] = check_library(tree)
    assert (finding.code, finding.file) == ("EXAMPLE_MISSING", "bicycle_ride/methodology.yaml")
