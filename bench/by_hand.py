"""The reference of the quantify benchmark: the formulas of every methodology in bare Fractions (CN-DEFAULT).

What somebody would write who needs the grams and nothing else: no choice of version, profile or rows, no bounds, no
plausibility, no limits, no trail. Numbers are those of the published rows, in grams; the texts are parsed as Fractions,
the result is rounded down and never negative. Only the grid factors change within the days of the benchmark: they are
one look-up by region and day.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction

Data = Mapping[str, str]
Credits = dict[str, int]
KILO = 1000
HALF = Fraction("0.5")
FIRST_DAY, DAYS = date(2024, 6, 1), 700

# -- trips -------------------------------------------------------------------------------------------------
METRO_G_PER_KM = Fraction("46.7")
BUS_G_PER_KM = Fraction("26.9")
BICYCLE_G_PER_KM = Fraction("47.8")
EBIKE_G_PER_KM = Fraction(43)
WALKING_G_PER_STEP = Fraction("0.02")
SHUTTLE_BASELINE_G_PER_KM = Fraction(55)
SHUTTLE_G_PER_KM = Fraction("209.534")
CAR_G_PER_KM = Fraction("167.4")
OTHERS_WHO_DRIVE = Fraction("0.31")
DETOUR = Fraction("1.10")
EV_WH_PER_KM = Fraction(150)
DAY_MIN = 24 * 60
CAR_FREE_KM_PER_DAY = Fraction(33)
CAR_CLASS_G_PER_KM = {"compact": Fraction("167.4"), "suv": Fraction("174.74"), "ev_small": Fraction("78.09")}
METRO_PROJECT_G_PER_KM = Fraction(32)
BUS_PROJECT_G_PER_KM = Fraction(53)
AIR_G_PER_KM = Fraction("82.9")
RAIL_G_PER_KM = Fraction("20.4")
HOTEL_G_PER_NIGHT = Fraction(53_500)
ONLINE_G_PER_HOUR = Fraction(150)

# -- things ------------------------------------------------------------------------------------------------
DEVICE_G = {"phone": Fraction(25_000), "tablet": Fraction(25_200), "laptop": Fraction(78_400)}
HANDLING = Fraction("0.05")
APPLIANCE_G = {
    "fridge": Fraction(30_000),
    "washing_machine": Fraction(44_640),
    "dishwasher": Fraction(29_400),
    "air_conditioner": Fraction(-73_300),
}
CLOTHES_G_PER_KG = Fraction(3_600)
BOOK_G = Fraction(682)
STREAM_G_PER_KG = {
    "cardboard": Fraction("101.62"),
    "paper": Fraction(295),
    "plastic_bottle": Fraction(1_597),
    "clothes": Fraction(3_600),
}
CUP_G = Fraction(40)
TABLEWARE_G = {
    "chopsticks_pair": Fraction(20),
    "pp_box": Fraction("186.18"),
    "pla_box": Fraction("137.93"),
    "starch_box": Fraction("98.84"),
}
PC_UNCERTAINTY = Fraction("0.20")
SHEET_G = Fraction("4.64")
EMAIL_G = Fraction("2.5")

# -- the grid: grams per kilowatt-hour, from the day of publication on -----------------------------------------
_GRID = {
    "national": ("556.8", "536.6", "530.6"),
    "beijing": ("568.8", "558", "555.4"),
    "guangdong": ("471.5", "440.3", "441.9"),
    "yunnan": ("123.5", "107.3", "133.3"),
}
_PUBLISHED = (date(2022, 1, 1), date(2024, 12, 26), date(2025, 12, 31))


def _grid_by_day() -> dict[tuple[str, date], Fraction]:
    days = [FIRST_DAY + timedelta(days=number) for number in range(DAYS)]
    return {
        (region, day): Fraction(values[sum(published <= day for published in _PUBLISHED) - 1])
        for region, values in _GRID.items()
        for day in days
    }


GRID_G_PER_KWH = _grid_by_day()


def credits_of(code: str, data: Data, day: date) -> Credits:
    """Whole grams by claim type, watt-hours for certified electricity."""
    return FORMULAS[code](data, day)


def _credited(reduction: Fraction) -> int:
    return max(0, reduction.numerator // reduction.denominator)


def _metro_ride(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["distance_km"]) * METRO_G_PER_KM)}


def _bus_ride(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["distance_km"]) * BUS_G_PER_KM)}


def _bicycle_ride(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["distance_km"]) * BICYCLE_G_PER_KM)}


def _ebike_ride(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["distance_km"]) * EBIKE_G_PER_KM)}


def _walking(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["steps"]) * WALKING_G_PER_STEP)}


def _shuttle_ride(data: Data, day: date) -> Credits:
    distance = Fraction(data["distance_km"])
    project = distance * SHUTTLE_G_PER_KM / Fraction(data["riders"])
    return {"REDUCTION": _credited(distance * SHUTTLE_BASELINE_G_PER_KM - project)}


def _carpool(data: Data, day: date) -> Credits:
    people = Fraction(data["people"])
    replaced = Fraction(data["would_drive_km"]) + Fraction(data["other_km"]) * OTHERS_WHO_DRIVE
    baseline = replaced * CAR_G_PER_KM / people
    project = Fraction(data["pool_km"]) * DETOUR * CAR_G_PER_KM / people
    return {"REDUCTION": _credited(baseline - project)}


def _car_free_day(data: Data, day: date) -> Credits:
    days = Fraction(data["parked_min"]) // DAY_MIN
    baseline = CAR_FREE_KM_PER_DAY * CAR_CLASS_G_PER_KM[data["car_class"]] * days
    project = Fraction(data["metro_km"]) * METRO_PROJECT_G_PER_KM + Fraction(data["bus_km"]) * BUS_PROJECT_G_PER_KM
    return {"REDUCTION": _credited(baseline - project)}


def _ev_trip(data: Data, day: date) -> Credits:
    distance = Fraction(data["distance_km"])
    project = distance * EV_WH_PER_KM * GRID_G_PER_KWH["national", day] / KILO
    return {"REDUCTION": _credited(distance * CAR_G_PER_KM - project)}


def _ev_charging(data: Data, day: date) -> Credits:
    energy = Fraction(data["charged_kwh"])
    baseline = energy * KILO * CAR_G_PER_KM / EV_WH_PER_KM
    return {"REDUCTION": _credited(baseline - energy * GRID_G_PER_KWH["national", day])}


def _rail_travel(data: Data, day: date) -> Credits:
    baseline, project = Fraction(data["air_km"]) * AIR_G_PER_KM, Fraction(data["rail_km"]) * RAIL_G_PER_KM
    return {"REDUCTION": _credited(baseline - project)}


def _online_meeting(data: Data, day: date) -> Credits:
    travel = Fraction(data["air_km"]) * AIR_G_PER_KM * 2 + Fraction(data["hotel_nights"]) * HOTEL_G_PER_NIGHT
    project = Fraction(data["attendees"]) * Fraction(data["duration_h"]) * ONLINE_G_PER_HOUR
    return {"REDUCTION": _credited(travel - project)}


def _paperless_office(data: Data, day: date) -> Credits:
    baseline = Fraction(data["pages"]) * Fraction(data["originals"]) * SHEET_G
    return {"REDUCTION": _credited(baseline - Fraction(data["emails"]) * EMAIL_G)}


def _class_electricity(data: Data, day: date) -> Credits:
    factor = GRID_G_PER_KWH[data["region"], day]
    return {"REDUCTION": _credited(Fraction(data["baseline_kwh"]) * factor - Fraction(data["actual_kwh"]) * factor)}


def _school_recycling(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["weight_kg"]) * STREAM_G_PER_KG[data["stream"]])}


def _device_reuse(data: Data, day: date) -> Credits:
    baseline = Fraction(data["quantity"]) * DEVICE_G[data["category"]]
    return {"REDUCTION": _credited(baseline - baseline * HANDLING)}


def _appliance_recycling(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["quantity"]) * APPLIANCE_G[data["category"]])}


def _clothes_donation(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["weight_kg"]) * CLOTHES_G_PER_KG)}


def _book_donation(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["quantity"]) * BOOK_G * HALF)}


def _own_cup(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["quantity"]) * CUP_G)}


def _no_tableware(data: Data, day: date) -> Credits:
    return {"REDUCTION": _credited(Fraction(data["quantity"]) * TABLEWARE_G[data["item"]])}


def _low_carbon_pc(data: Data, day: date) -> Credits:
    base, product = Fraction(data["baseline_footprint_kg"]), Fraction(data["product_footprint_kg"])
    quantity, retired = Fraction(data["quantity"]), Fraction(data["retired_kg"])
    baseline = quantity * (base - base * PC_UNCERTAINTY)
    offset = quantity * min(retired, product)
    return {"REDUCTION": _credited((baseline - quantity * product) * KILO), "OFFSET_BACKED": _credited(offset * KILO)}


def _green_electricity(data: Data, day: date) -> Credits:
    energy = min(Fraction(data["consumed_kwh"]), Fraction(data["cancelled_kwh"]))
    return {"EAC_BACKED": _credited(energy * KILO)}


def _engagement(data: Data, day: date) -> Credits:
    return {"ENGAGEMENT": 0}


FORMULAS: dict[str, Callable[[Data, date], Credits]] = {
    "appliance_recycling": _appliance_recycling,
    "bicycle_ride": _bicycle_ride,
    "book_donation": _book_donation,
    "bus_ride": _bus_ride,
    "car_free_day": _car_free_day,
    "carpool": _carpool,
    "class_electricity": _class_electricity,
    "clothes_donation": _clothes_donation,
    "device_reuse": _device_reuse,
    "ebike_ride": _ebike_ride,
    "ev_charging": _ev_charging,
    "ev_trip": _ev_trip,
    "green_electricity": _green_electricity,
    "learning": _engagement,
    "low_carbon_pc": _low_carbon_pc,
    "metro_ride": _metro_ride,
    "no_tableware": _no_tableware,
    "online_meeting": _online_meeting,
    "own_cup": _own_cup,
    "paperless_office": _paperless_office,
    "rail_travel": _rail_travel,
    "school_recycling": _school_recycling,
    "shuttle_ride": _shuttle_ride,
    "step_donation": _engagement,
    "walking": _walking,
}
