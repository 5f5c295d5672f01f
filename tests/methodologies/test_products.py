"""The product register: what is published about a product, what is not, and on which day it holds."""

import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

import methodologies
from methodologies import MethodologyError
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.library import Library, load_library
from methodologies.kernel.registers import read_registers
from methodologies.review.checking import check_library
from methodologies.review.published import compare_lock

PRODUCTS = methodologies.products()
CERTIFIED = ("legion_y9000k_irx9", "thinkbook_x_imh", "yoga_book_9_13imu9", "yoga_pro_16s_imh9")
DAY = date(2025, 6, 1)
LEGION = "products/legion_y9000k_irx9.yaml"
IDEAPAD = "products/ideapad_3_14.yaml"
CARBON = "products/thinkpad_x1_carbon_gen9.yaml"


def replace(root: Path, file: str, old: str, new: str) -> int:
    """Replace the first occurrence and return its line."""
    path = root / file
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def buying(library: Library, day: date, **data: str | int) -> int:
    """The compensation credited for a purchase."""
    return library.get("low_carbon_pc").quantify(data, day, "CN-DEFAULT").credits["OFFSET_BACKED"]


# -- what it says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", CERTIFIED)
def test_the_four_models_certified_in_december_2023(label: str) -> None:
    product = methodologies.product(label)
    assert product.footprints == ()
    (certificate,) = product.certificates
    assert certificate.issued == "2023-12"
    assert certificate.scheme is not None and "《产品碳中和实施通则》" in certificate.scheme.zh
    assert [source.tag for source in certificate.sources] == ["SRC"]
    # what no source says is not there
    assert (certificate.number, certificate.issuer, certificate.registry) == (None, None, None)
    assert (certificate.valid_from, certificate.valid_until, certificate.retirement_serials) == (None, None, None)
    # sold from 2024 on
    assert product.certificate_on(date(2023, 12, 31)) is None
    assert product.certificate_on(date(2024, 1, 1)) is certificate


def test_published_footprint_sheets() -> None:
    carbon = methodologies.product("thinkpad_x1_carbon_gen9").footprint_on(DAY)
    ideapad = methodologies.product("ideapad_3_14").footprint_on(DAY)
    assert carbon is not None and ideapad is not None
    assert (carbon.row.value, carbon.lifetime_years, carbon.boundary) == (508_000, 5, "生产、运输、5 年使用")
    assert (ideapad.row.value, ideapad.published_on, ideapad.use_location) == (210_000, "2020-02", "美国")
    assert ideapad.error_margin is not None and ideapad.error_margin.share == Fraction("0.186")
    assert (carbon.tool, carbon.segment, ideapad.segment) == (None, None, "lenovo_laptop_2019")
    for label in ("thinkpad_x1_carbon_gen9", "ideapad_3_14"):
        assert methodologies.product(label).footprint_on(date(2023, 12, 31)) is None


def test_a_certificate_without_a_statement_credits_nothing() -> None:
    product = methodologies.product("yoga_air_14s")
    certificate = product.certificate_on(DAY)
    assert certificate is not None and certificate.issuer is not None
    assert (certificate.issuer.en, certificate.statement) == ("TÜV Rheinland", None)
    assert product.assumption_on(DAY) is None


@pytest.mark.parametrize(
    ("sold_as", "label"),
    [
        ("ThinkBook X IMH", "thinkbook_x_imh"),
        ("yoga  pro-16S（IMH9）", "yoga_pro_16s_imh9"),
        ("ＹＯＧＡ Book 9 13IMU9", "yoga_book_9_13imu9"),
        ("X1 Carbon Gen 9", "thinkpad_x1_carbon_gen9"),
        ("V14", "ideapad_3_14"),
    ],
)
def test_a_model_is_found_by_any_name_it_is_sold_under(sold_as: str, label: str) -> None:
    found = PRODUCTS.find(sold_as)
    assert found is not None and found.label == label


