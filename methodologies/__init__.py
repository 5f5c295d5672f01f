"""碳普惠方法学库: activity data → emission reduction. Pure: no clock, environment, network or database.

>>> import methodologies
>>> done = methodologies.quantify("metro_ride", {"distance_km": "12.4"}, date(2025, 6, 1), "CN-DEFAULT")
>>> done.credits
{'REDUCTION': 579}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from methodologies.kernel.definition import ClaimRule, Limit, MonitoredField, Version
from methodologies.kernel.equivalences import equivalences_of
from methodologies.kernel.errors import DocumentError, MethodologyError
from methodologies.kernel.library import Library, load_library
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.model import CLAIM_TYPES, GRADES, Profile, Source, Title
from methodologies.kernel.products import Certificate, Footprint, Product, Products
from methodologies.kernel.quantification import Basis, Quantification
from methodologies.kernel.replay import recompute as _recompute
from methodologies.review.checking import Finding, check_library
from methodologies.review.effects import Comparison
from methodologies.review.effects import compare as compare_libraries
from methodologies.review.published import write_lock
from methodologies.review.reviewing import review_text

__all__ = [
    "CLAIM_TYPES",
    "GRADES",
    "Basis",
    "Certificate",
    "ClaimRule",
    "Comparison",
    "DocumentError",
    "Finding",
    "Footprint",
    "Library",
    "Limit",
    "Methodology",
    "MethodologyError",
    "MonitoredField",
    "Product",
    "Products",
    "Profile",
    "Quantification",
    "Request",
    "Source",
    "Title",
    "Version",
    "check",
    "compare",
    "equivalences",
    "library",
    "lock",
    "product",
    "products",
    "quantify",
    "quantify_batch",
    "recompute",
    "review_text",
]

ROOT = Path(__file__).parent


class Request(NamedTuple):
    """One act to quantify. `data`: monitored name → int, decimal text or choice code; `day`: the activity's day."""

    code: str
    data: Mapping[str, Any]
    day: date
    profile: str
    grade: str = "E3"


@lru_cache(maxsize=1)
def library() -> Library:
    """The published library, loaded strictly once; a mistake in it is a `DocumentError` naming file and line."""
    return load_library(ROOT)


def products() -> Products:
    """The product register: iterate over it, `get` a label, `find` the name a shop sells a product under."""
    return library().products


def product(label: str) -> Product:
    """One product by the label printed on it; `MethodologyError` UNKNOWN_PRODUCT when it is not registered."""
    return products().get(label)


def quantify(
    code: str, data: Mapping[str, Any], day: date, profile: str, grade: str = "E3"
) -> Quantification:
    """Quantify one act, or raise `MethodologyError` with a stable code and a sentence in Chinese and English."""
    return library().get(code).quantify(data, day, profile, grade)


def quantify_batch(requests: Sequence[Request]) -> list[Quantification | MethodologyError]:
    """Quantify many acts; a refused one yields its `MethodologyError` in its place and never harms the others."""
    get = library().get
    results: list[Quantification | MethodologyError] = []
    for code, data, day, profile, grade in requests:
        try:
            results.append(get(code).quantify(data, day, profile, grade))
        except MethodologyError as refusal:
            results.append(refusal)
    return results


def recompute(
    recorded: Mapping[str, Any], data: Mapping[str, Any], grade: str = "E3", day: date | None = None
) -> Quantification:
    """Compute again from the JSON of a recorded basis only (`Basis.as_json()`): the rows as they were, for replay.

    `day` is only carried into the result. Raises BASIS_TAMPERED, FORMULA_CHANGED or a data error.
    """
    return _recompute(library(), recorded, data, grade, day)


def equivalences(reduction_g: int, day: date) -> list[dict[str, Any]]:
    """What a reduction compares to on a day (trees, kilometres, electricity), for display only: code, title,
    amount (exact) and amount_text, unit, factor row, sentence_zh. Nothing for zero or fewer grams; pass grams
    reduced, never grams that offsets or certificates back."""
    return equivalences_of(library().registers.equivalences.values(), reduction_g, day)


def check(today: date | None = None, root: Path | None = None) -> list[Finding]:
    """Everything wrong with the library: schema, units, sources, examples, PUBLISHED.lock; with `today`, also rows past
    their `review_before` (as warnings). An empty list means all is well."""
    return check_library(root or ROOT, today)


def lock() -> list[str]:
    """Add what is new in the tree to PUBLISHED.lock and return its addresses.

    Raises `DocumentError` (file and line) while something published was edited, removed or backdated.
    """
    return write_lock(load_library(ROOT))


def compare(published: Path, proposed: Path | None = None, day: date | None = None) -> Comparison:
    """What the tree below `proposed` (this library when not given) changes against the one below `published`, and what
    that means for the twelve personas in the year beginning on `day`, or else with the first change.

    Both trees are loaded strictly, with their own formulas; a mistake is a `DocumentError` (file and line)."""
    return compare_libraries(load_library(published), load_library(proposed or ROOT), day)
