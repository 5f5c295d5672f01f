"""PUBLISHED.lock: what was published can be corrected, never edited; each published line is tried in turn."""

import re
from datetime import date
from pathlib import Path

import pytest

import methodologies
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.formulas import load_formulas
from methodologies.kernel.library import Library, load_library, load_methodology
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.model import Place
from methodologies.kernel.reading import read_definition
from methodologies.kernel.registers import read_registers
from methodologies.kernel.tracing import trace_formulas
from methodologies.review.checking import check_library
from methodologies.review.entries import published_entries
from methodologies.review.published import LOCK, compare_lock, discrepancies, read_lock, write_lock

LIBRARY = methodologies.library()
CODES = LIBRARY.codes
# Every line of a document that says something published. A formula's sentence is wording for members and may
# be improved; a row's sentence is what the source says.
LINES = re.compile(
    r"^(?: +(?:- )?(?:value|in_force_from|sources|confidence|note|unit|grades|claim_types|maximum|above"
    r"|minimum|default|equation|from|version|shared|low|central|high)|        (?:  )?sentence): "
)
VALUE = re.compile(r"^ +(?:- )?value: ")


def spoil(line: str) -> str:
    """The same line with another published content."""
    head, value = line.split(": ", 1)
    key = head.split()[-1]
    if key == "in_force_from":
        return f"{head}: {'2018-01-01' if value != '2018-01-01' else '2018-01-02'}"
    if key == "sources":
        return f"{head}: [CACE034]"
    if key == "confidence":
        return f"{head}: {'RECALLED' if value != 'RECALLED' else 'ASSUMED'}"
    if key == "unit":
        return f"{head}: {value}*1" if value != '"1"' else f'{head}: "%"'
    if key == "grades":
        return f"{head}: [E3]"
    if key == "claim_types":
        return f"{head}: [ENGAGEMENT, OFFSET_BACKED]"
    if key == "shared" and value == "{}":
        return f"{head}: {{model: ideapad_3_14}}"
    if key == "shared":
        return line.replace("average", "fossil_only")
    if key == "from":
        return f"{head}: [certificate_no, line]"
    if key in ("value", "maximum", "above", "minimum", "default", "low", "central", "high"):
        number = value.strip('"')
        return f'{head}: "{number}1"' if "/" in number or "." in number else f'{head}: "{number}.5"'
    return f"{line}改"


def end_of_range(lines: list[str], index: int) -> int | None:
    """The line of the same row that repeats the value on line `index` as an end of its range."""
    value = lines[index].split("value: ")[1]
    for number in range(index + 1, len(lines)):
        if "value: " in lines[number]:
            return None
        if lines[number].strip() in (f"low: {value}", f"high: {value}"):
            return number
    return None


def reloaded(root: Path, code: str) -> Library:
    """The copied tree with one folder read again."""
    others = {methodology.code: methodology for methodology in LIBRARY if methodology.code != code}
    others[code] = load_methodology(root / code, LIBRARY.registers)
    return Library(root, LIBRARY.registers, others)


def test_the_lock_lists_the_whole_tree_and_nothing_else() -> None:
    assert compare_lock(LIBRARY) == []
    lines = (methodologies.ROOT / LOCK).read_text().splitlines()
    assert len([line for line in lines if not line.startswith("#")]) == len(published_entries(LIBRARY))


@pytest.mark.parametrize("code", CODES)
def test_editing_any_published_line_is_caught(code: str, tree: Path) -> None:
    """Every line; of a row, its number changed, file and line are told."""
    others = tuple(f"{other} " for other in CODES if other != code)
    locked = read_lock(tree).items()
    published = {entry: Place(tree / LOCK, line) for entry, line in locked if not entry[0].startswith(others)}
    file, formulas = tree / code / "methodology.yaml", load_formulas(tree / code / "formula.py")
    lines = file.read_text().splitlines()
    tried = 0
    for index, line in enumerate(lines):
        if not LINES.match(line):
            continue
        tried += 1
        if line.lstrip().startswith(("note: ", "sentence: ")) and tried % 4:
            continue  # a row's words are hashed together with its number; a quarter of them stands for all
        spoiled, row = [*lines[:index], spoil(line), *lines[index + 1 :]], VALUE.match(line)
        if row and (end := end_of_range(lines, index)):  # it moves along, or the document does not load
            spoiled[end] = spoil(lines[end])
        file.write_text("\n".join(spoiled))
        try:
            definition = read_definition(file, LIBRARY.registers)
            traces = trace_formulas(definition, formulas)
        except DocumentError:
            assert not row
            continue  # so wrong that it does not even load
        methodology = Methodology(definition, formulas, traces, LIBRARY.registers)
        found = discrepancies(Library(tree, LIBRARY.registers, {code: methodology}), published)
        assert {one.code for one in found} & {"PUBLISHED_CHANGED", "PUBLISHED_REMOVED"}, f"{line.strip()}: unseen"
        if row:
            [changed] = [one.place for one in found if one.code == "PUBLISHED_CHANGED"]
            assert (changed.file, 0 <= index + 1 - changed.line <= 3) == (file, True)
    assert tried > 10


