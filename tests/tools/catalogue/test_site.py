"""The catalogue holds everything published, leads nowhere wrong, loads nothing from outside, and is sound HTML."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

import methodologies
from methodologies.kernel.exact import reading_text
from methodologies.kernel.library import load_library
from methodologies.kernel.model import CLAIM_TYPES, CONFIDENCES, SCENES
from methodologies.kernel.product_reading import CATEGORIES, STAGES
from methodologies.kernel.reading import IDENTITY_FIELDS
from methodologies.review.examples import read_examples
from tests.house_rules import ROOT
from tests.tools.catalogue.reading import PageReader, Site, maths
from tools.catalogue import words
from tools.catalogue.__main__ import main
from tools.catalogue.site import STYLE, build
from tools.catalogue.tables import tables_of

LIBRARY = methodologies.library()


def test_there_is_a_page_for_everything(site: Site) -> None:
    expected = {"index.html", "equivalences.html", "profiles.html", "sources.html"}
    expected |= {f"methodologies/{code}.html" for code in LIBRARY.codes}
    expected |= {f"products/{product.label}.html" for product in LIBRARY.products}
    expected |= {f"factors/{name}.html" for name in tables_of(LIBRARY)}
    assert expected <= set(site.addresses)
    written = {file.relative_to(site.folder).as_posix() for file in site.folder.rglob("*.html")}
    assert written == set(site.addresses)
    assert len(site.said) == len(site.addresses)
    for number, (address, line) in enumerate(zip(site.addresses, site.said, strict=True), start=1):
        assert line.startswith(f"docs: {number}/{len(site.addresses)} {address} ")


def test_the_index_leads_to_every_page(site: Site) -> None:
    links = {link.partition("#")[0] for link in site.pages["index.html"].links}
    assert set(site.addresses) - {"index.html"} <= links


# -- sound pages ---------------------------------------------------------------------------------------------


def test_tags_balance_and_ids_are_unique(site: Site) -> None:
    for address, page in site.pages.items():
        assert page.faults == [], address
        assert len(page.ids) == len(set(page.ids)), address
        assert site.html(address).startswith('<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">')


def test_headings_tables_and_pictures_can_be_heard(site: Site) -> None:
    for address, page in site.pages.items():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels.count(1) == 1, address
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels)), address
        tags = [tag for tag, _ in page.tags]
        assert tags.count("table") == tags.count("caption"), address
        assert all("scope" in attributes for tag, attributes in page.tags if tag == "th"), address
        assert all(attributes.get("aria-label") for tag, attributes in page.tags if tag in {"svg", "math"}), address


def test_links_and_anchors_lead_somewhere(site: Site) -> None:
    broken = []
    for address, page in site.pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if re.match(r"https?://", link):
                continue
            aim = (site.folder / address).parent.joinpath(target).resolve() if target else site.folder / address
            relative = aim.relative_to(site.folder.resolve() if target else site.folder).as_posix()
            found = relative in site.pages or (relative.endswith(".json") and aim.exists())
            if not link or not found or (anchor and anchor not in site.pages[relative].ids):
                broken.append(f"{address}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_outside(site: Site) -> None:
    for address, page in site.pages.items():
        assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "embed", "form", "base"} == set()
        assert page.loaded == ["../" * address.count("/") + STYLE], address
        outside = {link for link in page.links if ":" in link}
        assert outside <= {source.url for source in LIBRARY.sources.values()}, address
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")], address
    style = (site.folder / STYLE).read_text(encoding="utf-8")
    assert "url(" not in style and "@import" not in style and "http" not in style


def test_mathml_is_sound_xml(site: Site) -> None:
    for methodology in LIBRARY:
        found = maths(site.html(f"methodologies/{methodology.code}.html"))
        assert len(found) > len(methodology.formulas)
        for math in found:
            fromstring(math)


# -- everything published is there ---------------------------------------------------------------------------


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_everything_of_a_methodology_is_on_its_page(code: str, site: Site) -> None:
    methodology, page = LIBRARY.get(code), site.page(code)
    document, text = methodology.as_json(), page.text
    for name, parameter in document["parameters"].items():
        assert f"parameter-{name}" in page.ids and parameter["title"]["zh"] in text
        for row in parameter["rows"]:
            assert f"row-{row['row_hash']}" in page.ids and row["row_hash"] in text
            for told in (row["value"], row["sentence"], row["note"], row["review_before"], row["in_force_from"]):
                assert told in text
            stated = row.get("range", {"low": "", "high": "", "central": "", "sentence": "", "sources": []})
            assert all(stated[told] in text for told in ("low", "high", "central", "sentence"))
            for source in (*row["sources"], *stated["sources"]):
                assert f"../sources.html#source-{source['tag']}" in page.links
    for version in document["versions"]:
        assert f"version-{version['version']}" in page.ids and version["note"] in text
        assert all(
            f"../profiles.html#profile-{profile}" in page.links for profile in version["profiles"] if profile != "any"
        )
        assert all(f"../sources.html#source-{source['tag']}" in page.links for source in version["sources"])
    for name, formula in document["formulas"].items():
        assert f"formula-{name}" in page.ids and formula["equation"] in text
    for name, field in document["monitored"].items():
        assert f"monitored-{name}" in page.ids and field["description"] in text
        assert all(title["zh"] in text for title in field["choices"].values())
    for told in (
        *document["applicability"],
        document["boundary"],
        document["evidence"]["text"],
        document["uncertainty"]["text"],
    ):
        assert told in text
    for standard in document["standards"]:
        assert standard["text"] in text and f"../sources.html#source-{standard['source']['tag']}" in page.links
    for entry in (*document["limits"], *document["rates"]):
        assert entry["code"] in text and entry["title"]["zh"] in text
    assert document["exclusivity"]["text"] in text


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_every_symbol_says_what_it_is_and_in_which_unit(code: str, site: Site) -> None:
    document = LIBRARY.get(code).as_json()
    for name in document["formulas"]:
        article = site.article(code, f"formula-{name}")
        used = set(re.findall(r'data-name="((?:activity|parameter)\.[a-z_]+)"', article))
        for quantity in used:
            origin, _, field = quantity.partition(".")
            entry = document["monitored" if origin == "activity" else "parameters"][field]
            row = next(row for row in re.findall(r"<tr>.*?</tr>", article, re.S) if f"<code>{quantity}</code>" in row)
            told = PageReader(row).text
            assert entry["title"]["zh"] in told and (words.unit_text(entry["unit"]) or "无量纲") in told
            assert ("监测数据" if origin == "activity" else "参数") in told


def test_a_negative_result_stands_without_brackets_and_people_are_counted_in_words(site: Site) -> None:
    """An example of a car-free day that is none emits more than it saves; a meeting counts those who attend."""
    assert "<mo>=</mo><mrow><mo>−</mo><mn>530</mn></mrow>" in site.html("methodologies/car_free_day.html")
    assert ">人</abbr>" in site.html("methodologies/online_meeting.html")


def test_calculated_quantities_have_units(site: Site) -> None:
    article = site.article("low_carbon_pc", "formula-with_baseline")
    row = next(row for row in re.findall(r"<tr>.*?</tr>", article, re.S) if "<var>certain</var>" in row)
    assert "gCO₂e/item" in PageReader(row).text and "中间量" in PageReader(row).text


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_examples_are_on_the_page_as_the_library_answers_them(code: str, site: Site) -> None:
    methodology = LIBRARY.get(code)
    examples = read_examples(methodology.definition.place.file.parent, LIBRARY.registers)
    for number, example in enumerate(examples, start=1):
        text = PageReader(site.article(code, f"example-{number}")).text
        assert example.name in text and str(example.day) in text
        assert example.profile in text and example.grade in text
        try:
            done = methodology.quantify(example.data, example.day, example.profile, example.grade)
        except methodologies.MethodologyError as refusal:
            assert f"{refusal.code} {refusal.message_zh}" in text
        else:
            assert done.sentence_zh() in text
            if done.reduction_range_g is not None:
                assert " / ".join(reading_text(end).replace("-", "−") for end in done.reduction_range_g) in text
            assert all(
                f"{amount} {'Wh' if kind == 'EAC_BACKED' else 'g'}" in text for kind, amount in done.credits.items()
            )


def test_shared_rows_sources_and_profiles_have_anchors(site: Site) -> None:
    for name, table in tables_of(LIBRARY).items():
        page = site.pages[f"factors/{name}.html"]
        for row in table.rows:
            assert f"row-{row.row_hash}" in page.ids and row.row_hash in page.text and row.sentence in page.text
            assert all(f"../sources.html#source-{source.tag}" in page.links for source in row.sources)
    assert {f"source-{tag}" for tag in LIBRARY.sources} <= set(site.pages["sources.html"].ids)
    assert {f"profile-{code}" for code in LIBRARY.profiles} <= set(site.pages["profiles.html"].ids)


def test_what_is_published_about_a_product_is_on_its_page(site: Site) -> None:
    assert len(LIBRARY.products) > 3
    for product in LIBRARY.products:
        page = site.pages[f"products/{product.label}.html"]
        assert all(name in page.text for name in (product.name.zh, product.maker.zh, *product.models))
        for sheet in product.footprints:
            assert f"row-{sheet.row.row_hash}" in page.ids and sheet.row.sentence in page.text
            told = sheet.details()
            assert all(str(told[name]) in page.text for name in ("published_on", "boundary", "tool") if told[name])
            assert (sheet.error_margin is None) or sheet.error_margin.of in page.text
        for certificate in product.certificates:
            assert f"certificate-{certificate.hash}" in page.ids and certificate.sentence in page.text
            assert all(f"../sources.html#source-{source.tag}" in page.links for source in certificate.sources)
            assert certificate.statement is None or certificate.statement in page.text
        absent = [value for one in product.certificates for value in one.as_json().values() if value is None]
        absent += [value for sheet in product.footprints for value in sheet.details().values() if value is None]
        assert not absent or words.NOT_PUBLISHED in page.text
    shares = LIBRARY.products.tables["certified_share"].rows
    assert shares
    for row in shares:
        assert f"row-{row.row_hash}" in site.pages[f"products/{row.keys[0][1]}.html"].ids


def test_equivalences_are_shown_with_their_factors(site: Site) -> None:
    page = site.pages["equivalences.html"]
    for code, equivalence in LIBRARY.registers.equivalences.items():
        assert f"equivalence-{code}" in page.ids and equivalence.title.zh in page.text
        for row in equivalence.factor.rows:
            assert f"row-{row.row_hash}" in page.ids and row.sentence in page.text
        told = equivalence.of(1000, max(row.in_force_from for row in equivalence.factor.rows))
        assert told is not None and told["sentence_zh"] in page.text


def test_methodologies_that_exclude_each_other_name_each_other(site: Site) -> None:
    pairs = 0
    for methodology in LIBRARY:
        claims = site.html(f"methodologies/{methodology.code}.html")
        claims = claims[claims.index('<section id="claims">') : claims.index('<section id="history">')]
        for other in LIBRARY:
            if set(other.exclusivity_groups) & set(methodology.definition.exclusivity.excludes):
                assert f'<a href="{other.code}.html">' in claims
                pairs += 1
    assert pairs > 10


def test_keys_are_shown_by_their_titles(site: Site) -> None:
    for name, table in LIBRARY.registers.tables.items():
        html = site.html(f"factors/{name}.html")
        for row in table.rows:
            start = html.index(f'<tr id="row-{row.row_hash}"')
            told = PageReader(html[start : html.index("</tr>", start) + 5]).text
            assert all(table.key_titles[key][value].zh in told for key, value in row.keys)


def test_the_days_of_a_row_end_where_the_next_begins(site: Site) -> None:
    table = LIBRARY.registers.tables["grid_electricity"]
    page = site.html("factors/grid_electricity.html")
    days = []
    for row in table.rows:
        if dict(table.choosing(row)) == {"kind": "average", "region": "national"}:
            cells = page[page.index(f'id="row-{row.row_hash}"') :]
            found = re.search(r'class="days">([^<]+)<', cells)
            assert found
            days.append(found[1])
    assert days[:3] == ["2022-01-01 至 2024-12-25", "2024-12-26 至 2025-12-30", days[2]]
    assert days[2].startswith("2025-12-31")


def test_a_machine_reads_the_same_document(site: Site) -> None:
    for methodology in LIBRARY:
        written = json.loads((site.folder / f"methodologies/{methodology.code}.json").read_text(encoding="utf-8"))
        assert written == methodology.as_json()


def test_every_code_has_a_chinese_word() -> None:
    assert set(words.SCENES) == set(SCENES)
    assert set(words.CLAIM_TYPES) == set(CLAIM_TYPES)
    assert set(words.CONFIDENCES) == set(CONFIDENCES)
    assert set(words.IDENTITY) == set(IDENTITY_FIELDS)
    assert set(words.CATEGORIES) == set(CATEGORIES)
    assert set(words.STAGES) == set(STAGES)
    assert {source.reliability for source in LIBRARY.sources.values()} <= set(words.RELIABILITIES)
    assert {limit.per for methodology in LIBRARY for limit in methodology.limits} <= set(words.PERIODS)


# -- corrections, later keys, building -----------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The library's documents and formulas (not the kernel) in a directory of their own."""
    root = tmp_path / "library"
    leave_out = shutil.ignore_patterns("kernel", "review", "__pycache__", "__*__.py")
    shutil.copytree(methodologies.ROOT, root, ignore=leave_out)
    return root


