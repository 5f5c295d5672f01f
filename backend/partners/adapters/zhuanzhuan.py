"""转转: second-hand phones, tablets, laptops, cameras and lenses, resold or taken apart for their material."""

from collections.abc import Mapping
from typing import Any

from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft

#: Devices with a number per piece, and those that are weighed: no typical mass of a lens is published.
COUNTED = frozenset({"phone", "tablet", "laptop"})
WEIGHED = frozenset({"camera", "lens"})

#: The gradings that have a published replacement rate, as 转转 writes them and as the methodology does.
CONDITIONS = {"九成新": "nine_tenths_new"}


def _category(line: Mapping[str, Any], known: frozenset[str]) -> str:
    category = translation.code(line, "category")
    if category is None or category not in known:
        raise ActRefused("UNKNOWN_CATEGORY", category=category)
    return category


def _graded(line: Mapping[str, Any]) -> dict[str, str | int]:
    """Model and condition, which some baseline profiles look at."""
    found: dict[str, str | int] = {}
    if (model := translation.text(line, "model")) is not None:
        found["model"] = model[:64]
    if (condition := translation.text(line, "condition")) is not None:
        found["condition"] = CONDITIONS.get(condition, condition)[:64]
    return found


def _weighed(line: Mapping[str, Any]) -> dict[str, str | int]:
    """The weight of one piece, without which a camera or lens has no number."""
    weight = translation.numbers(line, "weight_kg")
    if not weight:
        raise ActRefused("MISSING_DATA", field="weight_kg")
    return weight


def _traded_in(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    category = _category(line, COUNTED | WEIGHED)
    data = {"category": category, "quantity": translation.quantity(line)} | _graded(line)
    if category in WEIGHED:
        data |= _weighed(line)
    named = translation.identity(partner, event, number, line, "serial")
    return translation.draft(event, "device_reuse", data, named, return_days=return_days)


def _recycled(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    data = {"category": _category(line, COUNTED), "quantity": translation.quantity(line)}
    named = translation.identity(partner, event, number, line, "serial")
    return translation.draft(event, "appliance_recycling", data, named, return_days=return_days)


ADAPTER = Adapter(
    "zhuanzhuan",
    {"device.traded_in": _traded_in, "device.recycled": _recycled},
    ("device_reuse", "appliance_recycling"),
)