@pytest.mark.parametrize("code", CODES)
def test_editing_a_formula_is_caught(code: str, tree: Path) -> None:
    file = tree / code / "formula.py"
    text = file.read_text()
    file.write_text(re.sub(r"activity\.(\w+) \* ", r"activity.\1 / ", text, count=1))
    if file.read_text() == text:
        file.write_text(text.replace("baseline * ", "baseline / ", 1))
    if file.read_text() == text:  # a certificate's energy, or nothing to compute at all
        file.write_text(text.replace("min(", "max(").replace("no_reduction()", "no_reduction(offset_backed=None)"))
    assert file.read_text() != text
    try:
        codes = {difference.code for difference in compare_lock(reloaded(tree, code))}
    except DocumentError:
        return  # the units no longer fit
    assert "PUBLISHED_CHANGED" in codes


def test_comments_and_layout_may_be_improved(tree: Path) -> None:
    document = tree / "metro_ride/methodology.yaml"
    document.write_text("# 说明\n" + document.read_text())
    formula = tree / "metro_ride/formula.py"
    formula.write_text(formula.read_text().replace('"""ER = d', '"""Reduction: ER = d'))
    assert compare_lock(reloaded(tree, "metro_ride")) == []


def test_words_may_be_improved_but_never_unseen(tree: Path) -> None:
    """The lock lists the new wording beside the old one; going back to the old one is no news."""
    document = tree / "metro_ride/methodology.yaml"
    before = document.read_text()
    document.write_text(before.replace("每人每天最多计 6 次", "每人每天最多计 7 次"))
    reworded = reloaded(tree, "metro_ride")
    assert [(one.code, one.address) for one in compare_lock(reworded)] == [("NOT_LOCKED", "metro_ride wording")]
    assert write_lock(reworded) == ["metro_ride wording"]
    assert compare_lock(reworded) == []
    document.write_text(before)
    assert compare_lock(reloaded(tree, "metro_ride")) == []


def test_removing_a_published_row_or_folder_is_caught(tree: Path) -> None:
    (tree / "book_donation/methodology.yaml").unlink()
    codes = {difference.code for difference in compare_lock(load_library(tree))}
    assert codes == {"PUBLISHED_REMOVED"}
    with pytest.raises(DocumentError) as refused:
        write_lock(load_library(tree))
    assert refused.value.file == tree / LOCK


def test_sources_profiles_and_grades_are_published_too(tree: Path) -> None:
    for file, old, new in (
        ("sources.yaml", "title: 噢啦旧衣回收", "title: 某旧衣回收"),
        ("profiles.yaml", "region: 湖北省武汉市", "region: 湖北省"),
        ("evidence_grades.yaml", "value: 0.5", "value: 0.6"),
    ):
        path = tree / file
        text = path.read_text()
        path.write_text(text.replace(old, new, 1))
        assert any(finding.code == "PUBLISHED_CHANGED" for finding in check_library(tree)), file
        path.write_text(text)
    assert check_library(tree) == []


def test_a_dead_link_may_be_repaired_and_a_review_day_moved(tree: Path) -> None:
    sources = tree / "sources.yaml"
    sources.write_text(
        sources.read_text().replace("https://oola.cn/dynamic/detail/533", "https://example.org/archive")
    )
    clothes = tree / "clothes_donation/methodology.yaml"
    clothes.write_text(clothes.read_text().replace("review_before: 2027-01-01", "review_before: 2028-01-01"))
    assert check_library(tree) == []


NEW_ROW = """
      - value: {value}
        in_force_from: {day}
        sources: [CLOTH1]
        sentence: 新的一行。
        confidence: VERIFIED
        review_before: 2028-01-01
"""


def test_a_later_row_is_added_and_locked_and_the_day_chooses(tree: Path) -> None:
    file = tree / "clothes_donation/methodology.yaml"
    file.write_text(file.read_text().rstrip() + NEW_ROW.format(value="3.1", day="2026-01-01"))
    library = load_library(tree)
    assert {difference.code for difference in compare_lock(library)} == {"NOT_LOCKED"}
    assert write_lock(library) == ["clothes_donation row reduction_per_kg 2026-01-01"]
    assert compare_lock(library) == []
    clothes = library.get("clothes_donation")
    assert clothes.quantify({"weight_kg": 1}, date(2025, 12, 31), "CN-DEFAULT").credits == {"REDUCTION": 3600}
    assert clothes.quantify({"weight_kg": 1}, date(2026, 1, 1), "CN-DEFAULT").credits == {"REDUCTION": 3100}


