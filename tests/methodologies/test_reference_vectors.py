"""Vectors computed by hand from the reference, never from what the code prints: exact grams, then what is credited.

Each comment is the arithmetic in kilograms (grams where it says g). `exact` is the signed reduction in grams before the
evidence grade; a quotient where the decimals do not end.
"""

import json
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

import methodologies
from methodologies import MethodologyError

DAY = date(2026, 1, 15)  # grid 2023 (0.5306 national, 0.5554 Beijing) is in force
GRID_2021 = date(2024, 12, 25)
GRID_2022 = date(2024, 12, 26)
GRID_2022_LAST = date(2025, 12, 30)
GRID_2023 = date(2025, 12, 31)

DEFAULT, SHENZHEN, BEIJING = "CN-DEFAULT", "CN-SZ-2021", "CN-BJ-2023"
BEIJING_2019, CHONGQING, WUHAN, CACE = "CN-BJ-2019", "CN-CQ-2023", "CN-WH-2021", "CN-CACE-2023"


class Vector(NamedTuple):
    """An act, its exact signed reduction in grams, and the whole grams credited."""

    code: str
    data: dict[str, Any]
    exact: str
    credited: int
    profile: str = DEFAULT
    day: date = DAY
    grade: str = "E3"


def grams(text: str) -> Fraction:
    """`5.98/22` and `63.0` as they are written."""
    top, _, bottom = text.partition("/")
    return Fraction(top) / Fraction(bottom or 1)


def quantify(vector: Vector) -> methodologies.Quantification:
    return methodologies.quantify(vector.code, vector.data, vector.day, vector.profile, vector.grade)


PUBLISHED = {
    # TV01  2,800,000 × 0.5568 = 1,559,040
    "TV01": Vector(
        "class_electricity", {"baseline_kwh": 2_800_000, "actual_kwh": 0}, "1559040000", 1_559_040_000, day=GRID_2021
    ),
    # TV02  73 × 0.79 × 0.9 = 51.903
    "TV02": Vector(
        "device_reuse",
        {"production_footprint_kg": 73, "production_share": "0.79", "condition": "nine_tenths_new"},
        "51903",
        51_903,
        CACE,
    ),
    # TV03  12.4 × 0.0467 = 0.57908
    "TV03": Vector("metro_ride", {"distance_km": "12.4"}, "579.08", 579),
    # TV04  5.98 − 1.35 = 4.63
    "TV04": Vector("metro_ride", {"distance_km": 22}, "4630", 4630, BEIJING_2019),
    # TV05  0.274 with proof, 0.274 × 0.5 = 0.137 self-declared
    "TV05 proof": Vector("metro_ride", {}, "274", 274, WUHAN, grade="E2"),
    "TV05 declared": Vector("metro_ride", {}, "274", 137, WUHAN, grade="E1"),
    # TV06  3.2 × 0.043 = 0.1376
    "TV06": Vector("ebike_ride", {"distance_km": "3.2"}, "137.6", 137, CHONGQING),
    # TV07  7,250 × 0.02 g = 145 g
    "TV07": Vector("walking", {"steps": 7250}, "145", 145, WUHAN, grade="E2"),
    # TV08  3.5 × 3.6 = 12.6
    "TV08": Vector("clothes_donation", {"weight_kg": "3.5"}, "12600", 12_600),
    # TV09  28 × 0.1674 − 28 × 0.15 × 0.5306 = 4.6872 − 2.22852 = 2.45868
    "TV09": Vector("ev_trip", {"distance_km": 28}, "2458.68", 2458),
    # TV10  1,100 × 0.0829 − 1,318 × 0.0204 = 91.19 − 26.8872 = 64.3028
    "TV10": Vector("rail_travel", {"air_km": 1100, "rail_km": 1318}, "64302.8", 64_302),
    # TV11  2 × 1,100 × 0.0829 + 2 × 500 × 0.0204 − 6 × 1.5 × 0.15 = 182.38 + 20.4 − 1.35 = 201.43
    "TV11": Vector(
        "online_meeting", {"attendees": 6, "duration_h": "1.5", "air_km": 1100, "rail_km": 500}, "201430", 201_430
    ),
    # TV12  ⌊26/24⌋ × 33 × 0.1674 − 20 × 0.032 = 5.5242 − 0.64 = 4.8842
    "TV12": Vector("car_free_day", {"parked_min": 1560, "car_class": "compact", "metro_km": 20}, "4884.2", 4884),
}