@pytest.mark.parametrize("name", ["ThinkBook X", "", "——", "Commodore 64"])
def test_other_names_find_nothing(name: str) -> None:
    assert PRODUCTS.find(name) is None


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(MethodologyError) as refused:
        methodologies.product("commodore_64")
    assert refused.value.code == "UNKNOWN_PRODUCT"


# -- what a purchase rests on ------------------------------------------------------------------------------


def test_the_sheet_stands_in_the_basis_with_source_and_hash() -> None:
    data = {"model": "thinkpad_x1_carbon_gen9", "retired_kg": 1000}
    done = methodologies.quantify("low_carbon_pc", data, DAY, "CN-DEFAULT")
    (row,) = (row for row in done.basis.rows if row["parameter"] == "product_footprint")
    sheet = methodologies.product("thinkpad_x1_carbon_gen9").footprint_on(DAY)
    assert sheet is not None and row == sheet.row.as_json()
    assert (row["methodology"], row["sources"][0]["tag"]) == ("products", "LN-OFF1")
    assert methodologies.recompute(done.basis.as_json(), data).credits == done.credits == {
        "REDUCTION": 0,
        "OFFSET_BACKED": 508_000,
    }


def test_an_unpublished_footprint_is_called_an_assumption() -> None:
    data = {"certified_model": "thinkbook_x_imh", "certified_retired_kg": "312"}
    done = methodologies.quantify("low_carbon_pc", data, DAY, "CN-DEFAULT")
    assert done.baseline_g is done.project_g is None
    assert "certified_share: ASSUMED" in done.trail()["unverified"]
    assert "碳足迹未公布" in done.sentence_zh() and "假定" in done.sentence_zh()
    assert methodologies.recompute(done.basis.as_json(), data).credits["OFFSET_BACKED"] == 312_000


def test_the_choices_are_those_of_the_register() -> None:
    monitored = methodologies.library().get("low_carbon_pc").monitored
    assert tuple(monitored["certified_model"].choices) == CERTIFIED
    assert tuple(monitored["model"].choices) == ("ideapad_3_14", "thinkpad_x1_carbon_gen9")


def test_no_purchase_counts_after_the_certificate_ended(tree: Path) -> None:
    replace(tree, LEGION, "valid_until: null", "valid_until: 2025-05-31")
    library = load_library(tree)
    data = {"certified_model": "legion_y9000k_irx9", "certified_retired_kg": 300}
    assert buying(library, date(2025, 5, 31), **data) == 300_000
    with pytest.raises(MethodologyError) as refused:
        buying(library, date(2025, 6, 1), **data)
    assert refused.value.code == "NOT_IN_FORCE"
    assert library.products.get("legion_y9000k_irx9").certificate_on(date(2025, 6, 1)) is None


def test_the_assumption_ends_when_a_sheet_is_published(tree: Path) -> None:
    sheets = (tree / CARBON).read_text()
    sheet = sheets[sheets.index("footprints:") : sheets.index("certificates:")].replace("2024-01-01", "2025-06-01", 1)
    replace(tree, LEGION, "footprints: []\n", sheet)
    library = load_library(tree)
    product = library.products.get("legion_y9000k_irx9")
    assumed = {"certified_model": "legion_y9000k_irx9", "certified_retired_kg": 600}
    assert buying(library, date(2025, 5, 31), **assumed) == 600_000
    assert product.assumption_on(date(2025, 5, 31)) is not None and product.assumption_on(DAY) is None
    with pytest.raises(MethodologyError, match="NOT_IN_FORCE"):
        buying(library, DAY, **assumed)
    assert buying(library, DAY, model="legion_y9000k_irx9", retired_kg=600) == 508_000


