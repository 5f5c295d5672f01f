"""The library: every folder with a methodology.yaml, loaded strictly, checked, and ready to quantify."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from methodologies.kernel.errors import DocumentError, MethodologyError, shown
from methodologies.kernel.exclusivity import check_exclusivity
from methodologies.kernel.formulas import load_formulas
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.model import Profile, Source
from methodologies.kernel.products import Products
from methodologies.kernel.reading import read_definition
from methodologies.kernel.registers import Registers, read_registers
from methodologies.kernel.tracing import trace_formulas

DOCUMENT = "methodology.yaml"
#: The choice by which a methodology names what a product is compared with.
SEGMENT = "baseline_segment"


class Library:
    """All methodologies by code, with the registers they share. Iterates over methodologies in order of their codes."""

    def __init__(self, root: Path, registers: Registers, methodologies: Mapping[str, Methodology]) -> None:
        self.root = root
        self.registers = registers
        self._methodologies = dict(sorted(methodologies.items()))

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._methodologies)

    @property
    def profiles(self) -> Mapping[str, Profile]:
        return self.registers.profiles

    @property
    def products(self) -> Products:
        return self.registers.products

    @property
    def sources(self) -> Mapping[str, Source]:
        return self.registers.sources

    def get(self, code: str) -> Methodology:
        """The methodology with this code, or UNKNOWN_METHODOLOGY."""
        try:
            return self._methodologies[code]
        except (KeyError, TypeError):
            raise MethodologyError(
                "UNKNOWN_METHODOLOGY",
                f"未知的方法学 {shown(code)}",
                f"unknown methodology {shown(code)}",
                methodology=shown(code),
                known=list(self.codes),
            ) from None

    def __iter__(self) -> Iterator[Methodology]:
        return iter(self._methodologies.values())

    def __len__(self) -> int:
        return len(self._methodologies)


def methodology_folders(root: Path) -> list[Path]:
    """The folders below `root` that hold a methodology document."""
    return sorted(file.parent for file in root.glob(f"*/{DOCUMENT}"))


def load_methodology(folder: Path, registers: Registers) -> Methodology:
    """Load one folder; a `DocumentError` names file and line."""
    definition = read_definition(folder / DOCUMENT, registers)
    formulas = load_formulas(folder / "formula.py")
    return Methodology(definition, formulas, trace_formulas(definition, formulas), registers)


def load_library(root: Path) -> Library:
    """Load everything below `root`; the first mistake is a `DocumentError` naming file and line."""
    registers = read_registers(root)
    loaded = [load_methodology(folder, registers) for folder in methodology_folders(root)]
    check_exclusivity(loaded)
    library = Library(root, registers, {methodology.code: methodology for methodology in loaded})
    check_segments(library)
    return library


def check_segments(library: Library) -> None:
    """The segment a footprint sheet is compared with is one some methodology knows; else a `DocumentError`."""
    fields = [methodology.monitored.get(SEGMENT) for methodology in library]
    known = {code for field in fields if field is not None for code in field.choices}
    for product in library.products:
        for sheet in product.footprints:
            if sheet.segment is not None and sheet.segment not in known:
                place = sheet.row.place
                raise DocumentError(place.file, place.line, f"no methodology knows the segment {sheet.segment!r}")