PC = "low_carbon_pc"
SAVED_900 = {"baseline_kwh": 12_000, "actual_kwh": 11_100}
EDGES = {
    # (a) 263 × 0.8 − 210 = 210.4 − 210 = 0.4; 210.4 − 260 = −49.6
    "a": Vector(PC, {"baseline_footprint_kg": 263, "product_footprint_kg": 210}, "400", 400),
    "a clamped": Vector(PC, {"baseline_footprint_kg": 263, "product_footprint_kg": 260}, "-49600", 0),
    # (c) ⌊23:59 ÷ 24 h⌋ = 0 days; 24:00 is one: 33 × 0.1674 = 5.5242
    "c": Vector("car_free_day", {"parked_min": 1439, "car_class": "compact"}, "0", 0),
    "c one minute more": Vector("car_free_day", {"parked_min": 1440, "car_class": "compact"}, "5524.2", 5524),
    # (h) (12,000 − 12,900) × 0.5306 = −477.54
    "h": Vector("class_electricity", {"baseline_kwh": 12_000, "actual_kwh": 12_900}, "-477540", 0),
    # (j) 20 × 2 × 4.64 g = 185.6 g
    "j": Vector("paperless_office", {"pages": 20}, "185.6", 185),
    # (k) 0.1674 × (45 − 15 × 1.1) ÷ 3 = 0.1674 × 28.5 ÷ 3 = 1.5903
    "k": Vector("carpool", {"would_drive_km": 45, "pool_km": 15, "people": 3}, "1590.3", 1590),
    # (l) 900 × 0.5306 = 477.54; ÷ 18 = 26.53
    "l": Vector("class_electricity", SAVED_900, "477540", 477_540),
    "l a class": Vector("class_electricity", SAVED_900 | {"classes": 18}, "26530", 26_530),
}

TRIPS = {
    # 12.4 × 0.239 − 12.4 × 0.032 = 2.9636 − 0.3968 = 2.5668
    "metro, Beijing": Vector("metro_ride", {"distance_km": "12.4"}, "2566.8", 2566, BEIJING),
    # 60 × 0.0467 = 2.802: the longest trip
    "metro, Shenzhen": Vector("metro_ride", {"distance_km": 60}, "2802", 2802, SHENZHEN),
    # (5.98 − 1.35) ÷ 22 = 4,630/22 g
    "metro, one kilometre of 2019": Vector("metro_ride", {"distance_km": 1}, "4630/22", 210, BEIJING_2019),
    # 579.08 g × 0.5 = 289.54 g: the odd gram is lost downwards
    "metro, declared": Vector("metro_ride", {"distance_km": "12.4"}, "579.08", 289, grade="E1"),
    # 1.5 × 0.0467 = 0.07005, × 0.5 = 35.025 g
    "metro, declared, short": Vector("metro_ride", {"distance_km": "1.5"}, "70.05", 35, grade="E1"),
    # 4,630/22 × 11 × 0.5 = 1,157.5 g
    "metro, declared, 2019": Vector("metro_ride", {"distance_km": 11}, "2315", 1157, BEIJING_2019, grade="E1"),
    # 0.02 × 0.0467 = 0.000934: under one gram there is nothing to credit
    "metro, one stride": Vector("metro_ride", {"distance_km": "0.02"}, "0.934", 0),
    # 10 × 0.0269 = 0.269
    "bus, Shenzhen": Vector("bus_ride", {"distance_km": 10}, "269", 269, SHENZHEN),
    # 9.3 × 0.0269 = 0.25017, × 0.5 = 125.085 g
    "bus, declared": Vector("bus_ride", {"distance_km": "9.3"}, "250.17", 125, grade="E1"),
    # 7.3 × (0.239 − 0.053) = 7.3 × 0.186 = 1.3578
    "bus, Beijing": Vector("bus_ride", {"distance_km": "7.3"}, "1357.8", 1357, BEIJING),
    # 105 with proof; 105 × 0.5 = 52.5 → 52, as Wuhan credits
    "bus, Wuhan": Vector("bus_ride", {}, "105", 105, WUHAN, grade="E2"),
    "bus, Wuhan, declared": Vector("bus_ride", {}, "105", 52, WUHAN, grade="E1"),
    # 0.043 + 0.012 − 0.0072 = 0.0478; 3.2 × 0.0478 = 0.15296
    "bicycle": Vector("bicycle_ride", {"distance_km": "3.2"}, "152.96", 152),
    # 20 × 0.0478 = 0.956, × 0.5 = 478 g: the longest ride
    "bicycle, declared": Vector("bicycle_ride", {"distance_km": 20}, "956", 478, grade="E1"),
    # 3.2 × (0.239 − 0.0072) = 3.2 × 0.2318 = 0.74176
    "bicycle, Beijing": Vector("bicycle_ride", {"distance_km": "3.2"}, "741.76", 741, BEIJING),
    # 5 × (0.239 − 0.012) = 5 × 0.227 = 1.135
    "e-bike, Beijing": Vector("ebike_ride", {"distance_km": 5}, "1135", 1135, BEIJING),
    # 7.7 × 0.043 = 0.3311
    "e-bike": Vector("ebike_ride", {"distance_km": "7.7"}, "331.1", 331),
    # 8,499 × 0.02 g = 169.98 g
    "walking, steps": Vector("walking", {"steps": 8499}, "169.98", 169),
    # 0.02 g ÷ 0.65 m × 6,500 m = 200 g; 1,000 m: 20/0.65 g = 30.769 g (0.0308 would give 200.2 g and 30.8 g)
    "walking, distance": Vector("walking", {"distance_km": "6.5"}, "200", 200),
    "walking, a kilometre": Vector("walking", {"distance_km": 1}, "20/0.65", 30),
    # 2.6 × 0.239 = 0.6214
    "walking, Beijing": Vector("walking", {"distance_km": "2.6"}, "621.4", 621, BEIJING),
    # 0.1674 × (15 + 0.31 × 30 − 16.5) ÷ 3 = 0.1674 × 7.8 ÷ 3 = 1.30572 ÷ 3 = 0.43524
    "carpool, not surveyed": Vector(
        "carpool", {"would_drive_km": 15, "other_km": 30, "pool_km": 15, "people": 3}, "435.24", 435
    ),
    # 0.1674 × (20 + 0.31 × 10 − 33) ÷ 2 = 0.1674 × −9.9 ÷ 2 = −0.82863: the detour costs more than it saves
    "carpool, detour": Vector(
        "carpool", {"would_drive_km": 20, "other_km": 10, "pool_km": 30, "people": 2}, "-828.63", 0
    ),
    # 18 × (0.055 − 0.209534 ÷ 20) = 0.99 − 0.1885806 = 0.8014194
    "shuttle": Vector("shuttle_ride", {"distance_km": 18, "riders": 20}, "801.4194", 801),
    # 12.5 × 0.055 − 12.5 × 0.209534 ÷ 39 = (26.8125 − 2.619175) ÷ 39 = 24.193325 ÷ 39
    "shuttle, full": Vector("shuttle_ride", {"distance_km": "12.5", "riders": 39}, "24193.325/39", 620),
    # 18 × (0.055 − 0.209534 ÷ 3) = 0.99 − 1.257204 = −0.267204
    "shuttle, nearly empty": Vector("shuttle_ride", {"distance_km": 18, "riders": 3}, "-267.204", 0),
}

