"""Reading products/<label>.yaml: one file per product, every fact with its source, `null` for 未公布."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path

from methodologies.kernel.documents import Node, read_document, walk_rows
from methodologies.kernel.model import Source, Title
from methodologies.kernel.parameters import Row, row_hash_of
from methodologies.kernel.products import (
    CERTIFIED_SHARE,
    FOLDER,
    FOOTPRINT,
    Certificate,
    ErrorMargin,
    Footprint,
    Product,
    Products,
    model_key,
)
from methodologies.kernel.rows import place_of, read_confidence, read_rows, read_sources, read_title

NOT_PUBLISHED = "null"
CATEGORIES = ("laptop", "desktop", "tablet", "phone", "monitor")
STAGES = ("manufacture", "transport", "use", "end_of_life")
_SHEET = (
    *("published_on", "boundary", "lifetime_years", "tool", "use_location"),
    *("error_margin", "stage_shares", "segment"),
)
_CERTIFICATE = (
    *("issued", "number", "issuer", "scheme", "statement", "valid_from", "valid_until", "registry"),
    *("retirement_serials", "retired_kg", "in_force_from", "sources", "sentence", "confidence"),
    *("review_before", "assumption"),
)
_TOLD_DAY = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")


def read_products(root: Path, sources: Mapping[str, Source]) -> Products:
    """Every product below products/; a `DocumentError` names file and line."""
    found: dict[str, Product] = {}
    sold_as: dict[str, str] = {}
    for file in sorted((root / FOLDER).glob("*.yaml")):
        document = read_document(file)
        product = _Reader(file.stem, sources).product(document)
        for model in document.entries()["models"].sequence():
            key = model_key(model.text())
            if not key or key in sold_as:
                raise model.refuse(f"{model.text()!r} is also a model of {sold_as.get(key, 'nothing')}")
            sold_as[key] = product.label
        found[product.label] = product
    return Products(found)


@dataclass(frozen=True, slots=True)
class _Reader:
    label: str
    sources: Mapping[str, Source]

    def product(self, document: Node) -> Product:
        entry = document.mapping(
            ["label", "name", "maker", "category", "models", "footprints", "certificates"], ["note"]
        )
        if entry["label"].name() != self.label:
            raise entry["label"].refuse(f"the file is called {self.label!r}")
        footprints = self._footprints(entry["footprints"])
        certificates: list[Certificate] = []
        for node in entry["certificates"].sequence():
            certificate = self._certificate(node, certificates)
            _refuse_doubled(certificate, certificates, node)
            certificates.append(certificate)
        return Product(
            self.label,
            read_title(entry["name"]),
            read_title(entry["maker"]),
            entry["category"].one_of(CATEGORIES),
            tuple(node.text() for node in walk_rows(entry["models"])),
            entry["note"].text() if "note" in entry else "",
            footprints,
            tuple(certificates),
            place_of(document),
        )

    def _footprints(self, node: Node) -> tuple[Footprint, ...]:
        if not node.sequence():
            return ()
        of_this = replace(FOOTPRINT, by=(), fixed=(("model", self.label),))
        rows = read_rows(FOLDER, of_this, node, {}, self.sources, also=_SHEET)
        return tuple(_sheet(row, child) for row, child in zip(rows, node.sequence(), strict=True))

    def _certificate(self, node: Node, earlier: list[Certificate]) -> Certificate:
        entry = node.mapping(_CERTIFICATE, ["note", "replaces"])
        valid_from, valid_until = _day(entry["valid_from"]), _day(entry["valid_until"])
        in_force_from, review_before = entry["in_force_from"].day(), entry["review_before"].day()
        if valid_from is not None and in_force_from < valid_from:
            raise entry["in_force_from"].refuse("in_force_from is before valid_from")
        if valid_until is not None and valid_until < in_force_from:
            raise entry["valid_until"].refuse("the certificate ends before it begins")
        if review_before <= in_force_from:
            raise entry["review_before"].refuse("review_before is not after in_force_from")
        certificate = Certificate(
            issued=_published(entry["issued"], in_force_from),
            number=_text(entry["number"]),
            issuer=_title(entry["issuer"]),
            scheme=_title(entry["scheme"]),
            statement=_text(entry["statement"]),
            valid_from=valid_from,
            valid_until=valid_until,
            registry=_text(entry["registry"]),
            retirement_serials=_text(entry["retirement_serials"]),
            retired_kg=_number(entry["retired_kg"]),
            in_force_from=in_force_from,
            sources=read_sources(entry["sources"], self.sources),
            sentence=entry["sentence"].text(),
            confidence=read_confidence(entry["confidence"], entry["sources"]),
            note=entry["note"].text() if "note" in entry else "",
            replaces=entry["replaces"].text() if "replaces" in entry else "",
            review_before=review_before,
            assumption=None,
            place=place_of(node),
        )
        return replace(certificate, assumption=self._assumption(entry["assumption"], certificate, earlier))

    def _assumption(self, node: Node, of: Certificate, earlier: list[Certificate]) -> Row | None:
        """The row of `certified_share`: number and sentence from the file, the rest from the certificate."""
        corrected = next((one.assumption for one in earlier if one.hash == of.replaces), None)
        if _absent(node):
            if corrected is not None:
                raise node.refuse("a correction keeps the assumption it corrects; valid_until ends it")
            return None
        entry = node.mapping(["retired_share", "sentence"])
        share = entry["retired_share"].number()
        if not 0 < share <= 1:
            raise entry["retired_share"].refuse("retired_share is a share above 0 and at most 1")
        if of.statement is None:
            raise node.refuse("an assumption rests on a statement of the certificate: there is none")
        row = Row(
            methodology=FOLDER,
            parameter=CERTIFIED_SHARE.name,
            title=CERTIFIED_SHARE.title,
            value_text=entry["retired_share"].text(),
            value=share,
            unit=CERTIFIED_SHARE.unit,
            keys=((CERTIFIED_SHARE.by[0], self.label),),
            in_force_from=of.in_force_from,
            sources=of.sources,
            sentence=entry["sentence"].text(),
            confidence="ASSUMED",
            note=of.note,
            replaces=corrected.row_hash if corrected else "",
            review_before=of.review_before,
            row_hash="",
            place=place_of(node),
        )
        return replace(row, row_hash=row_hash_of(row.as_json()))


def _sheet(row: Row, node: Node) -> Footprint:
    entry = node.entries()
    margin, shares = entry["error_margin"], entry["stage_shares"]
    return Footprint(
        row,
        _published(entry["published_on"], row.in_force_from),
        _text(entry["boundary"]),
        _number(entry["lifetime_years"]),
        _text(entry["tool"]),
        _text(entry["use_location"]),
        None if _absent(margin) else _margin(margin),
        None if _absent(shares) else _stage_shares(shares),
        _text(entry["segment"]),
    )


def _margin(node: Node) -> ErrorMargin:
    entry = node.mapping(["share", "lowest", "highest", "of"])
    share, lowest, highest = (entry[name].number() for name in ("share", "lowest", "highest"))
    if not 0 <= lowest <= share <= highest:
        raise node.refuse("an error margin is 0 ≤ lowest ≤ share ≤ highest")
    return ErrorMargin(share, lowest, highest, entry["of"].text())


def _stage_shares(node: Node) -> dict[str, Fraction]:
    shares = {stage: child.number() for stage, child in node.mapping([], STAGES).items()}
    if sum(shares.values()) != 1:
        raise node.refuse("the shares of the stages do not sum to 1")
    return shares


def _refuse_doubled(certificate: Certificate, earlier: list[Certificate], node: Node) -> None:
    """One certificate per day, unless it corrects an earlier one by naming its hash."""
    corrected = {one.replaces for one in earlier if one.replaces}
    if certificate.replaces:
        if certificate.replaces in corrected or certificate.replaces not in {one.hash for one in earlier}:
            raise node.refuse(f"replaces {certificate.replaces!r}, which is no uncorrected earlier certificate")
        corrected.add(certificate.replaces)
    standing = {one.in_force_from for one in earlier if one.hash not in corrected}
    if certificate.in_force_from in standing:
        raise node.refuse(f"two certificates begin on {certificate.in_force_from}")


def _absent(node: Node) -> bool:
    return node.is_text() and node.text() == NOT_PUBLISHED


def _text(node: Node) -> str | None:
    return None if _absent(node) else node.text()


def _published(node: Node, in_force_from: date) -> str | None:
    """A day as far as the source tells it (2023, 2023-12 or 2023-12-31); nothing is in force before it is out."""
    text = _text(node)
    if text is not None and not _TOLD_DAY.fullmatch(text):
        raise node.refuse(f"{text!r} is neither a year, a month nor a day: 2023, 2023-12, 2023-12-31")
    if text is not None and in_force_from.isoformat()[: len(text)] < text:
        raise node.refuse(f"in force from {in_force_from}, before {text}")
    return text


def _title(node: Node) -> Title | None:
    return None if _absent(node) else read_title(node)


def _number(node: Node) -> Fraction | None:
    return None if _absent(node) else node.number()


def _day(node: Node) -> date | None:
    return None if _absent(node) else node.day()
