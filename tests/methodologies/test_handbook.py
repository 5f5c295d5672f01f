"""docs/methodologies.md, the handbook for carbon experts, tells what the check says and every key there is."""

import ast
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import methodologies

HANDBOOK = (methodologies.ROOT.parent / "docs/methodologies.md").read_text(encoding="utf-8")
#: The modules that read and check the documents, by name.
CODE = {file.stem: file for room in ("kernel", "review") for file in (methodologies.ROOT / room).glob("*.py")}
#: code → (what the handbook says a finding reads like) of the table of codes.
TOLD = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", HANDBOOK, re.MULTILINE))
Spoil = Callable[[Path], None]


def change(file: str, old: str, new: str) -> Spoil:
    def spoil(root: Path) -> None:
        path = root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return spoil


def add_earlier_row(root: Path) -> None:
    [row] = methodologies.library().get("clothes_donation").definition.parameters["reduction_per_kg"].rows
    file = root / "clothes_donation/methodology.yaml"
    text = file.read_text(encoding="utf-8").rstrip()
    keys = (
        "sources: [HOUSE]\n        sentence: 早一天。\n        confidence: ASSUMED\n        review_before: 2030-01-01\n"
    )
    day = f"\n      - value: 3.5\n        in_force_from: {row.in_force_from.replace(day=1, year=2023)}\n        "
    file.write_text(text + day + keys, encoding="utf-8")


def in_the_lock(edit: Callable[[list[str]], list[str]]) -> Spoil:
    def spoil(root: Path) -> None:
        file = root / "PUBLISHED.lock"
        lines = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join(edit(lines)) + "\n", encoding="utf-8")

    return spoil


#: How an author comes to meet each code.
FAULTS: dict[str, Spoil] = {
    "INVALID_DOCUMENT": change("own_cup/methodology.yaml", "code: own_cup", "code: own_cup\ncolour: green"),
    "WRONG_UNITS": change("own_cup/formula.py", "activity.quantity * parameter.reduction_per_use", "activity.quantity"),
    "MISSING_ROW": change("metro_ride/methodology.yaml", "CN-WH-2021: [per_trip]", "CN-CQ-2023: [per_trip]"),
    "EXAMPLE_FAILS": change("metro_ride/examples.yaml", "credits: {REDUCTION: 579}", "credits: {REDUCTION: 580}"),
    "NOT_CONSERVATIVE": change("bicycle_ride/methodology.yaml", "value: 0.0478", "value: 0.2318"),
    "EXAMPLE_MISSING": change("metro_ride/examples.yaml", "day: 2019-12-31", "day: 2019-12-30"),
    "NOT_LOCKED": in_the_lock(lambda lines: lines[:-1]),
    "PUBLISHED_CHANGED": change("own_cup/methodology.yaml", "\n    note: ", "\n    note: 改过。"),
    "PUBLISHED_REMOVED": in_the_lock(lambda lines: [*lines, "0" * 64 + "  own_cup row withdrawn"]),
    "BACKDATED": add_earlier_row,
    "REVIEW_OVERDUE": lambda root: None,
    "CERTIFICATE_EXPIRED": change("products/thinkbook_x_imh.yaml", "valid_until: null", "valid_until: 2024-06-30"),
}


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_reads_as_the_handbook_says(code: str, tree: Path) -> None:
    FAULTS[code](tree)
    findings = methodologies.check(date(2030, 1, 1), tree)
    said = [finding.message for finding in findings if finding.code == code]
    assert said, f"{code} is not reported: {[str(finding) for finding in findings][:5]}"
    pattern = re.sub(r"[0-9]+(-[0-9]+)*", "[0-9-]+", re.escape(TOLD[code]).replace(r"\-", "-"))
    assert any(re.search(pattern, message) for message in said), f"{TOLD[code]!r}, but: {said}"


def codes_of_the_check() -> set[str]:
    """Every code the check can report, read from the kernel."""
    found = {"INVALID_DOCUMENT"}
    for file in CODE.values():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            codes = {"_finding": node.args[2:3], "Discrepancy": node.args[:1], "Finding": node.args[1:2]}.get(
                called, []
            )
            codes += [word.value for word in node.keywords if called == "DocumentError" and word.arg == "code"]
            found |= {code.value for code in codes if isinstance(code, ast.Constant)}
    return found