ENERGY = {
    # 4.6872 − 28 × 0.15 × 0.5568 = 4.6872 − 2.33856 = 2.34864
    "ev, last day of 2021's factor": Vector("ev_trip", {"distance_km": 28}, "2348.64", 2348, day=GRID_2021),
    # 4.6872 − 28 × 0.15 × 0.5366 = 4.6872 − 2.25372 = 2.43348
    "ev, first day of 2022's factor": Vector("ev_trip", {"distance_km": 28}, "2433.48", 2433, day=GRID_2022),
    "ev, last day of 2022's factor": Vector("ev_trip", {"distance_km": 28}, "2433.48", 2433, day=GRID_2022_LAST),
    "ev, first day of 2023's factor": Vector("ev_trip", {"distance_km": 28}, "2458.68", 2458, day=GRID_2023),
    # 4.6872 − 28 × 0.18 × 0.5306 = 4.6872 − 2.674224 = 2.012976
    "ev, measured": Vector("ev_trip", {"distance_km": 28, "consumption": "0.18"}, "2012.976", 2012),
    # 10 × (0.1674 ÷ 0.15 − 0.5306) = 11.16 − 5.306 = 5.854
    "charging": Vector("ev_charging", {"charged_kwh": 10}, "5854", 5854),
    # 11.16 − 5.568 = 5.592
    "charging, 2021's factor": Vector("ev_charging", {"charged_kwh": 10}, "5592", 5592, day=GRID_2021),
    # 7.5 × (1.116 − 0.5366) = 8.37 − 4.0245 = 4.3455
    "charging, 2022's factor": Vector("ev_charging", {"charged_kwh": "7.5"}, "4345.5", 4345, day=GRID_2022_LAST),
    # 900 × 0.5554 = 499.86; 900 × 0.5580 = 502.2; 900 × 0.5688 = 511.92
    "Beijing 2023": Vector("class_electricity", SAVED_900 | {"region": "beijing"}, "499860", 499_860),
    "Beijing 2022": Vector(
        "class_electricity", SAVED_900 | {"region": "beijing"}, "502200", 502_200, day=GRID_2022_LAST
    ),
    "Beijing 2021": Vector("class_electricity", SAVED_900 | {"region": "beijing"}, "511920", 511_920, day=GRID_2021),
    # 900 × 0.5568 = 501.12; 900 × 0.5366 = 482.94
    "class, 2021": Vector("class_electricity", SAVED_900, "501120", 501_120, day=GRID_2021),
    "class, 2022": Vector("class_electricity", SAVED_900, "482940", 482_940, day=GRID_2022),
    "class, 2023": Vector("class_electricity", SAVED_900, "477540", 477_540, day=GRID_2023),
    # 900 × 0.5306 × 0.25 = 119.385
    "class by area": Vector("class_electricity", SAVED_900 | {"share": "0.25"}, "119385", 119_385),
    # (12,000 × 0.95 × 1.05 − 11,100) × 0.5306 = (11,970 − 11,100) × 0.5306 = 870 × 0.5306 = 461.622
    "class, normalised": Vector(
        "class_electricity", SAVED_900 | {"calendar_ratio": "0.95", "degree_day_ratio": "1.05"}, "461622", 461_622
    ),
    # (12,000 × 0.9 − 11,100) × 0.5306 = −300 × 0.5306 = −159.18
    "class, fewer school days": Vector("class_electricity", SAVED_900 | {"calendar_ratio": "0.9"}, "-159180", 0),
}

