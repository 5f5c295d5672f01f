"""A changed copy of the library against the published one: exactly the right personas move, by hand-computed grams."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

import methodologies
from methodologies import DocumentError
from methodologies.kernel.library import Library, load_library
from methodologies.review.annual import annual
from methodologies.review.comparing import ADDED, CORRECTED, EDITED, REMOVED
from methodologies.review.effects import Comparison, compare, percent_text
from methodologies.review.personas import Persona, RepeatedAct, read_personas
from methodologies.review.reviewing import review_text
from methodologies.review.text_tables import Column, aligned, markdown, width

LIBRARY = methodologies.library()
PERSONAS = {persona.code: persona for persona in read_personas(methodologies.ROOT, LIBRARY)}
METRO = "metro_ride/methodology.yaml"

Edit = Callable[[str, str, str], None]


@pytest.fixture()
def edit(tree: Path) -> Edit:
    def replace(file: str, old: str, new: str) -> None:
        text = (tree / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        (tree / file).write_text(text.replace(old, new, 1))

    return replace


def compared(tree: Path, day: date | None = None) -> Comparison:
    return compare(LIBRARY, load_library(tree), day)


def moved(comparison: Comparison, year: int = 0) -> dict[str, dict[str, int]]:
    """Who moves by what: persona → claim type → difference, those who do not move left out."""
    found = {
        effect.persona.code: {one.claim_type: one.difference for one in effect.totals() if one.difference}
        for effect in comparison.years[year].effects
    }
    return {code: differences for code, differences in found.items() if differences}


# -- the personas ------------------------------------------------------------------------------------------


def test_there_are_twelve_and_each_can_do_everything_it_does() -> None:
    assert len(PERSONAS) == 12
    for persona in PERSONAS.values():
        assert annual(LIBRARY, persona, date(2026, 1, 1)).refusals == {}


def test_together_they_touch_every_methodology_and_every_profile_that_has_factors() -> None:
    acts = [act for persona in PERSONAS.values() for act in persona.acts]
    assert {act.methodology for act in acts} == set(LIBRARY.codes)
    served = {profile for one in LIBRARY for version in one.versions for profile in version.profiles}
    assert {act.profile for act in acts} == served - {"any"}


def test_every_profile_that_serves_a_methodology_by_name_is_tried_on_it() -> None:
    tried = {(act.methodology, act.profile) for persona in PERSONAS.values() for act in persona.acts}
    named = {
        (one.code, profile)
        for one in LIBRARY
        for version in one.versions
        for profile in version.profiles
        if profile != "any"
    }
    assert named <= tried


def test_nobody_does_on_one_day_what_excludes_each_other() -> None:
    for persona in PERSONAS.values():
        days: dict[str, set[date]] = {}
        for act in persona.acts:
            days.setdefault(act.methodology, set()).update(act.days_from(date(2026, 1, 1)))
        for code in days:
            excludes = set(LIBRARY.get(code).definition.exclusivity.excludes)
            others = [one for one in days if excludes & set(LIBRARY.get(one).exclusivity_groups)]
            assert not any(days[code] & days[one] for one in others), (persona.code, code, others)


@pytest.mark.parametrize("first", [date(2026, 1, 1), date(2024, 2, 29), date(2023, 7, 9)])
def test_acts_are_dealt_to_the_days_they_name(first: date) -> None:
    def days(times: int, rule: str | tuple[str, ...]) -> list[date]:
        return RepeatedAct("metro_ride", "CN-DEFAULT", "E3", {}, times, rule).days_from(first)

    year = days(365, "every_day")
    assert (year[0], len(set(year))) == (first, 365)
    assert {day.weekday() for day in days(500, "workdays")} == {0, 1, 2, 3, 4}
    assert {day.weekday() for day in days(52, "weekends")} <= {5, 6}
    listed = days(4, ("06-05", "12-31"))
    assert sorted(day.isoformat()[5:] for day in listed) == ["06-05", "06-05", "12-31", "12-31"]
    assert listed == sorted(listed)
    assert first <= listed[0] <= listed[-1] < first + timedelta(days=366)


def test_a_year_is_credited_act_by_act_and_every_act_rounded_down() -> None:
    """12.4 km × 46.7 g = 579.08 g, 480 times 579 g; 5.2 km × 26.9 g = 139.88 g, 60 times 139 g."""
    done = annual(LIBRARY, PERSONAS["shenzhen_metro_commuter"], date(2026, 1, 1))
    assert done.credits == {("metro_ride", "REDUCTION"): 480 * 579, ("bus_ride", "REDUCTION"): 60 * 139}


def test_claim_types_stand_apart() -> None:
    done = annual(LIBRARY, PERSONAS["it_refresh_employer"], date(2026, 1, 1))
    assert done.credits["low_carbon_pc", "REDUCTION"] == 60 * 12_000  # 240 × (1 − 0.2) − 180 kg
    assert done.credits["low_carbon_pc", "OFFSET_BACKED"] == 60 * 150_000
    assert done.credits["green_electricity", "EAC_BACKED"] == 12 * 40_000_000


def test_what_exceeds_a_daily_limit_is_refused_with_its_code() -> None:
    heavy = RepeatedAct("clothes_donation", "CN-DEFAULT", "E3", {"weight_kg": "30"}, 2, ("06-05",))
    light = RepeatedAct("clothes_donation", "CN-DEFAULT", "E3", {"weight_kg": "20"}, 1, ("06-05",))
    done = annual(LIBRARY, Persona("giver", PERSONAS["wuhan_student"].title, "", (heavy, light)), date(2026, 1, 1))
    assert done.refusals == {("clothes_donation", "DAILY_WEIGHT"): 1}
    assert done.credits == {("clothes_donation", "REDUCTION"): (30 + 20) * 3_600}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("methodology: metro_ride", "methodology: metro"),
        ("profile: CN-SZ-2021", "profile: CN-SZ"),
        ("grade: E3", "grade: E4"),
        ('distance_km: "12.4"', 'distance: "12.4"'),
        ("times: 480", "times: 0"),
        ("times: 480", "times: 480.5"),
        ("times: 480", "times: 10001"),
        ("days: workdays", "days: mondays"),
        ("days: [03-20", "days: [02-29"),
        ("days: [03-20", "days: [3-20"),
        ("  story:", "  tale:"),
        ("- code: shenzhen_metro_commuter", "- code: beijing_cyclist"),
    ],
)
def test_a_mistake_in_the_personas_names_its_line(tmp_path: Path, old: str, new: str) -> None:
    text = (methodologies.ROOT / "personas.yaml").read_text()
    (tmp_path / "personas.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(DocumentError) as refused:
        read_personas(tmp_path, LIBRARY)
    assert refused.value.file == tmp_path / "personas.yaml"
    word = new.replace("- code", "code").split()[-1]
    lines = (tmp_path / "personas.yaml").read_text().splitlines()
    assert word.strip("[,") in lines[refused.value.line - 1]


def test_check_reads_the_personas(tree: Path, edit: Edit) -> None:
    edit("personas.yaml", "methodology: metro_ride", "methodology: metro")
    found = methodologies.check(root=tree)
    assert [(one.level, one.code, one.file) for one in found] == [("error", "INVALID_DOCUMENT", "personas.yaml")]


# -- what changes, and who moves ---------------------------------------------------------------------------


def test_an_unchanged_tree_has_no_differences(tree: Path) -> None:
    comparison = compared(tree)
    assert comparison == Comparison((), ())
    assert "没有差异" in review_text(comparison, "v1")


def test_an_edited_number_moves_who_uses_it_and_is_marked_as_rewriting_the_past(tree: Path, edit: Edit) -> None:
    """12.4 km × 50.0 g = 620 g: 480 × (620 − 579) = 19 680 g, of 480 × 579 + 60 × 139 = 286 260 g."""
    edit(METRO, "value: 0.0467", "value: 0.0500")  # the first row is Shenzhen's
    comparison = compared(tree)
    (change,) = comparison.changes
    assert (change.kind, change.rewrites, change.day) == (EDITED, "PUBLISHED_CHANGED", date(2022, 9, 23))
    assert change.address == "metro_ride row reduction_per_km profile=CN-SZ-2021 2022-09-23"
    assert (change.before, change.after) == ("0.0467 kgCO2/pkm VERIFIED", "0.0500 kgCO2/pkm VERIFIED")
    assert (comparison.years[0].first, comparison.years[0].last) == (date(2022, 9, 23), date(2023, 9, 22))
    assert moved(comparison) == {"shenzhen_metro_commuter": {"REDUCTION": 19_680}}
    assert percent_text(286_260, 286_260 + 19_680) == "+6.87"


def test_an_edited_range_or_equivalence_is_seen_and_moves_no_grams(tree: Path, edit: Edit) -> None:
    edit(METRO, "central: 0.207", "central: 0.2")
    edit("equivalences.yaml", "value: 60.5", "value: 60")
    comparison = compared(tree)
    tree_row, metro_row = sorted(comparison.changes, key=lambda change: change.address)
    assert (tree_row.title_zh, tree_row.rewrites) == ("等价物", "PUBLISHED_CHANGED")
    assert metro_row.before == "0.0467 kgCO2/pkm DERIVED 0.0467–0.207–4.63/22"
    assert metro_row.after == "0.0467 kgCO2/pkm DERIVED 0.0467–0.2–4.63/22"
    assert all(moved(comparison, index) == {} for index in range(len(comparison.years)))
    assert "等价物" in review_text(comparison, "v1")


def test_everybody_is_listed_and_whom_it_does_not_touch_shows_nought(tree: Path, edit: Edit) -> None:
    edit(METRO, "value: 0.0467", "value: 0.0500")
    text = review_text(compared(tree, date(2026, 1, 1)), "v1")
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line}
    shown = " ".join(lines["深圳地铁通勤者"])
    assert shown == "深圳地铁通勤者 REDUCTION g 286,260 305,940 +19,680 +6.87 metro_ride +19,680"
    for persona in PERSONAS.values():
        if persona.code != "shenzhen_metro_commuter":
            assert lines[persona.title.zh][-2:] == ["0", "0"]


NEW_ROW = """      - profile: CN-SZ-2021
        value: 0.0500
        in_force_from: 2027-03-01
        sources: [SZ22]
        sentence: 更新的深圳因子。
        confidence: VERIFIED
        review_before: 2029-01-01
  baseline_per_km:
"""


def test_a_dated_row_counts_from_its_day_on_and_rewrites_nothing(tree: Path, edit: Edit) -> None:
    edit(METRO, "  baseline_per_km:\n", NEW_ROW)
    comparison = compared(tree)
    (change,) = comparison.changes
    assert (change.kind, change.rewrites, change.day) == (ADDED, "", date(2027, 3, 1))
    assert moved(comparison) == {"shenzhen_metro_commuter": {"REDUCTION": 19_680}}
    assert moved(compared(tree, date(2026, 1, 1))) == {}
    # Of 480 rides in a year, those from the row's day on are worth 41 g more.
    metro = PERSONAS["shenzhen_metro_commuter"].acts[0]
    later = sum(day >= date(2027, 3, 1) for day in metro.days_from(date(2026, 9, 1)))
    assert 0 < later < 480
    assert moved(compared(tree, date(2026, 9, 1))) == {"shenzhen_metro_commuter": {"REDUCTION": later * 41}}


def test_a_row_slipped_in_before_a_published_one_is_marked(tree: Path, edit: Edit) -> None:
    edit(METRO, "  baseline_per_km:\n", NEW_ROW.replace("2027-03-01", "2021-03-01"))
    (change,) = compared(tree).changes
    assert (change.kind, change.rewrites) == (ADDED, "BACKDATED")


def test_a_correction_names_what_it_corrects_and_rewrites_nothing(tree: Path, edit: Edit) -> None:
    hash_ = next(
        row.row_hash
        for row in LIBRARY.get("metro_ride").definition.parameters["reduction_per_km"].rows
        if dict(row.keys)["profile"] == "CN-SZ-2021"
    )
    row = NEW_ROW.replace("2027-03-01", f"2022-09-23\n        replaces: {hash_}")
    edit(METRO, "  baseline_per_km:\n", row)
    comparison = compared(tree)
    (change,) = comparison.changes
    assert (change.kind, change.rewrites) == (CORRECTED, "")
    assert (change.before, change.after) == ("0.0467 kgCO2/pkm VERIFIED", "0.0500 kgCO2/pkm VERIFIED")
    assert moved(comparison) == {"shenzhen_metro_commuter": {"REDUCTION": 19_680}}


NEW_VERSION = """  - version: V02
    in_force_from: 2027-01-01
    sources: [WH-STAR]
    grades: [E3, E2]
    claim_types: [REDUCTION]
    profiles:
      CN-DEFAULT: [net_per_km]
      CN-SZ-2021: [per_trip]
      CN-BJ-2023: [substitution]
      CN-BJ-2019: [substitution]
      CN-WH-2021: [per_trip]
