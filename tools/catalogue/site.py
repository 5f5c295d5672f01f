"""The site: which pages there are, what each is made from, and writing them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jinja2

from methodologies import Library, Methodology
from methodologies.kernel.parameters import Parameter
from tools.catalogue import charts, history, words
from tools.catalogue.equivalences import equivalences_content
from tools.catalogue.formulas import shown_formulas
from tools.catalogue.products import product_content
from tools.catalogue.register import citations
from tools.catalogue.rows import Titles, shown_rows, titles_of_keys
from tools.catalogue.tables import grids, tables_of, taken_from, users_of
from tools.catalogue.worked import worked_examples

HERE = Path(__file__).parent
STYLE = "catalogue.css"
Say = Callable[[str], None]

#: What `Methodology.as_json` holds that the page has a section for; anything else gets a plain section of its own.
SECTIONS = {
    *("code", "title", "scene", "standards", "applicability", "boundary", "uncertainty", "evidence"),
    *(
        "claims",
        "exclusivity",
        "points_pending_days",
        "limits",
        "monitored",
        "rates",
        "formulas",
        "versions",
        "parameters",
    ),
}


@dataclass(frozen=True)
class Page:
    """One page: its address below the site, its title, and how its content is made."""

    address: str
    title: str
    template: str
    content: Callable[[], Mapping[str, Any]]

    @property
    def root(self) -> str:
        """The way from this page to the top of the site."""
        return "../" * self.address.count("/")


def build(library: Library, out: Path, say: Say) -> list[str]:
    """Write the whole site below `out`, in place of an earlier one, and return the addresses of its pages.

    The same library gives the same bytes. A folder that holds something else is a `FileExistsError`.
    """
    if out.exists() and any(out.iterdir()) and not (out / STYLE).exists():
        raise FileExistsError(f"{out} holds something else than a catalogue")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copyfile(HERE / STYLE, out / STYLE)
    environment = _environment(library)
    pages = list(_pages(library))
    for number, page in enumerate(pages, start=1):
        text = environment.get_template(page.template).render(page=page, root=page.root, **page.content())
        _write(out / page.address, text)
        say(f"docs: {number}/{len(pages)} {page.address} {page.title}")
    for methodology in library:
        document = json.dumps(methodology.as_json(), ensure_ascii=False, indent=1)
        _write(out / f"methodologies/{methodology.code}.json", document + "\n")
    return [page.address for page in pages]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _environment(library: Library) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, range_of=charts.range_of, library=library, STYLE=STYLE)
    environment.filters.update(unit=words.unit_text, unit_words=words.unit_words, bounds=words.bounds_text)
    return environment


def _pages(library: Library) -> Iterator[Page]:
    titles = titles_of_keys(library)
    tables = tables_of(library)
    yield Page("index.html", "碳普惠方法学目录", "index.html", partial(_index, library, tables))
    for methodology in library:
        yield Page(
            f"methodologies/{methodology.code}.html",
            methodology.title_zh,
            "methodology.html",
            partial(_methodology, library, methodology, titles),
        )
    for name, table in tables.items():
        yield Page(
            f"factors/{name}.html",
            table.title.zh,
            "table.html",
            partial(_table, library, name, table, titles),
        )
    for product in library.products:
        content = partial(product_content, library, product, titles)
        yield Page(f"products/{product.label}.html", product.name.zh, "product.html", content)
    yield Page("equivalences.html", "等价物", "equivalences.html", partial(equivalences_content, library, titles))
    yield Page("profiles.html", "基准线方案", "profiles.html", dict)
    yield Page("sources.html", "来源登记", "sources.html", lambda: {"citations": citations(library, tables)})


def _index(library: Library, tables: Mapping[str, Parameter]) -> Mapping[str, Any]:
    scenes = {scene: [methodology for methodology in library if methodology.scene == scene] for scene in words.SCENES}
    grades = library.registers.grade_factor.current_rows()
    return {"scenes": scenes, "tables": tables, "grades": grades}


def _methodology(library: Library, methodology: Methodology, titles: Titles) -> Mapping[str, Any]:
    document = methodology.as_json()
    fields = methodology.monitored.items()
    own = {**titles, **{name: (field.title.zh, field.choices) for name, field in fields if field.choices}}
    parameters = methodology.definition.parameters
    rows = {name: shown_rows(parameter, own) for name, parameter in parameters.items()}
    formulas = shown_formulas(methodology)
    neighbours = [
        other
        for other in library
        if other is not methodology and set(other.exclusivity_groups) & set(methodology.exclusivity_groups)
    ]
    excluded = [
        other for other in library if set(other.exclusivity_groups) & set(methodology.definition.exclusivity.excludes)
    ]
    return {
        "methodology": methodology,
        "document": document,
        "formulas": formulas,
        "parameters": parameters,
        "taken_from": {name: taken_from(library, parameter) for name, parameter in parameters.items()},
        "rows": rows,
        "examples": worked_examples(library, methodology, formulas),
        "neighbours": neighbours,
        "excluded": excluded,
        "changes": history.by_day(history.changes_of(methodology, rows)),
        "rest": {key: value for key, value in document.items() if key not in SECTIONS},
    }


def _table(library: Library, name: str, table: Parameter, titles: Titles) -> Mapping[str, Any]:
    rows = shown_rows(table, titles)
    return {
        "name": name,
        "table": table,
        "rows": rows,
        "grids": list(grids(table)),
        "charts": charts.charts_of(table),
        "users": users_of(library, name) if table.shared else list(library),
        "changes": history.by_day(history.changes_of_rows(table, rows)),
    }