CARS_AND_JOURNEYS = {
    # 2 × 20 × 0.19567 − 10 × 0.053 = 7.8268 − 0.53 = 7.2968
    "two days parked": Vector(
        "car_free_day", {"parked_min": 2880, "car_class": "mid", "daily_distance": 20, "bus_km": 10}, "7296.8", 7296
    ),
    # 33 × 0.15404 = 5.08332; 0.20346: 6.71418; 0.17474: 5.76642; 0.07809: 2.57697; 0.0932: 3.0756; 0.1189: 3.9237
    "small": Vector("car_free_day", {"parked_min": 1440, "car_class": "small"}, "5083.32", 5083),
    "mid-large": Vector("car_free_day", {"parked_min": 1440, "car_class": "mid_large"}, "6714.18", 6714),
    "SUV": Vector("car_free_day", {"parked_min": 1440, "car_class": "suv"}, "5766.42", 5766),
    "EV small": Vector("car_free_day", {"parked_min": 1440, "car_class": "ev_small"}, "2576.97", 2576),
    "EV mid": Vector("car_free_day", {"parked_min": 1440, "car_class": "ev_mid"}, "3075.6", 3075),
    "EV large": Vector("car_free_day", {"parked_min": 1440, "car_class": "ev_large"}, "3923.7", 3923),
    # 0 days − 20 × 0.032 = −0.64
    "not a day, but a trip": Vector(
        "car_free_day", {"parked_min": 1439, "car_class": "compact", "metro_km": 20}, "-640", 0
    ),
    # 300 × 0.0829 − 350 × 0.0204 = 24.87 − 7.14 = 17.73: the shortest flight
    "rail, short": Vector("rail_travel", {"air_km": 300, "rail_km": 350}, "17730", 17_730),
    # 1,500 × 0.0829 − 1,999.9 × 0.0204 = 124.35 − 40.79796 = 83.55204: the longest
    "rail, long": Vector("rail_travel", {"air_km": 1500, "rail_km": "1999.9"}, "83552.04", 83_552),
    # (2 × 300 × 0.0204 + 2 × 53.5 − 10 × 0.5 × 0.15) ÷ 3 = (12.24 + 107 − 0.75) ÷ 3 = 118.49 ÷ 3
    "meeting, shared": Vector(
        "online_meeting",
        {"attendees": 10, "duration_h": "0.5", "rail_km": 300, "hotel_nights": 2, "claimants": 3},
        "118490/3",
        39_496,
    ),
    # −4 × 1 × 0.15 = −0.6: nobody would have travelled
    "meeting that replaces nothing": Vector("online_meeting", {"attendees": 4, "duration_h": 1}, "-600", 0),
}

