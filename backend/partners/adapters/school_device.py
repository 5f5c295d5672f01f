"""校园称重设备: bags with a code printed on them, weighed at a school, in the name of the class that brings them."""

from collections.abc import Mapping
from typing import Any

from backend import activities
from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft


def _bag(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    bag_code, stream = translation.text(line, "bag_code"), translation.code(line, "stream")
    if not bag_code or not bag_code.strip() or stream is None:
        raise ActRefused("INVALID_LINE", field="bag_code, stream")
    data = {"stream": stream} | translation.numbers(line, "weight_kg")
    return translation.draft(event, "school_recycling", data, activities.bag_named(bag_code), return_days=return_days)


ADAPTER = Adapter("school_device", {"bag.weighed": _bag}, ("school_recycling",))