def test_a_correction_names_the_certificate_it_replaces(tree: Path) -> None:
    (wrong,) = methodologies.product("legion_y9000k_irx9").certificates
    text = (tree / LEGION).read_text()
    entry = text[text.index("  - issued:") :]
    corrected = entry.replace("number: null", f"replaces: {wrong.hash}\n    number: CN-1")
    (tree / LEGION).write_text(text + corrected)
    library = load_library(tree)
    certificate = library.products.get("legion_y9000k_irx9").certificate_on(DAY)
    assert certificate is not None and certificate.number == "CN-1"
    assert {difference.code for difference in compare_lock(library)} == {"NOT_LOCKED"}
    done = library.get("low_carbon_pc").quantify(
        {"certified_model": "legion_y9000k_irx9", "certified_retired_kg": 300}, DAY, "CN-DEFAULT"
    )
    assert done.basis.rows[0]["replaces"] == wrong.assumption.row_hash  # type: ignore[union-attr]


# -- what is refused, by file and line ---------------------------------------------------------------------

SHEET = re.search(r"  - value: 210.*?\n(?=certificates)", (methodologies.ROOT / IDEAPAD).read_text(), re.DOTALL)
CERTIFICATE = re.search(r"  - issued.*", (methodologies.ROOT / LEGION).read_text(), re.DOTALL)
assert SHEET and CERTIFICATE
# what is spoiled: file, old text, new text, words of the message
SPOILED = {
    "unknown source": (LEGION, "sources: [SRC]", "sources: [SRX]", "unknown source 'SRX'"),
    "unknown source of a sheet": (IDEAPAD, "sources: [BOAV]", "sources: [BOAX]", "unknown source 'BOAX'"),
    "ends before it begins": (LEGION, "valid_until: null", "valid_until: 2023-12-31", "ends before it begins"),
    "counts before it is valid": (LEGION, "valid_from: null", "valid_from: 2024-01-02", "is before valid_from"),
    "two sheets on a day": (IDEAPAD, "certificates: []", SHEET[0] + "certificates: []", "two rows"),
    "two certificates on a day": (LEGION, CERTIFICATE[0], CERTIFICATE[0] * 2, "two certificates begin"),
    "correction of nothing": (LEGION, "    number: null", "    replaces: abc\n    number: null", "replaces 'abc'"),
    "unknown segment": (IDEAPAD, "lenovo_laptop_2019", "lenovo_laptop_1999", "knows the segment"),
    "model of another": (LEGION, "models: [Legion Y9000K IRX9]", "models: [v-14]", "also a model of ideapad_3_14"),
    "model without a letter": (LEGION, "models: [Legion Y9000K IRX9]", "models: [——]", "also a model of nothing"),
    "another label": (LEGION, "label: legion_y9000k_irx9", "label: legion", "the file is called"),
    "label not fit for an address": (LEGION, "label: legion_y9000k_irx9", "label: Legion Y9000K", "is not a name"),
    "unknown category": (LEGION, "category: laptop", "category: toaster", "'toaster' is not one of"),
    "nothing left out": (LEGION, "    registry: null\n", "", "missing key 'registry'"),
    "unknown key": (LEGION, "    registry: null", "    register: null", "unknown key 'register'"),
    "half a month": (LEGION, "issued: 2023-12", "issued: 2023-13", "neither a year, a month nor a day"),
    "in force before it was issued": (LEGION, "issued: 2023-12", "issued: 2024-02", "in force from 2024-01-01, before"),
    "in force before it was published": (IDEAPAD, "published_on: 2020-02", "published_on: 2024-01-02", "before 2024"),
    "more than the whole": (LEGION, "retired_share: 1", "retired_share: 1.5", "at most 1"),
    "assumption on silence": (LEGION, "statement: 碳足迹认证", "statement: null\n    # ", "there is none"),
    "upside-down margin": (IDEAPAD, "lowest: 0.105", "lowest: 0.3", "an error margin is"),
    "shares of nothing": (IDEAPAD, "stage_shares: null", "stage_shares: {use: 0.3, manufacture: 0.6}", "sum to 1"),
    "review before start": (LEGION, "review_before: 2027-01-01", "review_before: 2023-01-01", "review_before"),
    "label without a source": (IDEAPAD, "sources: [BOAV]", "sources: [HOUSE]", "needs a published source"),
    "certificate without a source": (LEGION, "sources: [SRC]", "sources: [HOUSE]", "needs a published source"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_refused_with_file_and_line(kind: str, tree: Path) -> None:
    file, old, new, words = SPOILED[kind]
    replace(tree, file, old, new)
    with pytest.raises(DocumentError) as refused:
        load_library(tree)
    assert words in refused.value.message
    assert refused.value.file.parent == tree / "products"
    found = [finding for finding in check_library(tree) if finding.level == "error"]
    assert (str(refused.value.file.relative_to(tree)), refused.value.line) in [(one.file, one.line) for one in found]


def test_check_warns_of_what_ended_and_what_is_due(tree: Path) -> None:
    replace(tree, LEGION, "valid_until: null", "valid_until: 2026-12-31")
    before = [one for one in check_library(tree, date(2026, 12, 31)) if one.file.startswith("products/")]
    after = [one for one in check_library(tree, date(2027, 1, 1)) if one.file.startswith("products/")]
    assert [one.code for one in before] == ["NOT_LOCKED"]
    warned = {one.file: one.code for one in after if one.level == "warning"}
    assert warned.pop(LEGION) == "CERTIFICATE_EXPIRED"
    assert set(warned.values()) == {"REVIEW_OVERDUE"} and len(warned) == len(PRODUCTS) - 1


# -- what is published stays -------------------------------------------------------------------------------


def products_of(root: Path) -> Library:
    """The copied tree with the register read again."""
    return Library(root, read_registers(root), {one.code: one for one in methodologies.library()})


@pytest.mark.parametrize("label", [product.label for product in PRODUCTS])
def test_editing_any_published_line_is_caught(label: str, tree: Path) -> None:
    file = tree / f"products/{label}.yaml"
    lines = file.read_text().splitlines()
    free = ("name", "maker", "category", "note", "review_before", "valid_until", "footprints", "certificates")
    tried = 0
    for index, line in enumerate(lines):
        head, _, value = line.partition(": ")
        key = head.strip(" -")
        if line.startswith("#") or not value or (key in free and not (key == "note" and line.startswith(" "))):
            continue
        spoilt = f"{head}: {spoil(key, value)}"
        file.write_text("\n".join([*lines[:index], spoilt, *lines[index + 1 :]]))
        tried += 1
        try:
            codes = {difference.code for difference in compare_lock(products_of(tree))}
        except DocumentError:
            continue  # so wrong that it does not even load
        assert codes & {"PUBLISHED_CHANGED", "PUBLISHED_REMOVED"}, f"{spoilt.strip()} went unseen"
    assert tried > 10


def spoil(key: str, value: str) -> str:
    """Another value that still reads well."""
    if key == "sources":
        return "[CACE034]"
    if key in ("in_force_from", "valid_from"):
        return "2023-01-01"
    if key == "confidence":
        return "RECALLED"
    if key == "stage_shares":
        return "{use: 1}"
    if key in ("issued", "published_on"):
        return "2019"
    if key in ("issuer", "scheme"):
        return "{zh: 某机构, en: somebody}"
    if key in ("retired_kg", "lifetime_years"):
        return "7"
    if key == "models":
        return "[Commodore 64]"
    if key == "assumption":
        return "{retired_share: 1, sentence: 假定}"
    if key == "segment":
        return "lenovo_laptop_2018"
    if re.fullmatch(r"[0-9.]+", value):
        return f"{value}1" if "." in value else "0.9"
    return f"{value[:-1]}改{value[-1]}"


def test_the_end_of_a_certificate_may_be_published_later(tree: Path) -> None:
    replace(tree, LEGION, "valid_until: null", "valid_until: 2027-12-31")
    (added,) = compare_lock(products_of(tree))
    assert added.code == "NOT_LOCKED" and "certificate 2024-01-01 until" in added.message