THINGS = {
    # 25 − 1.25 = 23.75; 25.2 × 0.95 = 23.94; 78.4 × 0.95 = 74.48
    "phone": Vector("device_reuse", {"category": "phone"}, "23750", 23_750),
    "tablet": Vector("device_reuse", {"category": "tablet"}, "23940", 23_940, BEIJING),
    "laptop": Vector("device_reuse", {"category": "laptop"}, "74480", 74_480, grade="E2"),
    # 0.6 × 5.648 × 0.43 = 1.457184 (1.46 before the cut), × 0.95 = 1.3843248
    "camera": Vector("device_reuse", {"category": "camera", "weight_kg": "0.6"}, "1384.3248", 1384),
    # 1.2 × 5.648 × 0.43 = 2.914368, × 0.95 = 2.7686496
    "lens": Vector("device_reuse", {"category": "lens", "weight_kg": "1.2"}, "2768.6496", 2768, grade="E2"),
    "fridge": Vector("appliance_recycling", {"category": "fridge"}, "30000", 30_000),
    "washing machine": Vector("appliance_recycling", {"category": "washing_machine"}, "44640", 44_640),
    "dishwasher": Vector("appliance_recycling", {"category": "dishwasher"}, "29400", 29_400),
    "air conditioner": Vector("appliance_recycling", {"category": "air_conditioner"}, "-73300", 0),
    "phone, material": Vector("appliance_recycling", {"category": "phone"}, "-250", 0),
    "tablet, material": Vector("appliance_recycling", {"category": "tablet"}, "-360", 0),
    "laptop, material": Vector("appliance_recycling", {"category": "laptop"}, "-2790", 0),
    # 0.001 × 3.6 = 0.0036; 50 × 3.6 = 180
    "a gram of clothes": Vector("clothes_donation", {"weight_kg": "0.001"}, "3.6", 3),
    "fifty kilograms of clothes": Vector("clothes_donation", {"weight_kg": 50}, "180000", 180_000),
    # 5 × 0.682 × 0.5 = 1.705; 0.341
    "five books": Vector("book_donation", {"quantity": 5}, "1705", 1705),
    "a book": Vector("book_donation", {"quantity": 1}, "341", 341, WUHAN),
    # 10 × (1.19973 − 1.09811) = 1.0162 (the rounded 0.102 would give 1.02)
    "cardboard": Vector("school_recycling", {"stream": "cardboard", "weight_kg": 10}, "1016.2", 1016),
    # 1.7 × (1.345 − 1.050) = 1.7 × 0.295 = 0.5015
    "paper": Vector("school_recycling", {"stream": "paper", "weight_kg": "1.7"}, "501.5", 501),
    # 0.5 × (3.172 − 1.575) = 0.5 × 1.597 = 0.7985
    "plastic bottles": Vector("school_recycling", {"stream": "plastic_bottle", "weight_kg": "0.5"}, "798.5", 798),
    # 2.35 × 3.6 = 8.46
    "clothes at school": Vector("school_recycling", {"stream": "clothes", "weight_kg": "2.35"}, "8460", 8460),
    # 26 × 1.3 × 0.02/0.65 = 33.8 × 0.0307692… = 1.04; 5 × 4 × 0.0467 = 0.934
    "a class walks": Vector(
        "class_trips", {"mode": "walk", "pupils": 26, "distance_km": "1.3"}, "1040", 1040, grade="E2"
    ),
    "a class by metro": Vector(
        "class_trips", {"mode": "metro", "pupils": 5, "distance_km": 4}, "934", 934, grade="E2"
    ),
    # 389 × 0.8 − 210 = 311.2 − 210 = 101.2; 346.5 × 0.8 − 240 = 277.2 − 240 = 37.2; by register: 263 × 0.8 − 210 = 0.4
    "PC": Vector(PC, {"baseline_footprint_kg": 389, "product_footprint_kg": 210}, "101200", 101_200),
    "PC of 2015": Vector(PC, {"baseline_footprint_kg": "346.5", "product_footprint_kg": 240}, "37200", 37_200),
    "PC by register": Vector(PC, {"model": "ideapad_3_14", "baseline_segment": "lenovo_laptop_2019"}, "400", 400),
    # 200 × 3 × 4.64 g − 2 × 2.5 g = 2,784 g − 5 g = 2,779 g
    "a long contract": Vector("paperless_office", {"pages": 200, "originals": 3, "emails": 2}, "2779", 2779),
    # 20 g; 3 × 20 g; 2 × 186.18 g = 372.36 g; 137.93 g; 3 × 98.84 g = 296.52 g
    "no tableware": Vector("no_tableware", {}, "20", 20),
    "three pairs": Vector("no_tableware", {"item": "chopsticks_pair", "quantity": 3}, "60", 60),
    "PP boxes": Vector("no_tableware", {"item": "pp_box", "quantity": 2}, "372.36", 372, grade="E2"),
    "PLA box": Vector("no_tableware", {"item": "pla_box"}, "137.93", 137),
    "starch boxes": Vector("no_tableware", {"item": "starch_box", "quantity": 3}, "296.52", 296),
    # 40 g a use
    "own cup": Vector("own_cup", {}, "40", 40),
    "three cups": Vector("own_cup", {"quantity": 3}, "120", 120, CHONGQING),
}

VECTORS = {**PUBLISHED, **EDGES, **TRIPS, **ENERGY, **CARS_AND_JOURNEYS, **THINGS}


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    vector = VECTORS[name]
    done = quantify(vector)
    assert (done.reduction_g, done.credits["REDUCTION"]) == (grams(vector.exact), vector.credited)
    again = methodologies.recompute(json.loads(json.dumps(done.basis.as_json())), vector.data, vector.grade)
    assert (again.reduction_g, again.credits) == (done.reduction_g, done.credits)


def test_every_methodology_that_reduces_has_a_vector() -> None:
    reducing = {one.code for one in methodologies.library() if "REDUCTION" in one.claim_types}
    assert reducing == {vector.code for vector in VECTORS.values()}
    assert {methodology.code for methodology in methodologies.library()} - reducing == {
        "green_electricity",
        "learning",
        "step_donation",
    }


