"""Transit, bicycle, shuttle, carpool and electric-car operators: trips with their number, window and distance."""

from collections.abc import Mapping
from typing import Any

from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft

#: Mode → methodology, and the quantities of a trip that its formula reads.
MODES = {
    "metro": ("metro_ride", ("distance_km",)),
    "bus": ("bus_ride", ("distance_km",)),
    "bicycle": ("bicycle_ride", ("distance_km",)),
    "ebike": ("ebike_ride", ("distance_km",)),
    "walk": ("walking", ("steps", "distance_km")),
    "carpool": ("carpool", ("would_drive_km", "other_km", "pool_km", "people")),
    "shuttle": ("shuttle_ride", ("distance_km", "riders")),
    "ev": ("ev_trip", ("distance_km", "consumption")),
}


def _trip(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    mode = translation.code(line, "mode")
    if mode is None or mode not in MODES:
        raise ActRefused("UNKNOWN_CATEGORY", mode=mode)
    methodology, quantities = MODES[mode]
    named = translation.identity(partner, event, number, line, "trip_id")
    return translation.trip(event, methodology, line, named, quantities)


ADAPTER = Adapter("transit", {"trip.completed": _trip}, tuple(methodology for methodology, _ in MODES.values()))