parameters:
"""


def test_a_new_version_moves_amounts_and_refusals(tree: Path, edit: Edit) -> None:
    """Shenzhen by trip: 480 × (274 − 579) g. Wuhan's 120 self-declared rides of 137 g are refused."""
    edit(METRO, "parameters:\n", NEW_VERSION)
    row = (tree / METRO).read_text().rpartition("      - profile: CN-WH-2021")[2]
    with (tree / METRO).open("a") as file:
        file.write("\n      - profile: CN-SZ-2021" + row.rstrip() + "\n")
    comparison = compared(tree, date(2027, 1, 1))
    assert ("metro_ride version V02", ADDED, date(2027, 1, 1)) in {
        (change.address, change.kind, change.day) for change in comparison.changes
    }
    assert moved(comparison) == {
        "shenzhen_metro_commuter": {"REDUCTION": 480 * (274 - 579)},
        "wuhan_student": {"REDUCTION": -120 * 137},
    }
    student = next(one for one in comparison.years[0].effects if one.persona.code == "wuhan_student")
    assert (student.appear, student.vanish) == ({("metro_ride", "GRADE_NOT_ACCEPTED"): 120}, {})
    assert "武汉走读大学生  metro_ride" in review_text(comparison, "v1")
    back = compare(load_library(tree), LIBRARY, date(2027, 1, 1))
    student = next(one for one in back.years[0].effects if one.persona.code == "wuhan_student")
    assert (student.appear, student.vanish) == ({}, {("metro_ride", "GRADE_NOT_ACCEPTED"): 120})
    assert {change.rewrites for change in back.changes} == {"PUBLISHED_REMOVED"}
    assert {change.kind for change in back.changes} == {REMOVED}


