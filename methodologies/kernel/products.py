"""The product register: what is published about a product, by the label that is printed on it.

A footprint sheet says what a product emits over its life, a certificate says who declared it carbon neutral. Both are
dated and sourced; what no source says is None, 未公布, and never filled in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

from methodologies.kernel.errors import MethodologyError, shown
from methodologies.kernel.exact import exact_text
from methodologies.kernel.model import Place, Source, Title, digest
from methodologies.kernel.parameters import Parameter, Row
from methodologies.kernel.units import parse_unit

FOLDER = "products"
#: The parameters a methodology takes from the register: the name, the choice its rows are chosen by, unit and title.
FOOTPRINT = Parameter(
    "product_footprint",
    Title("型号碳足迹", "footprint of a model"),
    parse_unit("kgCO2e/item"),
    ("model",),
    (),
    Place(Path(__file__), 1),
    shared=True,
)
CERTIFIED_SHARE = Parameter(
    "certified_share",
    Title("证书声明的核销比例", "share of the footprint the certificate says was retired"),
    parse_unit("1"),
    ("certified_model",),
    (),
    Place(Path(__file__), 1),
    shared=True,
)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ErrorMargin:
    """How far footprints of this kind may be off, as shares of the value, and what exactly the source measured."""

    share: Fraction
    lowest: Fraction
    highest: Fraction
    of: str

    def as_json(self) -> dict[str, str]:
        numbers = {name: exact_text(getattr(self, name)) for name in ("share", "lowest", "highest")}
        return {**numbers, "of": self.of}


@dataclass(frozen=True, slots=True)
class Footprint:
    """One footprint sheet: the sourced number in `row`, and how it was made. None is 未公布.

    `published_on` is a day, month or year as the source tells it; `segment` the baseline segment it is compared with.
    """

    row: Row
    published_on: str | None
    boundary: str | None
    lifetime_years: Fraction | None
    tool: str | None
    use_location: str | None
    error_margin: ErrorMargin | None
    stage_shares: Mapping[str, Fraction] | None
    segment: str | None

    def details(self) -> dict[str, object]:
        """What the sheet says beside the number."""
        shares = self.stage_shares
        return {
            "published_on": self.published_on,
            "boundary": self.boundary,
            "lifetime_years": None if self.lifetime_years is None else exact_text(self.lifetime_years),
            "tool": self.tool,
            "use_location": self.use_location,
            "error_margin": self.error_margin.as_json() if self.error_margin else None,
            "stage_shares": None if shares is None else {name: exact_text(share) for name, share in shares.items()},
            "segment": self.segment,
        }

    def as_json(self) -> dict[str, object]:
        """The whole sheet; `not_published` names what no source says. A segment is chosen, not published."""
        missing = [name for name, value in self.details().items() if value is None and name != "segment"]
        reviewed = {"review_before": self.row.review_before.isoformat()}
        return {**self.row.as_json(), **reviewed, **self.details(), "not_published": missing}


@dataclass(frozen=True, slots=True)
class Certificate:
    """One carbon-neutral certificate of a model. None is 未公布.

    The register counts by it from `in_force_from` through `valid_until`, or until a review where no end is published.
    `assumption`, where there is one, is the row by which a purchase counts while the footprint itself is unpublished.
    """

    issued: str | None
    number: str | None
    issuer: Title | None
    scheme: Title | None
    statement: str | None
    valid_from: date | None
    valid_until: date | None
    registry: str | None
    retirement_serials: str | None
    retired_kg: Fraction | None
    in_force_from: date
    sources: tuple[Source, ...]
    sentence: str
    confidence: str
    note: str
    replaces: str
    review_before: date
    assumption: Row | None
    place: Place

    def holds_on(self, day: date) -> bool:
        """Whether the register counts by it on this day."""
        return self.in_force_from <= day and (self.valid_until is None or day <= self.valid_until)

    def statements(self) -> dict[str, object]:
        """What the certificate says; its end apart, which may be published later than the rest."""
        return {
            "issued": self.issued,
            "number": self.number,
            "issuer": self.issuer.as_json() if self.issuer else None,
            "scheme": self.scheme.as_json() if self.scheme else None,
            "statement": self.statement,
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "registry": self.registry,
            "retirement_serials": self.retirement_serials,
            "retired_kg": None if self.retired_kg is None else exact_text(self.retired_kg),
            "in_force_from": self.in_force_from.isoformat(),
            "sentence": self.sentence,
            "confidence": self.confidence,
            "note": self.note,
            "replaces": self.replaces,
        }

    @property
    def hash(self) -> str:
        """Hash of everything but its end, its review day and the addresses of its sources."""
        sources = [[source.tag, source.title, source.reliability] for source in self.sources]
        return digest([self.statements(), sources, self.assumption.row_hash if self.assumption else None])

    def as_json(self) -> dict[str, object]:
        """The whole certificate; `not_published` names what no source says."""
        until = self.valid_until.isoformat() if self.valid_until else None
        stated = {**self.statements(), "valid_until": until}
        return {
            **stated,
            "not_published": [name for name, value in stated.items() if value is None],
            "sources": [source.as_json() for source in self.sources],
            "review_before": self.review_before.isoformat(),
            "assumption": self.assumption.as_json() if self.assumption else None,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Product:
    """One product; `models` are the names shops sell it under."""

    label: str
    name: Title
    maker: Title
    category: str
    models: tuple[str, ...]
    note: str
    footprints: tuple[Footprint, ...]
    certificates: tuple[Certificate, ...]
    place: Place

    def footprint_on(self, day: date) -> Footprint | None:
        """The sheet in force on a day, None when none is published."""
        rows = replace(FOOTPRINT, rows=tuple(sheet.row for sheet in self.footprints))
        row = rows.row_on({"model": self.label}, day)
        return next((sheet for sheet in self.footprints if sheet.row is row), None)

    def certificate_on(self, day: date) -> Certificate | None:
        """The certificate in force on a day: the newest that has begun, if it has not ended."""
        begun = [one for one in self.current_certificates() if one.in_force_from <= day]
        newest = max(begun, key=lambda one: one.in_force_from, default=None)
        return newest if newest is not None and newest.holds_on(day) else None

    def assumption_on(self, day: date) -> Row | None:
        """The row by which a purchase on this day counts without a published footprint."""
        certificate = self.certificate_on(day)
        return certificate.assumption if certificate and not self.footprint_on(day) else None

    def current_certificates(self) -> list[Certificate]:
        """The certificates no correction has replaced."""
        replaced = {one.replaces for one in self.certificates}
        return [one for one in self.certificates if one.hash not in replaced]

    def as_json(self) -> dict[str, object]:
        return {
            "label": self.label,
            "name": self.name.as_json(),
            "maker": self.maker.as_json(),
            "category": self.category,
            "models": list(self.models),
            "note": self.note,
            "footprints": [sheet.as_json() for sheet in self.footprints],
            "certificates": [certificate.as_json() for certificate in self.certificates],
        }


def model_key(model: str) -> str:
    """A model name without case, blanks and punctuation."""
    return re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", model).upper())


@dataclass(frozen=True)
class Products:
    """All products, in order of their labels, and the tables methodologies take from them."""

    by_label: Mapping[str, Product]
    tables: Mapping[str, Parameter] = field(init=False)

    def __post_init__(self) -> None:
        sheets = tuple(sheet.row for product in self for sheet in product.footprints)
        shares = tuple(row for product in self for row in _assumptions(product))
        tables = {FOOTPRINT.name: replace(FOOTPRINT, rows=sheets)}
        tables[CERTIFIED_SHARE.name] = replace(CERTIFIED_SHARE, rows=shares)
        object.__setattr__(self, "tables", tables)

    def __iter__(self) -> Iterator[Product]:
        return iter(self.by_label.values())

    def __len__(self) -> int:
        return len(self.by_label)

    def get(self, label: str) -> Product:
        """The product with this label, or UNKNOWN_PRODUCT."""
        try:
            return self.by_label[label]
        except (KeyError, TypeError):
            raise MethodologyError(
                "UNKNOWN_PRODUCT",
                f"未登记的产品 {shown(label)}",
                f"product {shown(label)} is not registered",
                label=shown(label),
            ) from None

    def find(self, model: str) -> Product | None:
        """The product sold under this name, whatever its case, blanks and punctuation."""
        key = model_key(model)
        return next((one for one in self if key and key in map(model_key, one.models)), None)

    def choices(self, table: str) -> dict[str, Title]:
        """The products one of the tables has rows for, by label."""
        labels = {label for row in self.tables[table].rows for _, label in row.keys}
        return {label: product.name for label, product in self.by_label.items() if label in labels}


def _assumptions(product: Product) -> Iterator[Row]:
    """What certificates stand in for ends with the certificate, or the day before a sheet is in force."""
    first_sheet = min((sheet.row.in_force_from for sheet in product.footprints), default=None)
    for certificate in product.certificates:
        ends = [day for day in (certificate.valid_until, first_sheet and first_sheet - _ONE_DAY) if day]
        row = certificate.assumption
        if row is not None and all(row.in_force_from <= day for day in ends):
            yield replace(row, in_force_until=min(ends, default=None))
