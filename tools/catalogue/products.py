"""A page for each product of the register: what is published about it, and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from methodologies import Library
from methodologies.kernel.exact import exact_text
from methodologies.kernel.products import CERTIFIED_SHARE, FOOTPRINT, Certificate, Footprint, Product
from tools.catalogue import history, words
from tools.catalogue.rows import Titles, shown_rows
from tools.catalogue.tables import users_of


def product_content(library: Library, product: Product, titles: Titles) -> Mapping[str, Any]:
    """What the page of a product is made from."""
    tables = library.products.tables
    sheets = replace(tables[FOOTPRINT.name], rows=tuple(sheet.row for sheet in product.footprints))
    rows = shown_rows(sheets, titles)
    shares = tables[CERTIFIED_SHARE.name]
    own = tuple(row for row in shares.rows if dict(row.keys)[CERTIFIED_SHARE.by[0]] == product.label)
    replaced = {one.replaces: one.hash for one in product.certificates if one.replaces}
    return {
        "product": product,
        "rows": rows,
        "sheets": [_sheet(library, sheet) for sheet in product.footprints],
        "certificates": [(one, _certificate(one), replaced.get(one.hash, "")) for one in product.certificates],
        "assumptions": shown_rows(replace(shares, rows=own), titles),
        "users": list(dict.fromkeys(user for name in tables for user in users_of(library, name))),
        "changes": history.by_day(history.changes_of_product(product, rows)),
    }


def _sheet(library: Library, sheet: Footprint) -> dict[str, str]:
    """What a footprint sheet says beside its number, in words."""
    told: dict[str, Any] = {**sheet.details(), "error_margin": None, "stage_shares": None}
    if sheet.lifetime_years is not None:
        told["lifetime_years"] = f"{told['lifetime_years']} 年"
    if sheet.error_margin:
        margin = sheet.error_margin
        shares = (exact_text(one * 100) for one in (margin.share, margin.lowest, margin.highest))
        told["error_margin"] = "{} %（{}–{} %）：".format(*shares) + margin.of
    if sheet.stage_shares:
        shares = (f"{words.STAGES[stage]} {exact_text(one * 100)} %" for stage, one in sheet.stage_shares.items())
        told["stage_shares"] = "，".join(shares)
    if sheet.segment:
        fields = (methodology.monitored.get("baseline_segment") for methodology in library)
        titles = {code: title.zh for field in fields if field for code, title in field.choices.items()}
        told["segment"] = titles.get(sheet.segment, sheet.segment)
    return _worded(words.SHEET, told)


def _certificate(certificate: Certificate) -> dict[str, str]:
    """What a certificate states, in words."""
    told = certificate.as_json()
    told["issuer"] = certificate.issuer.zh if certificate.issuer else None
    told["scheme"] = certificate.scheme.zh if certificate.scheme else None
    return _worded(words.CERTIFICATE, told)


def _worded(names: Mapping[str, str], told: Mapping[str, Any]) -> dict[str, str]:
    """Chinese name → what is told, or 未公布."""
    return {title: words.NOT_PUBLISHED if told[name] is None else str(told[name]) for name, title in names.items()}
