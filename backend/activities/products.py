"""What the purchase of a registered product is counted by, and what buying one would earn."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from backend.activities.errors import ActRefused
from backend.activities.quantification import credited
from methodologies import Certificate, MethodologyError, Product, Title, library, quantify

#: The methodology a purchase is counted by.
PURCHASE = "low_carbon_pc"


def product_sold_as(model: str) -> Product | None:
    """The registered product a shop sells under this name; case, blanks and punctuation do not matter."""
    return library().products.find(model)


def purchase_data(
    product: Product, day: date, *, retired_kg: str | int | None = None, footprint_kg: str | int | None = None
) -> dict[str, str | int]:
    """The activity data of buying one on a day, as far as the shop tells them.

    The footprint is the shop's own figure, else the sheet in force; where none is published, a certificate in force
    that says the whole of it was retired stands in, as an assumption. With neither: PRODUCT_NOT_DOCUMENTED.
    """
    sheet = product.footprint_on(day)
    if footprint_kg is None and sheet is None:
        if product.assumption_on(day) is None:
            raise ActRefused("PRODUCT_NOT_DOCUMENTED", product=product.label)
        return {"certified_model": product.label} | _known(certified_retired_kg=retired_kg)
    segment = sheet.segment if sheet is not None else None
    known = _known(baseline_segment=segment, product_footprint_kg=footprint_kg, retired_kg=retired_kg)
    return {"model": product.label} | known


def _known(**data: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in data.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Earning:
    """What buying one would earn, by claim type, never added together.

    `reduction_g` is certain; compensation is at most `offset_up_to_g`, as the certificate of the computer bought says.
    `rows` are the sourced numbers this rests on.
    """

    methodology: str
    title: Mapping[str, str]
    profile: str
    reduction_g: int
    offset_up_to_g: int
    rows: tuple[Mapping[str, Any], ...]


def earning(product: Product, day: date, profile: str) -> Earning:
    """What buying one on a day would earn. Raises ActRefused when it could not be counted."""
    data = purchase_data(product, day, retired_kg=_most_retired(product, day))
    try:
        done = quantify(PURCHASE, data, day, profile)
    except MethodologyError as refusal:
        raise ActRefused(refusal.code, product=product.label) from None
    grams = credited(done)
    title: dict[str, str] = done.basis.content["title"]
    return Earning(PURCHASE, title, profile, grams.reduction_g, grams.offset_g, done.basis.rows)


def _most_retired(product: Product, day: date) -> str | None:
    """What the certificate in force says was retired, else the most the methodology takes; None without one."""
    certificate = product.certificate_on(day)
    if certificate is None:
        return None
    most = library().get(PURCHASE).monitored["certified_retired_kg"].maximum
    amount = certificate.retired_kg if certificate.retired_kg is not None else most
    return None if amount is None else str(amount)


def product_labelled(label: str) -> Product | None:
    """The product with this label on it."""
    return library().products.by_label.get(label)


def registered_products(after: str | None, limit: int) -> tuple[list[Product], str | None]:
    """Up to `limit` products with labels after this one, in their order, and after which the rest begins."""
    found = [product for product in library().products if after is None or product.label > after]
    return found[:limit], found[limit - 1].label if len(found) > limit else None


def describe_product(product: Product, day: date) -> dict[str, Any]:
    """A product as it is documented on a day: its claim in a sentence, its sheet and its certificates."""
    sheet, certificate = product.footprint_on(day), product.certificate_on(day)
    begun = [one for one in product.current_certificates() if one.in_force_from <= day and one is not certificate]
    begun.sort(key=lambda one: one.in_force_from, reverse=True)
    return {
        **product.as_json(),
        "day": day,
        "claim": _claim(certificate),
        "footprint": sheet.as_json() if sheet else None,
        "certificate": certificate.as_json() if certificate else None,
        "earlier_certificates": [one.as_json() for one in begun],
    }


def _claim(certificate: Certificate | None) -> dict[str, str]:
    """What is claimed, by whom, since when and for how long; what is not published is said to be."""
    if certificate is None:
        return {"zh": "没有登记有效的碳中和证书。", "en": "No carbon-neutral certificate is registered and valid."}
    nobody = Title("未公布", "not published")
    scheme, issuer = certificate.scheme or nobody, certificate.issuer or nobody
    issued, until = certificate.issued, certificate.valid_until
    return {
        "zh": f"证书依据：{scheme.zh}；出具机构：{issuer.zh}；"
        f"出具时间：{issued or nobody.zh}；有效期至：{until or nobody.zh}。",
        "en": f"Certified to: {scheme.en}; by: {issuer.en}; "
        f"issued: {issued or nobody.en}; valid until: {until or nobody.en}.",
    }