# -- what is no reduction ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "data", "credits"),
    [
        # (b) min(1,000, 508) = 508 kg of compensation; no baseline, no reduction
        (PC, {"product_footprint_kg": 508, "retired_kg": 1000}, {"REDUCTION": 0, "OFFSET_BACKED": 508_000}),
        (PC, {"model": "thinkpad_x1_carbon_gen9", "retired_kg": 1000}, {"REDUCTION": 0, "OFFSET_BACKED": 508_000}),
        # min(100, 508) = 100
        (PC, {"product_footprint_kg": 508, "retired_kg": 100}, {"REDUCTION": 0, "OFFSET_BACKED": 100_000}),
        # (f)
        ("learning", {"correct_answers": 10}, {"ENGAGEMENT": 0}),
        ("step_donation", {"steps": 18_000}, {"ENGAGEMENT": 0}),
        # min(2,800,000, 2,800,000) kWh; min(500, 1,000) kWh
        ("green_electricity", {"consumed_kwh": 2_800_000, "cancelled_kwh": 2_800_000}, {"EAC_BACKED": 2_800_000_000}),
        ("green_electricity", {"consumed_kwh": 500, "cancelled_kwh": 1000}, {"EAC_BACKED": 500_000}),
    ],
)
def test_what_is_kept_apart_from_reductions(code: str, data: dict[str, Any], credits: dict[str, int]) -> None:
    done = methodologies.quantify(code, data, DAY, DEFAULT)
    assert (done.reduction_g, done.credits) == (Fraction(0), credits)


@pytest.mark.parametrize("classes", [1, 7, 11, 18, 199])
def test_what_classes_share_is_never_more_than_the_whole(classes: int) -> None:
    """(l) the sum of the floored shares of 477.54 kg, and less than a gram for each class below it."""
    data = SAVED_900 | {"classes": classes}
    shared = methodologies.quantify("class_electricity", data, DAY, DEFAULT).credits["REDUCTION"] * classes
    assert 477_540 - classes < shared <= 477_540


# -- what each profile publishes, and nothing more ---------------------------------------------------------------

TRIP_DATA: dict[str, dict[str, Any]] = {
    "metro_ride": {"distance_km": 5},
    "bus_ride": {"distance_km": 5},
    "bicycle_ride": {"distance_km": 5},
    "ebike_ride": {"distance_km": 5},
    "walking": {"steps": 5000, "distance_km": "3.25"},
    "shuttle_ride": {"distance_km": 5, "riders": 20},
}
SERVED = {
    DEFAULT: set(TRIP_DATA),
    SHENZHEN: {"metro_ride", "bus_ride"},
    BEIJING: {"metro_ride", "bus_ride", "bicycle_ride", "ebike_ride", "walking"},
    BEIJING_2019: {"metro_ride"},
    CHONGQING: {"ebike_ride"},
    WUHAN: {"metro_ride", "bus_ride", "walking"},
    CACE: set(),
}


@pytest.mark.parametrize("profile", SERVED)
@pytest.mark.parametrize("code", TRIP_DATA)
def test_a_profile_serves_what_it_publishes(profile: str, code: str) -> None:
    if code in SERVED[profile]:
        done = methodologies.quantify(code, TRIP_DATA[code], DAY, profile)
        assert (done.profile, done.credits["REDUCTION"] > 0) == (profile, True)
    else:
        assert refused(code, TRIP_DATA[code], profile=profile).code == "PROFILE_NOT_SUPPORTED"


def test_every_registered_profile_is_looked_at() -> None:
    assert SERVED.keys() == methodologies.library().profiles.keys()


def test_half_is_credited_only_where_a_declaration_is_accepted() -> None:
    accepting = {one.code for one in methodologies.library() if "E1" in one.versions[-1].grades}
    assert accepting == {"metro_ride", "bus_ride", "bicycle_ride", "ebike_ride"}


# -- bad data ----------------------------------------------------------------------------------------------------


def refused(
    code: str, data: dict[str, Any], day: date = DAY, profile: str = DEFAULT, grade: str = "E3"
) -> MethodologyError:
    with pytest.raises(MethodologyError) as caught:
        methodologies.quantify(code, data, day, profile, grade)
    assert caught.value.message_zh and caught.value.message_en
    return caught.value


NUMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "metro_ride": ("distance_km", {}),
    "bus_ride": ("distance_km", {}),
    "bicycle_ride": ("distance_km", {}),
    "ebike_ride": ("distance_km", {}),
    "walking": ("steps", {}),
    "carpool": ("pool_km", {"would_drive_km": 10, "people": 2}),
    "shuttle_ride": ("distance_km", {"riders": 20}),
    "ev_trip": ("distance_km", {}),
    "ev_charging": ("charged_kwh", {}),
    "class_electricity": ("baseline_kwh", {"actual_kwh": 1}),
    "class_trips": ("distance_km", {"mode": "walk", "pupils": 1}),
    "green_electricity": ("consumed_kwh", {"cancelled_kwh": 1}),
    "car_free_day": ("daily_distance", {"parked_min": 1440, "car_class": "small"}),
    "rail_travel": ("rail_km", {"air_km": 300}),
    "online_meeting": ("duration_h", {"attendees": 2}),
    "paperless_office": ("pages", {}),
    "device_reuse": ("weight_kg", {"category": "camera"}),
    "clothes_donation": ("weight_kg", {}),
    "book_donation": ("quantity", {}),
    "school_recycling": ("weight_kg", {"stream": "paper"}),
    "no_tableware": ("quantity", {}),
    "own_cup": ("quantity", {}),
    "low_carbon_pc": ("product_footprint_kg", {}),
    "step_donation": ("steps", {}),
    "learning": ("correct_answers", {}),
    "appliance_recycling": ("quantity", {"category": "fridge"}),
}


