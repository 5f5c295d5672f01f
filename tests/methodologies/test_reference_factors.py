"""Every factor of the reference stands in the library: the same value, label and sources, wherever it is used."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest

import methodologies
from methodologies.kernel.parameters import Row

FILE = Path(__file__).parent / "data" / "factors.csv"
REFERENCE = {line["factor_id"]: line for line in csv.DictReader(FILE.read_text(encoding="utf-8").splitlines())}

Where = tuple[str, str, dict[str, str]]
GRID = "factors/grid_electricity"
BEIJING, DEFAULT = {"profile": "CN-BJ-2023"}, {"profile": "CN-DEFAULT"}


def grid(year: str, region: str = "national", kind: str = "average") -> list[Where]:
    return [(GRID, "", {"data_year": year, "kind": kind, "region": region})]


def everywhere(parameter: str, *codes: str, **keys: str) -> list[Where]:
    return [(code, parameter, keys) for code in codes]


#: Where each factor stands: methodology (or table), parameter, keys.
PLACES: dict[str, list[Where]] = {
    "grid.cn.national.2021": grid("2021"),
    "grid.cn.national.2022": grid("2022"),
    "grid.cn.national.2023": grid("2023"),
    "grid.cn.beijing.2023": grid("2023", "beijing"),
    "grid.cn.residual.2023": grid("2023", kind="residual"),
    "grid.cn.footprint.2024": [("factors/grid_footprint", "", {"data_year": "2024", "region": "national"})],
    "pcf.lenovo.x1c9": everywhere("product_footprint", "low_carbon_pc", model="thinkpad_x1_carbon_gen9"),
    "pcf.lenovo.laptop.median.2019": everywhere(
        "baseline_footprint", "low_carbon_pc", baseline_segment="lenovo_laptop_2019"
    ),
    "device.reuse.phone.default": everywhere("avoided_production", "device_reuse", category="phone"),
    "device.reuse.tablet.default": everywhere("avoided_production", "device_reuse", category="tablet"),
    "device.reuse.laptop.default": everywhere("avoided_production", "device_reuse", category="laptop"),
    "device.recycle.fridge": everywhere("credit_per_item", "appliance_recycling", category="fridge"),
    "device.recycle.washing": everywhere("credit_per_item", "appliance_recycling", category="washing_machine"),
    "clothes.recovered": [
        *everywhere("reduction_per_kg", "clothes_donation"),
        *everywhere("reduction_per_kg", "school_recycling", stream="clothes"),
    ],
    "book.new": everywhere("book_footprint", "book_donation"),
    "book.replacement.default": everywhere("replacement_rate", "book_donation"),
    "commute.sz.metro.net": everywhere("reduction_per_km", "metro_ride", profile="CN-SZ-2021"),
    "commute.sz.ebus.net": everywhere("reduction_per_km", "bus_ride", profile="CN-SZ-2021"),
    "commute.bj.base.highcarbon.2022": everywhere(
        "baseline_per_km", "metro_ride", "bus_ride", "bicycle_ride", "ebike_ride", "walking", **BEIJING
    ),
    "commute.bj.metro": [*everywhere("metro_per_km", "metro_ride", **BEIJING), ("car_free_day", "metro_per_km", {})],
    "commute.bj.bus": [*everywhere("bus_per_km", "bus_ride", **BEIJING), ("car_free_day", "bus_per_km", {})],
    "commute.bj.bike": everywhere("bicycle_per_km", "bicycle_ride", **BEIJING),
    "commute.bj.ebike": everywhere("ebike_per_km", "ebike_ride", **BEIJING),
    "commute.cq.ebike.net": everywhere("reduction_per_km", "ebike_ride", profile="CN-CQ-2023"),
    "commute.default.bike.net": everywhere("reduction_per_km", "bicycle_ride", **DEFAULT),
    "commute.default.base": everywhere("baseline_per_km", "shuttle_ride", **DEFAULT),
    "commute.wh.step": everywhere("reduction_per_step", "walking", profile="CN-WH-2021"),
    "commute.wh.metro.trip.proof": everywhere("reduction_per_trip", "metro_ride", profile="CN-WH-2021"),
    "commute.wh.bus.trip.proof": everywhere("reduction_per_trip", "bus_ride", profile="CN-WH-2021"),
    "car.petrol.compact": [
        *everywhere("car_per_km", "carpool", "ev_trip", "ev_charging"),
        *everywhere("car_per_km", "car_free_day", car_class="compact"),
    ],
    "car.petrol.small": everywhere("car_per_km", "car_free_day", car_class="small"),
    "car.petrol.mid": everywhere("car_per_km", "car_free_day", car_class="mid"),
    "car.petrol.large": everywhere("car_per_km", "car_free_day", car_class="mid_large"),
    "car.ev.mid": everywhere("car_per_km", "car_free_day", car_class="ev_mid"),
    "car.ev.kwh_per_km": everywhere("energy_per_km", "ev_trip", "ev_charging"),
    "shuttle.bus.20_39": everywhere("bus_per_km", "shuttle_ride"),
    "travel.cn.air.domestic": everywhere("air_per_km", "rail_travel", "online_meeting"),
    "travel.cn.hsr": everywhere("rail_per_km", "rail_travel", "online_meeting"),
    "hotel.cn": everywhere("hotel_night", "online_meeting"),
    "meeting.online.hour": everywhere("online_hour", "online_meeting"),
    "paper.sheet": everywhere("sheet_footprint", "paperless_office"),
    "tableware.chopsticks.pair": everywhere("item_footprint", "no_tableware", item="chopsticks_pair"),
    "cup.own": everywhere("reduction_per_use", "own_cup"),
}
#: No row of their own: they enter the numbers tested below. A tree is for display, never a parameter.
WITHIN = {"device.reuse.replacement.default", "clothes.new", "clothes.reuse.prep"}
DISPLAY = {"equiv.tree.10yr"}


def row_at(place: Where) -> Row:
    code, name, keys = place
    library = methodologies.library()
    if code.startswith("factors/"):
        parameter = library.registers.tables[code.removeprefix("factors/")]
    else:
        parameter = library.get(code).definition.parameters[name]
    [row] = [row for row in parameter.current_rows() if dict(row.keys) == keys]
    return row


def value(factor_id: str) -> Fraction:
    return Fraction(REFERENCE[factor_id]["value"])


@pytest.mark.parametrize("factor_id", PLACES)
def test_the_factor_stands_as_the_reference_says(factor_id: str) -> None:
    reference = REFERENCE[factor_id]
    for place in PLACES[factor_id]:
        row = row_at(place)
        in_grams = row.unit.text.startswith("gCO2")
        assert Fraction(row.value_text) == value(factor_id) * (1000 if in_grams else 1), place
        assert row.confidence == reference["confidence"], place
        tags = {source.tag for source in row.sources}
        assert tags >= set(reference["source_tag"].split("+")) - {"", "SRC"}, place


def test_no_factor_of_the_reference_is_missing() -> None:
    assert PLACES.keys() | WITHIN | DISPLAY == REFERENCE.keys()


def test_factors_within_other_numbers() -> None:
    """5.648 × 0.43 = 2.42864 kg/kg; new clothing less preparing it for re-use: 22.31 − 0.15225 = 22.15775."""
    replacement = value("device.reuse.replacement.default")
    for category in ("camera", "lens"):
        row = row_at(("device_reuse", "avoided_per_kg", {"category": category}))
        assert Fraction(row.value_text) == Fraction("5.648") * replacement
    clothes = row_at(("clothes_donation", "reduction_per_kg", {}))
    assert clothes.range is not None
    assert Fraction(clothes.range.high) == value("clothes.new") - value("clothes.reuse.prep") == Fraction("22.15775")
