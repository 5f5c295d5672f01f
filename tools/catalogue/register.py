"""Who cites which source, for the source register."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from methodologies import Library, Methodology, Source
from methodologies.kernel.parameters import Parameter, Row
from methodologies.kernel.products import Product
from methodologies.review.examples import read_examples


def citations(library: Library, tables: Mapping[str, Parameter]) -> dict[str, list[tuple[str, str]]]:
    """Source tag → (title, address) of every page that cites it, each once."""
    found: dict[str, dict[tuple[str, str], None]] = {tag: {} for tag in library.sources}
    for methodology in library:
        for tag in _tags(library, methodology):
            found[tag][methodology.title_zh, f"methodologies/{methodology.code}.html"] = None
    for name, table in tables.items():
        for source in _sources_of_rows(table.rows):
            found[source.tag][table.title.zh, f"factors/{name}.html"] = None
    for profile in library.profiles.values():
        for source in profile.sources:
            found[source.tag][f"基准线方案 {profile.code}", f"profiles.html#profile-{profile.code}"] = None
    for equivalence in library.registers.equivalences.values():
        for source in _sources_of_rows(equivalence.factor.rows):
            found[source.tag]["等价物", f"equivalences.html#equivalence-{equivalence.code}"] = None
    for product in library.products:
        for source in _sources_of(product):
            found[source.tag][product.name.zh, f"products/{product.label}.html"] = None
    return {tag: list(places) for tag, places in found.items()}


def _sources_of_rows(rows: Iterable[Row]) -> Iterator[Source]:
    for row in rows:
        yield from row.sources
        yield from row.range.sources if row.range else ()


def _sources_of(product: Product) -> Iterator[Source]:
    yield from _sources_of_rows(sheet.row for sheet in product.footprints)
    yield from (source for certificate in product.certificates for source in certificate.sources)


def _tags(library: Library, methodology: Methodology) -> Iterator[str]:
    definition = methodology.definition
    yield from (source.tag for source, _ in definition.standards)
    yield from (source.tag for version in definition.versions for source in version.sources)
    for parameter in definition.parameters.values():
        yield from (source.tag for source in _sources_of_rows(parameter.rows))
    folder = definition.place.file.parent
    yield from (example.source for example in read_examples(folder, library.registers) if example.source)