def test_a_row_before_a_published_one_is_refused(tree: Path) -> None:
    file = tree / "clothes_donation/methodology.yaml"
    file.write_text(file.read_text().rstrip() + NEW_ROW.format(value="3.1", day="2023-01-01"))
    library = load_library(tree)
    assert "BACKDATED" in {difference.code for difference in compare_lock(library)}
    with pytest.raises(DocumentError):
        write_lock(library)


def test_a_correction_names_the_hash_it_replaces(tree: Path) -> None:
    file = tree / "clothes_donation/methodology.yaml"
    wrong = LIBRARY.get("clothes_donation").definition.parameters["reduction_per_kg"].rows[0]
    before = LIBRARY.get("clothes_donation").quantify({"weight_kg": 1}, date(2025, 6, 1), "CN-DEFAULT")
    row = NEW_ROW.format(value="3.5", day="2024-01-01").rstrip() + f"\n        replaces: {wrong.row_hash}\n"
    file.write_text(file.read_text().rstrip() + row)
    library = load_library(tree)
    assert write_lock(library) == ["clothes_donation row reduction_per_kg 2024-01-01"]
    assert compare_lock(library) == []
    after = library.get("clothes_donation").quantify({"weight_kg": 1}, date(2025, 6, 1), "CN-DEFAULT")
    assert (before.credits, after.credits) == ({"REDUCTION": 3600}, {"REDUCTION": 3500})
    assert after.basis.rows[0]["replaces"] == wrong.row_hash
    assert after.basis.hash != before.basis.hash

    from methodologies.kernel.replay import recompute

    assert recompute(library, before.basis.as_json(), {"weight_kg": 1}, "E3").credits == {"REDUCTION": 3600}


def test_a_row_cannot_be_replaced_twice(tree: Path) -> None:
    file = tree / "clothes_donation/methodology.yaml"
    wrong = LIBRARY.get("clothes_donation").definition.parameters["reduction_per_kg"].rows[0].row_hash
    for value in ("3.5", "3.4"):
        row = NEW_ROW.format(value=value, day="2024-01-01").rstrip() + f"\n        replaces: {wrong}"
        file.write_text(file.read_text().rstrip() + row)
    with pytest.raises(DocumentError, match="no uncorrected earlier row"):
        load_library(tree)


def test_a_profile_that_any_already_served_needs_a_new_version(tree: Path) -> None:
    file = tree / "clothes_donation/methodology.yaml"
    file.write_text(
        file.read_text().replace("any: [by_weight]", "any: [by_weight]\n      CN-WH-2021: [by_weight]")
    )
    assert "BACKDATED" in {difference.code for difference in compare_lock(reloaded(tree, "clothes_donation"))}


def test_a_version_may_be_closed_but_not_reopened(tree: Path) -> None:
    file = tree / "clothes_donation/methodology.yaml"
    open_text = file.read_text()
    header = "    in_force_from: 2024-01-01\n    sources: [CLOTH1, CLOTH2]\n"
    file.write_text(open_text.replace(header, header + "    in_force_until: 2026-12-31\n"))
    library = reloaded(tree, "clothes_donation")
    assert write_lock(library) == ["clothes_donation version V01 until"]
    clothes = library.get("clothes_donation")
    assert clothes.quantify({"weight_kg": 1}, date(2026, 12, 31), "CN-DEFAULT").credits == {"REDUCTION": 3600}
    with pytest.raises(methodologies.MethodologyError) as refused:
        clothes.quantify({"weight_kg": 1}, date(2027, 1, 1), "CN-DEFAULT")
    assert refused.value.code == "NOT_IN_FORCE"
    file.write_text(open_text)
    assert {one.code for one in compare_lock(reloaded(tree, "clothes_donation"))} == {"PUBLISHED_REMOVED"}


def test_an_unreadable_lock_is_refused(tree: Path) -> None:
    with (tree / LOCK).open("a") as lock:
        lock.write("deadbeef  something\n")
    [finding] = check_library(tree)
    assert (finding.code, finding.file) == ("INVALID_DOCUMENT", LOCK)


def test_overdue_reviews_are_warnings_and_need_a_day() -> None:
    assert methodologies.check(date(2026, 12, 31)) == []
    overdue = methodologies.check(date(2027, 1, 1))
    assert {finding.level for finding in overdue} == {"warning"}
    assert {finding.code for finding in overdue} == {"REVIEW_OVERDUE"}
    assert "review" in str(overdue[0])


def test_registers_are_read_from_the_copy(tree: Path) -> None:
    assert read_registers(tree).profiles.keys() == LIBRARY.profiles.keys()
