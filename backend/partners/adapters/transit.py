"""Transit and shared-bicycle operators: trips with their number, window and distance."""

from collections.abc import Mapping
from typing import Any

from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft

MODES = {"metro": "metro_ride", "bicycle": "bicycle_ride"}


def _trip(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    mode = translation.code(line, "mode")
    if mode not in MODES:
        raise ActRefused("UNKNOWN_CATEGORY", mode=mode)
    named = translation.identity(partner, event, number, line, "trip_id")
    return translation.trip(event, MODES[mode], line, named)


ADAPTER = Adapter("transit", {"trip.completed": _trip}, tuple(MODES.values()))
