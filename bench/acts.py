"""Acts for the quantify benchmark: plausible decimal texts, as a partner sends them, on days the factors change in."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import methodologies
from bench.by_hand import APPLIANCE_G, CAR_CLASS_G_PER_KM, DAYS, DEVICE_G, FIRST_DAY, STREAM_G_PER_KG, TABLEWARE_G
from methodologies import Request

REGIONS = ("national", "beijing", "guangdong", "yunnan")


def make(count: int, chance: Random) -> list[Request]:
    """So many acts of all methodologies, mixed, each on a day on which its methodology is in force."""
    first_days = {one.code: max(FIRST_DAY, one.versions[0].in_force_from) for one in methodologies.library()}
    codes = list(PLAUSIBLE)
    made = []
    for _ in range(count):
        code = chance.choice(codes)
        late = (first_days[code] - FIRST_DAY).days
        day = FIRST_DAY + timedelta(days=chance.randrange(late, DAYS))
        made.append(Request(code, PLAUSIBLE[code](chance), day, "CN-DEFAULT"))
    return made


def _decimal(chance: Random, low: int, high: int, places: int) -> str:
    """A decimal text from `low` up to `high`."""
    return f"{chance.randrange(low * 10**places, high * 10**places) / 10**places:.{places}f}"


def _count(chance: Random, low: int, high: int) -> str:
    return str(chance.randrange(low, high))


def _distance(low: int, high: int) -> Callable[[Random], dict[str, str]]:
    return lambda chance: {"distance_km": _decimal(chance, low, high, 3)}


def _carpool(chance: Random) -> dict[str, str]:
    distances = {"would_drive_km": _decimal(chance, 20, 60, 1), "other_km": _decimal(chance, 0, 40, 1)}
    return distances | {"pool_km": _decimal(chance, 10, 40, 1), "people": _count(chance, 2, 6)}


def _car_free_day(chance: Random) -> dict[str, str]:
    public = {"metro_km": _decimal(chance, 0, 40, 1), "bus_km": _decimal(chance, 0, 20, 1)}
    return public | {"parked_min": _count(chance, 1_200, 2_879), "car_class": chance.choice(list(CAR_CLASS_G_PER_KM))}


def _low_carbon_pc(chance: Random) -> dict[str, str]:
    footprints = {
        "baseline_footprint_kg": _decimal(chance, 200, 500, 1),
        "product_footprint_kg": _decimal(chance, 150, 350, 1),
    }
    return footprints | {"retired_kg": str(500 * chance.randrange(3)), "quantity": "1"}


def _online_meeting(chance: Random) -> dict[str, str]:
    meeting = {"attendees": _count(chance, 2, 20), "duration_h": _decimal(chance, 1, 6, 1)}
    return meeting | {"air_km": _count(chance, 500, 9_000), "hotel_nights": _count(chance, 0, 6)}


PLAUSIBLE: dict[str, Callable[[Random], dict[str, str]]] = {
    "appliance_recycling": lambda chance: {"category": chance.choice(list(APPLIANCE_G)), "quantity": "1"},
    "bicycle_ride": _distance(1, 15),
    "book_donation": lambda chance: {"quantity": _count(chance, 1, 60)},
    "bus_ride": _distance(1, 30),
    "car_free_day": _car_free_day,
    "carpool": _carpool,
    "class_electricity": lambda chance: {
        "baseline_kwh": _decimal(chance, 200, 600, 1),
        "actual_kwh": _decimal(chance, 150, 550, 1),
        "region": chance.choice(REGIONS),
    },
    "clothes_donation": lambda chance: {"weight_kg": _decimal(chance, 1, 30, 2)},
    "device_reuse": lambda chance: {"category": chance.choice(list(DEVICE_G)), "quantity": "1"},
    "ebike_ride": _distance(1, 20),
    "ev_charging": lambda chance: {"charged_kwh": _decimal(chance, 5, 80, 2)},
    "ev_trip": _distance(1, 120),
    "green_electricity": lambda chance: {
        "consumed_kwh": _decimal(chance, 1_000, 90_000, 1),
        "cancelled_kwh": _decimal(chance, 1_000, 90_000, 1),
    },
    "learning": lambda chance: {"correct_answers": _count(chance, 0, 11)},
    "low_carbon_pc": _low_carbon_pc,
    "metro_ride": _distance(1, 50),
    "no_tableware": lambda chance: {"item": chance.choice(list(TABLEWARE_G)), "quantity": _count(chance, 1, 4)},
    "online_meeting": _online_meeting,
    "own_cup": lambda chance: {"quantity": "1"},
    "paperless_office": lambda chance: {
        "pages": _count(chance, 1, 60),
        "originals": _count(chance, 1, 4),
        "emails": _count(chance, 0, 5),
    },
    "rail_travel": lambda chance: {"air_km": _count(chance, 300, 1_500), "rail_km": _decimal(chance, 300, 2_000, 1)},
    "school_recycling": lambda chance: {
        "stream": chance.choice(list(STREAM_G_PER_KG)),
        "weight_kg": _decimal(chance, 1, 40, 1),
    },
    "shuttle_ride": lambda chance: {"distance_km": _decimal(chance, 3, 40, 1), "riders": _count(chance, 8, 39)},
    "step_donation": lambda chance: {"steps": _count(chance, 1_000, 20_000)},
    "walking": lambda chance: {"steps": _count(chance, 1_000, 20_000)},
}