def test_a_unit_off_by_a_thousand_is_seen_and_a_broken_one_is_refused(tree: Path, edit: Edit) -> None:
    """g instead of kg: 12.4 km × 0.0467 g is 0 g; 10 km of the default too."""
    edit(METRO, "unit: kgCO2/pkm", "unit: gCO2/pkm")
    assert moved(compared(tree, date(2026, 1, 1))) == {
        "shenzhen_metro_commuter": {"REDUCTION": -480 * 579},
        "mid_city_commuter": {"REDUCTION": -80 * 467},
    }
    edit(METRO, "unit: gCO2/pkm", "unit: gCO2/kWh")
    with pytest.raises(DocumentError, match=r"metro_ride/formula\.py|metro_ride/methodology\.yaml"):
        compared(tree)


def test_a_tightened_limit_a_bound_and_a_formula_reach_their_methodology(tree: Path, edit: Edit) -> None:
    """One ride a day instead of six leaves as many rides as there are days with rides; 12.4 km are above 12 km."""
    edit(METRO, "maximum: 6", "maximum: 1")
    metro = PERSONAS["shenzhen_metro_commuter"].acts[0]
    lost = 480 - len(set(metro.days_from(date(2026, 1, 1))))
    assert moved(compared(tree, date(2026, 1, 1)))["shenzhen_metro_commuter"] == {"REDUCTION": -lost * 579}
    edit(METRO, "maximum: 1", "maximum: 6")
    edit(METRO, "maximum: 60", "maximum: 12")
    comparison = compared(tree)
    (change,) = comparison.changes
    assert (change.day, change.before, change.after) == (None, "number > 0 ≤ 60 pkm", "number > 0 ≤ 12 pkm")
    assert comparison.years[0].first == date(2024, 1, 1)  # when the last of its rows had come into force
    assert moved(comparison)["beijing_suburb_commuter"] == {"REDUCTION": -240 * 4630}
    edit(METRO, "maximum: 12", "maximum: 60")
    product = "activity.distance_km * parameter.reduction_per_km"
    edit("metro_ride/formula.py", product, f"{product} - {product}")
    comparison = compared(tree)
    assert [change.address for change in comparison.changes] == ["metro_ride formula net_per_km"]
    assert moved(comparison, -1)["shenzhen_metro_commuter"] == {"REDUCTION": -480 * 579}


def test_a_shared_row_reaches_exactly_those_who_read_it(tree: Path, edit: Edit) -> None:
    """Beijing's grid: 38 kWh × 0.5554 kg = 21 105.2 g a month, then with 0.5 kg 19 000 g."""
    lines = (tree / "factors/grid_electricity.yaml").read_text().split("  - data_year: ")
    number = next(
        index for index, row in enumerate(lines) if row.startswith("2023\n    kind: average\n    region: beijing\n")
    )
    old = next(line for line in lines[number].splitlines() if "value:" in line)
    lines[number] = lines[number].replace(old, "    value: 0.5")
    (tree / "factors/grid_electricity.yaml").write_text("  - data_year: ".join(lines))
    before = annual(LIBRARY, PERSONAS["primary_school_class"], date(2026, 1, 1)).credits
    comparison = compared(tree)
    assert comparison.years[0].first == date(2025, 12, 31)
    difference = 10 * 38 * 500 - before["class_electricity", "REDUCTION"]
    assert difference != 0
    assert moved(comparison) == {"primary_school_class": {"REDUCTION": difference}}