@pytest.mark.parametrize("code", NUMBERS)
def test_bad_numbers_are_refused_by_name_everywhere(code: str) -> None:
    field, rest = NUMBERS[code]
    grade = methodologies.library().get(code).versions[-1].grades[0]
    for value in ("NaN", "Infinity", "-Infinity", "1e3", "１２", True, False, 1.5, float("nan"), None, "", "+1"):
        error = refused(code, {field: value, **rest}, grade=grade)
        assert (error.code, error.facts["field"]) == ("NOT_A_NUMBER", field), value
    for value in ("-5", -5, "-0.000000001", "999999999999"):
        error = refused(code, {field: value, **rest}, grade=grade)
        assert (error.code, error.facts["field"]) == ("OUT_OF_BOUNDS", field), value


def test_every_methodology_is_fed_bad_numbers() -> None:
    assert NUMBERS.keys() == set(methodologies.library().codes)


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("metro_ride", {"distance_km": 1000}),  # (i)
        ("metro_ride", {"distance_km": "60.000000001"}),
        ("bus_ride", {"distance_km": 61}),
        ("bicycle_ride", {"distance_km": "20.1"}),
        ("ebike_ride", {"distance_km": 31}),
        ("walking", {"steps": 20_001}),
        ("walking", {"distance_km": "13.01"}),
        ("step_donation", {"steps": 20_001}),
        ("shuttle_ride", {"distance_km": 10, "riders": 40}),
        ("ev_trip", {"distance_km": 301}),
        ("rail_travel", {"air_km": 299, "rail_km": 350}),
        ("rail_travel", {"air_km": 1501, "rail_km": 1700}),
        ("rail_travel", {"air_km": 1100, "rail_km": 1318, "duration_s": 23_401}),  # 6.5 h = 23,400 s
        ("online_meeting", {"attendees": 6, "duration_h": "0.49", "air_km": 1100}),
        ("paperless_office", {"pages": 201}),
        ("clothes_donation", {"weight_kg": "50.001"}),
        ("device_reuse", {"category": "lens", "weight_kg": "5.001"}),
        ("car_free_day", {"parked_min": 1440, "car_class": "small", "daily_distance": 101}),
    ],
)
def test_beyond_the_bounds(code: str, data: dict[str, Any]) -> None:
    assert refused(code, data).code == "OUT_OF_BOUNDS"


@pytest.mark.parametrize(
    ("code", "data", "slowest_h", "fastest_h"),
    [
        # kilometres ÷ hours at both ends of the band
        ("bicycle_ride", {"distance_km": 10}, "2", "1/3"),  # 5 and 30 km/h
        ("metro_ride", {"distance_km": 30}, "10", "0.25"),  # 3 and 120
        ("bus_ride", {"distance_km": 30}, "10", "0.3"),  # 3 and 100
        ("ebike_ride", {"distance_km": 10}, "2", "0.25"),  # 5 and 40
        ("walking", {"distance_km": 3}, "3", "0.3"),  # 1 and 10
        ("carpool", {"would_drive_km": 60, "pool_km": 30, "people": 2}, "10", "0.25"),  # 3 and 120
        ("ev_trip", {"distance_km": 30}, "10", "0.25"),  # 3 and 120
        ("shuttle_ride", {"distance_km": 30, "riders": 20}, "10", "0.3"),  # 3 and 100
        ("rail_travel", {"air_km": 300, "rail_km": 350}, "35/6", "1"),  # 60 and 350
    ],
)
def test_the_speed_band_of_every_trip_with_a_duration(
    code: str, data: dict[str, Any], slowest_h: str, fastest_h: str
) -> None:
    slowest, fastest = (int(grams(text) * 3600) for text in (slowest_h, fastest_h))
    for duration in (slowest, fastest):
        methodologies.quantify(code, {**data, "duration_s": duration}, DAY, DEFAULT)
    for duration in (slowest + 1, fastest - 1):
        assert refused(code, {**data, "duration_s": duration}).code == "IMPLAUSIBLE_SPEED"


def test_every_trip_with_a_duration_has_a_speed_band() -> None:
    for methodology in methodologies.library():
        if "duration_s" in methodology.definition.monitored:
            assert "IMPLAUSIBLE_SPEED" in {rate.code for rate in methodology.definition.rates}, methodology.code


