"""转转: second-hand phones, tablets and laptops, resold or taken apart for their material."""

from collections.abc import Mapping
from typing import Any

from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft

DEVICES = frozenset({"phone", "tablet", "laptop"})


#: The gradings that have a published replacement rate, as 转转 writes them and as the methodology does.
CONDITIONS = {"九成新": "nine_tenths_new"}


def _graded(line: Mapping[str, Any]) -> dict[str, str | int]:
    """Model and condition, which some baseline profiles look at."""
    found: dict[str, str | int] = {}
    if (model := translation.text(line, "model")) is not None:
        found["model"] = model[:64]
    if (condition := translation.text(line, "condition")) is not None:
        found["condition"] = CONDITIONS.get(condition, condition)[:64]
    return found


def _device(methodology: str) -> translation.Translator:
    def translate(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
        translation.require_completed(event)
        category = translation.code(line, "category")
        if category not in DEVICES:
            raise ActRefused("UNKNOWN_CATEGORY", category=category)
        data = {"category": category, "quantity": translation.quantity(line)}
        if methodology == "device_reuse":
            data |= _graded(line)
        named = translation.identity(partner, event, number, line, "serial")
        return translation.draft(event, methodology, data, named, return_days=return_days)

    return translate


ADAPTER = Adapter(
    "zhuanzhuan",
    {
        "device.traded_in": _device("device_reuse"),
        "device.recycled": _device("appliance_recycling"),
    },
    ("device_reuse", "appliance_recycling"),
)
