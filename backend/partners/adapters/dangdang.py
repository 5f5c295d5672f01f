"""铛铛一下: clothes and books picked up as donations, large appliances picked up for recycling."""

from collections.abc import Mapping
from typing import Any

from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft

#: What they call an appliance, and what the methodology does.
APPLIANCES = {
    "fridge": "fridge",
    "refrigerator": "fridge",
    "washing_machine": "washing_machine",
    "dishwasher": "dishwasher",
    "air_conditioner": "air_conditioner",
}


def _donation(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    category = translation.code(line, "category")
    named = translation.identity(partner, event, number, line)
    if category == "clothes":
        data = translation.numbers(line, "weight_kg")
        return translation.draft(event, "clothes_donation", data, named, return_days=return_days)
    if category == "books":
        data = {"quantity": translation.quantity(line)}
        return translation.draft(event, "book_donation", data, named, return_days=return_days)
    raise ActRefused("UNKNOWN_CATEGORY", category=category)


def _appliance(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    category = translation.code(line, "category")
    if category is None or category not in APPLIANCES:
        raise ActRefused("UNKNOWN_CATEGORY", category=category)
    data = {"category": APPLIANCES[category], "quantity": translation.quantity(line)}
    named = translation.identity(partner, event, number, line, "serial")
    return translation.draft(event, "appliance_recycling", data, named, return_days=return_days)


ADAPTER = Adapter(
    "dangdang",
    {"donation.received": _donation, "device.recycled": _appliance},
    ("clothes_donation", "book_donation", "appliance_recycling"),
)