@pytest.mark.parametrize(
    ("code", "data", "day", "refusal"),
    [
        ("class_electricity", SAVED_900 | {"region": "atlantis"}, DAY, "UNKNOWN_REGION"),  # (g)
        ("class_electricity", SAVED_900 | {"region": "北京"}, DAY, "UNKNOWN_REGION"),
        ("device_reuse", {"category": "drone"}, DAY, "UNKNOWN_CATEGORY"),
        ("device_reuse", {"category": "lens"}, DAY, "FACTOR_NOT_PUBLISHED"),
        ("car_free_day", {"parked_min": 1440, "car_class": "hybrid"}, DAY, "UNKNOWN_CAR_CLASS"),
        ("school_recycling", {"stream": "glass", "weight_kg": 1}, DAY, "UNKNOWN_STREAM"),
        ("no_tableware", {"item": "tissue"}, DAY, "UNKNOWN_ITEM"),
        ("metro_ride", {}, DAY, "MISSING_DATA"),
        ("clothes_donation", {"weight": 3}, DAY, "UNKNOWN_DATA"),
        # more than two people could have travelled, or a car could have carried, or a car can drive on
        ("online_meeting", {"attendees": 2, "duration_h": 1, "air_km": 10_001}, DAY, "IMPLAUSIBLE_FLIGHTS"),
        ("online_meeting", {"attendees": 2, "duration_h": 1, "rail_km": 5001}, DAY, "IMPLAUSIBLE_RAIL"),
        ("online_meeting", {"attendees": 2, "duration_h": 1, "hotel_nights": 15}, DAY, "IMPLAUSIBLE_NIGHTS"),
        ("carpool", {"would_drive_km": 71, "pool_km": 10, "people": 7}, DAY, "IMPLAUSIBLE_SHARE"),
        ("carpool", {"would_drive_km": 10, "other_km": 61, "pool_km": 10, "people": 7}, DAY, "IMPLAUSIBLE_PASSENGERS"),
        ("walking", {"steps": 300, "duration_s": 60}, DAY, "IMPLAUSIBLE_CADENCE"),
        ("ev_trip", {"distance_km": 28, "consumption": "0.049"}, DAY, "OUT_OF_BOUNDS"),
        # the day before entry into force
        ("metro_ride", {"distance_km": 5}, date(2022, 9, 22), "NOT_IN_FORCE"),
        ("ev_trip", {"distance_km": 5}, date(2023, 12, 31), "NOT_IN_FORCE"),
        ("rail_travel", {"air_km": 300, "rail_km": 350}, date(2024, 12, 31), "NOT_IN_FORCE"),
        ("class_electricity", SAVED_900, date(2021, 12, 31), "NOT_IN_FORCE"),
        ("device_reuse", {"category": "camera", "weight_kg": 1}, date(2024, 12, 31), "NOT_IN_FORCE"),
    ],
)
def test_named_refusals(code: str, data: dict[str, Any], day: date, refusal: str) -> None:
    assert refused(code, data, day).code == refusal


@pytest.mark.parametrize("code", [one.code for one in methodologies.library() if "E1" not in one.versions[-1].grades])
def test_a_declaration_is_refused_elsewhere(code: str) -> None:
    field, rest = NUMBERS[code]
    assert refused(code, {field: 1, **rest}, grade="E1").code == "GRADE_NOT_ACCEPTED"


@pytest.mark.parametrize(
    ("day", "data", "refusal"),
    [
        ("2025-02-30", '{"distance_km": "12.4"}', "INVALID_DAY"),
        ("2025-2-3", '{"distance_km": "12.4"}', "INVALID_DAY"),
        ("20250203", '{"distance_km": "12.4"}', "INVALID_DAY"),
        ("2025-06-01", '{"distance_km": NaN}', "INVALID_JSON"),
        ("2025-06-01", '{"distance_km": "1e3"}', "NOT_A_NUMBER"),
        ("2025-06-01", '{"distance_km": "１２"}', "NOT_A_NUMBER"),
        ("2025-06-01", '{"distance_km": true}', "NOT_A_NUMBER"),
        ("2025-06-01", '{"distance_km": 1000}', "OUT_OF_BOUNDS"),
        ("2022-09-22", '{"distance_km": "12.4"}', "NOT_IN_FORCE"),
    ],
)
def test_refusals_through_the_command(app: Any, day: str, data: str, refusal: str) -> None:
    arguments = ["methodology", "quantify", "metro_ride", "--day", day, "--data", data]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 1
    assert json.loads(result.output)["error"] == refusal


def test_a_vector_through_the_command(app: Any) -> None:
    """TV03, whole trail; `1e1` as a JSON number is the number ten."""
    arguments = ["methodology", "quantify", "metro_ride", "--day", "2026-01-15", "--data"]
    trail = json.loads(app.test_cli_runner().invoke(args=[*arguments, '{"distance_km": 12.4}']).output)
    assert (trail["reduction_g"], trail["credits"]) == ("579.08", {"REDUCTION": 579})
    trail = json.loads(app.test_cli_runner().invoke(args=[*arguments, '{"distance_km": 1e1}']).output)
    assert trail["credits"] == {"REDUCTION": 467}
