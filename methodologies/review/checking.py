"""`check`: everything a reviewer wants to know about the library before it is published, as a list of findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from methodologies.kernel.errors import DocumentError
from methodologies.kernel.exclusivity import check_exclusivity
from methodologies.kernel.library import Library, check_segments, load_methodology, methodology_folders
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.model import Place
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.products import FOOTPRINT
from methodologies.kernel.registers import Registers, read_registers
from methodologies.review.examples import overstatement, read_examples, run_example, uncovered_days
from methodologies.review.personas import read_personas
from methodologies.review.published import compare_lock

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend (`error`) or to look at (`warning`), with a stable code and the file and line it is about."""

    level: str
    code: str
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.level} {self.code}: {self.message}"


def check_library(root: Path, today: date | None = None) -> list[Finding]:
    """Schema, units, sources, completeness, examples, the published lock; with `today`, rows due for review."""
    return list(_findings(root, today))


def _findings(root: Path, today: date | None) -> Iterator[Finding]:
    try:
        registers = read_registers(root)
    except DocumentError as error:
        yield _of_error(root, error)
        return
    loaded: dict[str, Methodology] = {}
    broken = False
    for folder in methodology_folders(root):
        try:
            methodology = load_methodology(folder, registers)
            loaded[methodology.code] = methodology
            yield from _of_examples(root, methodology, folder, registers)
        except DocumentError as error:
            broken = True
            yield _of_error(root, error)
    library = Library(root, registers, loaded)
    if not broken:
        yield from _of_whole(root, library)
        yield from _of_lock(root, library)
    if today is not None:
        yield from _of_reviews(root, library, today)
        yield from _of_certificates(root, library, today)


def _of_error(root: Path, error: DocumentError) -> Finding:
    return _finding(root, ERROR, error.code, error.message, Place(error.file, error.line))


def _finding(root: Path, level: str, code: str, message: str, place: Place) -> Finding:
    file = place.file.relative_to(root) if place.file.is_relative_to(root) else place.file
    return Finding(level, code, str(file), place.line, message)


def _of_examples(
    root: Path, methodology: Methodology, folder: Path, registers: Registers
) -> Iterator[Finding]:
    examples = read_examples(folder, registers)
    for example in examples:
        difference = run_example(methodology, example)
        if difference:
            yield _finding(root, ERROR, "EXAMPLE_FAILS", f"{example.name}: {difference}", example.place)
        excess = overstatement(methodology, example)
        if excess:
            yield _finding(root, ERROR, "NOT_CONSERVATIVE", f"{example.name}: {excess}", example.place)
    for message, place in uncovered_days(methodology, examples):
        yield _finding(root, ERROR, "EXAMPLE_MISSING", message, place)


def _of_whole(root: Path, library: Library) -> Iterator[Finding]:
    """What only the whole library can tell."""
    try:
        check_exclusivity(library)
        check_segments(library)
        read_personas(root, library)
    except DocumentError as error:
        yield _of_error(root, error)


def _of_lock(root: Path, library: Library) -> Iterator[Finding]:
    try:
        for discrepancy in compare_lock(library):
            yield _finding(root, ERROR, discrepancy.code, discrepancy.message, discrepancy.place)
    except DocumentError as error:
        yield _of_error(root, error)


def _of_reviews(root: Path, library: Library, today: date) -> Iterator[Finding]:
    """A row still in use after its `review_before` day: somebody has to look whether a newer text exists."""
    parameters: list[Parameter] = [library.registers.grade_factor, *library.registers.tables.values()]
    parameters.append(library.products.tables[FOOTPRINT.name])
    equivalences = library.registers.equivalences.values()
    parameters += [one.factor for one in equivalences if not one.factor.shared]
    parameters += [
        parameter
        for methodology in library
        for parameter in methodology.definition.parameters.values()
        if not parameter.shared
    ]
    for parameter in parameters:
        for row in parameter.current_rows():
            in_use = parameter.row_on(dict(row.keys), today) is row
            if in_use and row.review_before <= today:
                yield _finding(
                    root,
                    WARNING,
                    "REVIEW_OVERDUE",
                    f"{row.methodology} {row.parameter} was to be reviewed before {row.review_before}",
                    row.place,
                )


def _of_certificates(root: Path, library: Library, today: date) -> Iterator[Finding]:
    """The newest certificate of a product, ended or due for review: somebody has to ask for the next one."""
    for product in library.products:
        begun = [one for one in product.current_certificates() if one.in_force_from <= today]
        newest = max(begun, key=lambda one: one.in_force_from, default=None)
        if newest is None:
            continue
        if not newest.holds_on(today):
            message = f"the certificate of {product.label} ended on {newest.valid_until}"
            yield _finding(root, WARNING, "CERTIFICATE_EXPIRED", message, newest.place)
        elif newest.review_before <= today:
            message = f"the certificate of {product.label} was to be reviewed before {newest.review_before}"
            yield _finding(root, WARNING, "REVIEW_OVERDUE", message, newest.place)