def test_a_corrected_row_is_marked_and_the_correction_is_in_the_history(tree: Path, tmp_path: Path) -> None:
    [row] = LIBRARY.get("clothes_donation").definition.parameters["reduction_per_kg"].rows
    file = tree / "clothes_donation/methodology.yaml"
    correction = f"""
      - value: 3.5
        in_force_from: {row.in_force_from}
        sources: [HOUSE]
        sentence: 更正一例。
        confidence: ASSUMED
        review_before: 2030-01-01
        replaces: {row.row_hash}
"""
    file.write_text(file.read_text(encoding="utf-8").rstrip() + correction, encoding="utf-8")
    library = load_library(tree)
    _, corrected = library.get("clothes_donation").definition.parameters["reduction_per_kg"].rows
    build(library, tmp_path / "docs", lambda line: None)
    html = (tmp_path / "docs/methodologies/clothes_donation.html").read_text(encoding="utf-8")
    assert f'<tr id="row-{row.row_hash}" class="replaced">' in html
    assert f'见<a href="#row-{corrected.row_hash}">更正行</a>' in html
    assert f'本行更正<a href="#row-{row.row_hash}">此行</a>' in html
    history = html[html.index('id="history"') :]
    assert "更正为 3.5" in history and f"#row-{corrected.row_hash}" in history


