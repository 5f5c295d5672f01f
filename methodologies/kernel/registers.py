"""The registers every methodology refers to: sources.yaml, profiles.yaml, evidence_grades.yaml, factors/
and products/; and equivalences.yaml, which none of them knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from methodologies.kernel.documents import Node, read_document
from methodologies.kernel.equivalences import Equivalence, read_equivalences
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.model import GRADES, HOUSE, Profile, Source
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.product_reading import read_products
from methodologies.kernel.products import Products
from methodologies.kernel.rows import read_parameter, read_sources, read_title
from methodologies.kernel.tables import read_tables

GRADE_FACTOR = "grade_factor"


@dataclass(frozen=True, slots=True)
class Registers:
    """Sources by tag, profiles by code, the dated factor of each evidence grade, the shared tables, the
    products, and what reductions are compared to."""

    sources: Mapping[str, Source]
    profiles: Mapping[str, Profile]
    grade_factor: Parameter
    tables: Mapping[str, Parameter]
    products: Products
    equivalences: Mapping[str, Equivalence]

    @property
    def shared(self) -> Mapping[str, Parameter]:
        """Everything a methodology may take: the tables in factors/ and those of the product register."""
        return {**self.tables, **self.products.tables}


def read_registers(root: Path) -> Registers:
    """Read the registers and the shared tables below `root`; a `DocumentError` names file and line."""
    sources = _read_sources(read_document(root / "sources.yaml"))
    profiles = _read_profiles(read_document(root / "profiles.yaml"), sources)
    document = read_document(root / "evidence_grades.yaml")
    node = document.mapping([GRADE_FACTOR])[GRADE_FACTOR]
    factor = read_parameter("evidence_grades", GRADE_FACTOR, node, {"grade": frozenset(GRADES)}, sources)
    missing = set(GRADES) - {dict(row.keys)["grade"] for row in factor.rows}
    if missing:
        raise node.refuse(f"no factor for grade {', '.join(sorted(missing))}")
    if factor.unit.powers or any(not 0 <= row.value <= 1 for row in factor.rows):
        raise node.refuse("the factor of an evidence grade is a share between 0 and 1")
    tables = read_tables(root, sources)
    equivalences = read_equivalences(root, sources, tables)
    return Registers(sources, profiles, factor, tables, read_products(root, sources), equivalences)


def _read_sources(document: Node) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for tag, node in document.entries().items():
        entry = node.mapping(["title", "reliability"], ["url"])
        url = entry["url"].text() if "url" in entry else ""
        if url and not url.startswith(("https://", "http://")):
            raise entry["url"].refuse("an address starts with http:// or https://")
        found[tag] = Source(
            tag, entry["title"].text(), entry["reliability"].one_of(["A", "B", "C", HOUSE]), url
        )
    return found


def _read_profiles(document: Node, sources: Mapping[str, Source]) -> dict[str, Profile]:
    found: dict[str, Profile] = {}
    for code, node in document.entries().items():
        entry = node.mapping(["title", "baseline_type", "region", "sources"], ["note"])
        found[code] = Profile(
            code,
            read_title(entry["title"]),
            read_title(entry["baseline_type"]),
            entry["region"].text(),
            read_sources(entry["sources"], sources),
            entry["note"].text() if "note" in entry else "",
        )
    if not found:
        raise DocumentError(document.file, document.line, "no profile is registered")
    return found
