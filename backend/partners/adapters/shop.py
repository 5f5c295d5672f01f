"""联想电商: computers sold with a footprint sheet or a carbon-neutral certificate."""

from collections.abc import Mapping
from typing import Any

from backend import activities, clock
from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft


def _purchase(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    model = translation.text(line, "model")
    product = activities.product_sold_as(model or "")
    if product is None:
        raise ActRefused("UNKNOWN_CATEGORY", model=model)
    told = translation.numbers(line, "retired_kg", "footprint_kg")
    data = activities.purchase_data(product, clock.day_of(event.occurred_at), **told)
    data["quantity"] = translation.quantity(line)
    named = translation.identity(partner, event, number, line, "serial", "certificate_no")
    return translation.draft(event, activities.PURCHASE, data, named, return_days=return_days)


ADAPTER = Adapter("shop", {"product.purchased": _purchase}, (activities.PURCHASE,))