def test_what_the_document_says_anew_gets_a_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_json = methodologies.Methodology.as_json
    said = {"text": "不确定性 <b>±30 %</b>", "sources": [LIBRARY.sources["BJ19"].as_json()]}
    monkeypatch.setattr(methodologies.Methodology, "as_json", lambda self: {**as_json(self), "a_new_key": said})
    build(LIBRARY, tmp_path / "docs", lambda line: None)
    html = (tmp_path / "docs/methodologies/metro_ride.html").read_text(encoding="utf-8")
    section = html[html.index('id="rest-a_new_key"') :]
    assert "不确定性 &lt;b&gt;±30 %&lt;/b&gt;" in section
    assert '<a href="../sources.html#source-BJ19">BJ19</a>' in section
    assert PageReader(html).faults == []


def test_building_again_gives_the_same_bytes_and_leaves_nothing_behind(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    build(LIBRARY, folder, lambda line: None)
    (folder / "methodologies/withdrawn.html").write_text("old")
    build(LIBRARY, folder, lambda line: None)
    files = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    before = {file.relative_to(site.folder): file.read_bytes() for file in site.folder.rglob("*") if file.is_file()}
    assert files == before


def test_the_command_builds_and_never_overwrites_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "docs")]) == 0
    assert f"docs: open {tmp_path / 'docs' / 'index.html'}" in capsys.readouterr().out
    (tmp_path / "precious.txt").write_text("mine")
    assert main([str(tmp_path)]) == 1
    assert "something else" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_make_docs_builds_what_the_documents_say() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(
        r"^docs: setup ## .*build/docs/index\.html\n\t@\$\(BIN\)/python -m tools\.catalogue build/docs$", makefile, re.M
    )
    for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md"):
        assert "make docs" in (ROOT / name).read_text(encoding="utf-8"), name