def test_the_handbook_explains_every_code_and_no_other() -> None:
    assert set(TOLD) == set(FAULTS) == codes_of_the_check()


def test_the_sentences_of_the_strict_reader_are_quoted_right() -> None:
    table = HANDBOOK[HANDBOOK.index("| 说法 | 意思 |") :].split("\n\n")[0]
    quoted = [words for line in table.splitlines()[2:] for words in re.findall("`([^`]+)`", line.split("|")[1])]
    assert len(quoted) > 20
    sources = "".join(file.read_text(encoding="utf-8") for file in CODE.values())
    assert [words for words in quoted if words not in sources] == []


def keys_of_the_documents() -> set[str]:
    """Every key the strict reader knows of a methodology, a shared table, a row and an example."""
    found: set[str] = set()
    for name in ("reading", "rows", "tables", "examples"):
        for node in ast.walk(ast.parse(CODE[name].read_text(encoding="utf-8"))):
            read = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "mapping"
            listed = isinstance(node, ast.Assign) and re.search(
                "_REQUIRED|_KEYS|_OPTIONS|_AMOUNTS", ast.unparse(node.targets[0])
            )
            if read or listed:
                inner = (part for part in ast.walk(node) if isinstance(part, ast.Constant))
                found |= {part.value for part in inner if isinstance(part.value, str) and part.value}
    return found


def test_the_handbook_names_every_key() -> None:
    keys = keys_of_the_documents()
    assert {"uncertainty", "default_parameter", "required_with", "vintage", "reduction_g", "in_force_until"} <= keys
    missing = {key for key in keys if not re.search(rf"(`|^ *(- )?|[{{ ]){key}(`|:)", HANDBOOK, re.MULTILINE)}
    assert missing == set()


def test_the_handbook_lists_every_methodology() -> None:
    table = HANDBOOK[HANDBOOK.index("| 文件夹 | 方法学 |") :].split("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == set(methodologies.library().codes)


def test_what_the_handbook_says_about_a_metro_ride_is_what_comes_out() -> None:
    day = date(2026, 6, 5)
    profiles = dict(re.findall(r"^\| `(CN-[A-Z0-9-]+)` \| [^|]+ \| ([^|]+) \|$", HANDBOOK, re.MULTILINE))
    assert set(profiles) == set(methodologies.library().profiles)
    for profile, told in profiles.items():
        data = {} if "按次" in HANDBOOK.split(f"`{profile}` |")[1].split("|")[0] else {"distance_km": "10"}
        if "拒绝" in told:
            with pytest.raises(methodologies.MethodologyError):
                methodologies.quantify("metro_ride", data, day, profile)
        else:
            grams = methodologies.quantify("metro_ride", data, day, profile).credits["REDUCTION"]
            assert told.replace(" ", "").startswith(f"{grams}克")


def test_a_new_folder_meets_the_checks_in_the_order_told(tree: Path) -> None:
    """Steps 2, 6, 9 and 10 of the handbook, with a copied folder."""
    folder = tree / "car_sharing"
    shutil.copytree(tree / "own_cup", folder)
    [found] = methodologies.check(root=tree)
    assert found.code == "INVALID_DOCUMENT" and "the folder is called 'car_sharing'" in found.message
    change("car_sharing/methodology.yaml", "code: own_cup", "code: car_sharing")(tree)
    (folder / "examples.yaml").write_text(
        (folder / "examples.yaml").read_text(encoding="utf-8").split("\n- name:")[0] + "\n", encoding="utf-8"
    )
    assert {finding.code for finding in methodologies.check(root=tree)} == {"EXAMPLE_MISSING", "NOT_LOCKED"}
    shutil.copyfile(tree / "own_cup/examples.yaml", folder / "examples.yaml")
    found_now = methodologies.check(root=tree)
    assert {finding.code for finding in found_now} == {"NOT_LOCKED"}
    assert {Path(finding.file).parts[0] for finding in found_now} == {"car_sharing"}