def test_a_grade_factor_reaches_every_act_of_its_grade(tree: Path, edit: Edit) -> None:
    edit("evidence_grades.yaml", "value: 0.5", "value: 0.25")
    assert moved(compared(tree, date(2026, 1, 1))) == {"wuhan_student": {"REDUCTION": 120 * (68 - 137)}}


def test_a_methodology_that_comes_is_one_change_and_its_refusals_vanish(tree: Path) -> None:
    published = Library(
        LIBRARY.root, LIBRARY.registers, {one.code: one for one in LIBRARY if one.code != "own_cup"}
    )
    comparison = compare(published, load_library(tree))
    (change,) = comparison.changes
    assert (change.address, change.kind, change.rewrites) == ("own_cup", ADDED, "")
    assert moved(comparison) == {"shanghai_office_worker": {"REDUCTION": 220 * 40}}
    worker = next(one for one in comparison.years[0].effects if one.persona.code == "shanghai_office_worker")
    assert worker.vanish == {("own_cup", "UNKNOWN_METHODOLOGY"): 220}
    assert change.after == "自带杯"


def test_changes_that_begin_years_apart_are_each_shown_in_a_year_of_their_own(tree: Path, edit: Edit) -> None:
    edit(METRO, "value: 0.0467", "value: 0.0500")
    edit("own_cup/methodology.yaml", "value: 40", "value: 41")
    comparison = compared(tree)
    assert [year.first for year in comparison.years] == [date(2022, 9, 23), date(2025, 1, 1)]
    assert moved(comparison, 0) == {"shenzhen_metro_commuter": {"REDUCTION": 19_680}}
    assert moved(comparison, 1)["shanghai_office_worker"] == {"REDUCTION": 220}


def test_an_edited_sentence_is_told_from_an_edited_number(tree: Path, edit: Edit) -> None:
    edit(METRO, "2022-09-23 见报。", "见报。")
    comparison = compared(tree)
    assert [change.rewrites for change in comparison.changes] == ["PUBLISHED_CHANGED"]
    assert moved(comparison) == {}
    assert "只改文字" in review_text(comparison, "v1")


# -- how it is shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(200, 214, "+7"), (3, 2, "-33.33"), (5, 0, "-100"), (0, 5, ""), (0, 0, "0"), (7, 7, "0"), (300, 301, "+0.33")],
)
def test_per_cent(before: int, after: int, text: str) -> None:
    assert percent_text(before, after) == text


def test_columns_are_aligned_for_wide_characters() -> None:
    lines = aligned([Column("人物"), Column("g", right=True)], [["深圳", "1,234"], ["a", "5"]])
    assert lines == ["人物      g", "────  ─────", "深圳  1,234", "a         5"]
    assert width("深圳a") == 5


def test_markdown_holds_its_columns_together() -> None:
    lines = markdown([Column("内容"), Column("差", right=True)], [["a|b", "+1"]])
    assert lines == ["| 内容 | 差 |", "| --- | ---: |", "| a\\|b | +1 |"]


def test_the_comparison_is_json(tree: Path, edit: Edit) -> None:
    edit(METRO, "value: 0.0467", "value: 0.0500")
    shown = json.loads(json.dumps(compared(tree).as_json()))
    assert shown["changes"][0]["rewrites"] == "PUBLISHED_CHANGED"
    commuter = shown["years"][0]["personas"][0]
    total = {"claim_type": "REDUCTION", "unit": "g", "before": 286260, "after": 305940, "difference": 19680}
    assert commuter["totals"] == [{**total, "percent": "+6.87"}]


def test_a_change_of_the_product_register_is_told(tree: Path, edit: Edit) -> None:
    edit("products/ideapad_3_14.yaml", "value: 210", "value: 211")
    comparison = compared(tree)
    assert {change.title_zh for change in comparison.changes} == {"产品登记"}
    assert "products row product_footprint model=ideapad_3_14 2024-01-01" in {
        change.address for change in comparison.changes
    }
    assert moved(comparison) == {}  # nobody's computer is that model
