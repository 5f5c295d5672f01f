"""Where sources differ, a reduction has a low, a central and a high figure, and the conservative end is credited."""

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import methodologies
from methodologies.kernel.library import load_library
from methodologies.kernel.model import HOUSE
from methodologies.kernel.parameters import row_hash_of
from methodologies.review.checking import check_library
from methodologies.review.examples import overstatement, read_examples

LIBRARY = methodologies.library()
DAY = date(2025, 6, 1)
MEETING = {"attendees": 6, "duration_h": "1.5", "air_km": 1100, "rail_km": 500, "hotel_nights": 2, "claimants": 2}

# methodology, data → grams at the low, central and high figures (reference/methodologies.md)
RANGES: list[tuple[str, dict[str, Any], tuple[str, str, str]]] = [
    ("metro_ride", {"distance_km": 22}, ("1027.4", "4554", "4630")),
    ("bus_ride", {"distance_km": 10}, ("269", "1064.5", "1860")),
    ("bicycle_ride", {"distance_km": 10}, ("478", "1398", "2318")),
    ("ebike_ride", {"distance_km": 10}, ("430", "1350", "2270")),
    ("walking", {"steps": 1000}, ("20", "87.675", "155.35")),
    ("walking", {"distance_km": 1}, ("400/13", "3507/26", "239")),
    ("shuttle_ride", {"distance_km": 10, "riders": 20}, ("445.233", "1365.233", "2285.233")),
    # the handling share is taken from every figure alike
    ("device_reuse", {"category": "phone"}, ("23750", "28072.5", "32395")),
    ("device_reuse", {"category": "tablet"}, ("23940", "29117.5", "34295")),
    ("device_reuse", {"category": "laptop"}, ("74480", "85642.5", "96805")),
    ("clothes_donation", {"weight_kg": 2}, ("7200", "25757.75", "44315.5")),
    ("rail_travel", {"air_km": 1000, "rail_km": 1000}, ("62500", "88810", "115120")),
    ("paperless_office", {"pages": 20, "originals": 2}, ("185.6", "268.4", "304")),
    ("no_tableware", {"item": "chopsticks_pair"}, ("20", "21.5", "23")),
]


def figures(code: str, data: dict[str, Any], profile: str = "CN-DEFAULT", **more: Any) -> tuple[Fraction, ...] | None:
    return methodologies.quantify(code, data, DAY, profile, **more).reduction_range_g


@pytest.mark.parametrize(("code", "data", "wanted"), RANGES)
def test_published_figures_give_the_range(code: str, data: dict[str, Any], wanted: tuple[str, str, str]) -> None:
    done = methodologies.quantify(code, data, DAY, "CN-DEFAULT")
    assert done.reduction_range_g == tuple(Fraction(grams) for grams in wanted)
    assert done.reduction_g == Fraction(wanted[0])  # the low end is what is credited


def test_project_emissions_are_credited_at_their_high_end() -> None:
    """An online meeting: air and hotel at their low figures and the meeting itself at its high one, and back."""
    done = methodologies.quantify("online_meeting", MEETING, DAY, "CN-DEFAULT")
    both = (1100 * Fraction("0.0829") + 500 * Fraction("0.0204")) * 2 + 2 * Fraction("53.5") - 9 * Fraction("0.15")
    best = (1100 * Fraction("0.13552") + 500 * Fraction("0.0204")) * 2 + 2 * Fraction("66.52") - 9 * Fraction("0.0571")
    middle = (1100 * Fraction("0.10921") + 500 * Fraction("0.0204")) * 2 + 2 * Fraction("60.01")
    assert done.reduction_range_g == (both * 500, (middle - 9 * Fraction("0.10355")) * 500, best * 500)
    assert done.reduction_g == both * 500


@pytest.mark.parametrize(
    ("code", "data", "profile"),
    [
        ("metro_ride", {"distance_km": 22}, "CN-BJ-2019"),  # the organiser chose this baseline
        ("metro_ride", {}, "CN-WH-2021"),
        ("appliance_recycling", {"category": "fridge"}, "CN-DEFAULT"),  # other figures measure something else
        ("book_donation", {"quantity": 5}, "CN-DEFAULT"),  # one source only
        ("ev_trip", {"distance_km": 28}, "CN-DEFAULT"),
        ("learning", {}, "CN-DEFAULT"),
    ],
)
def test_no_range_where_sources_do_not_differ_in_the_same_quantity(
    code: str, data: dict[str, Any], profile: str
) -> None:
    assert figures(code, data, profile) is None
    assert methodologies.quantify(code, data, DAY, profile).trail()["reduction_range_g"] is None


def test_the_trail_prints_the_range_and_the_record_alone_recomputes_it() -> None:
    done = methodologies.quantify("metro_ride", {"distance_km": 22}, DAY, "CN-DEFAULT", "E1")
    trail = json.loads(json.dumps(done.trail()))
    # before the evidence grade, like `reduction_g`
    assert trail["reduction_range_g"] == {"low": "1027.4", "central": "4554", "high": "4630"}
    (row,) = trail["basis"]["rows"]
    assert (row["range"]["low"], row["range"]["central"], row["range"]["high"]) == ("0.0467", "0.207", "4.63/22")
    assert [source["tag"] for source in row["range"]["sources"]] == ["SZ22", "CPCD", "BJ19"]
    again = methodologies.recompute(trail["basis"], {"distance_km": 22}, "E1", DAY)
    assert again.reduction_range_g == done.reduction_range_g
    assert again.trail() == done.trail()
    tampered = json.loads(json.dumps(done.basis.as_json()))
    tampered["rows"][0]["range"]["high"] = "0.3"
    with pytest.raises(methodologies.MethodologyError, match="BASIS_TAMPERED"):
        methodologies.recompute(tampered, {"distance_km": 22}, "E1", DAY)


def test_the_range_is_pinned_and_a_row_without_one_keeps_its_hash() -> None:
    with_range = methodologies.quantify("metro_ride", {"distance_km": 1}, DAY, "CN-DEFAULT").basis.rows[0]
    assert row_hash_of(with_range) == with_range["row_hash"]
    for key, value in (("central", "0.2"), ("sentence", "另一句"), ("sources", [])):
        assert row_hash_of({**with_range, "range": {**with_range["range"], key: value}}) != with_range["row_hash"]
    without = {  # hashed before rows could state a range
        "methodology": "metro_ride",
        "parameter": "reduction_per_trip",
        "value": "274",
        "unit": "gCO2",
        "keys": {"profile": "CN-WH-2021"},
        "in_force_from": "2022-02-17",
        "sources": [{"tag": "HOUSE", "title": "无", "reliability": "HOUSE"}],
        "sentence": "每次 274 克。",
        "confidence": "ASSUMED",
        "note": "",
        "replaces": "",
    }
    assert row_hash_of(without) == "591b727e5e9eeeccd7b7ef01ab42cd74b3722b4908ee499affb738408d4c035a"


def test_a_parameter_that_stands_in_for_missing_data_brings_its_range_along(tree: Path) -> None:
    document = tree / "ev_trip/methodology.yaml"
    document.write_text(
        document.read_text().replace(
            "        confidence: RECALLED\n",
            "        confidence: RECALLED\n        range:\n          low: 0.12\n          central: 0.13\n"
            "          high: 0.15\n          sources: [CPCD]\n          sentence: 试验用的区间\n",
            1,
        )
    )
    trip = load_library(tree).get("ev_trip")
    assumed = trip.quantify({"distance_km": 10}, DAY, "CN-DEFAULT").reduction_range_g
    grid = Fraction("0.5366") * 10_000
    petrol = Fraction("1674")
    assert assumed == tuple(petrol - grid * Fraction(use) for use in ("0.15", "0.13", "0.12"))
    measured = trip.quantify({"distance_km": 10, "consumption": "0.2"}, DAY, "CN-DEFAULT")
    assert measured.reduction_range_g is None  # the row was not used


def test_check_finds_a_credit_that_is_not_the_conservative_end(tree: Path) -> None:
    document = tree / "online_meeting/methodology.yaml"
    document.write_text(document.read_text().replace("value: 0.150", "value: 0.0571"))
    found = [finding for finding in check_library(tree) if finding.code == "NOT_CONSERVATIVE"]
    assert {finding.file for finding in found} == {"online_meeting/examples.yaml"}
    assert all(finding.level == "error" and "low end of its range" in finding.message for finding in found)


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_every_example_credits_the_conservative_end(code: str) -> None:
    methodology = LIBRARY.get(code)
    for example in read_examples(methodologies.ROOT / code, LIBRARY.registers):
        assert overstatement(methodology, example) == "", example.name


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_every_methodology_speaks_of_its_uncertainty(code: str) -> None:
    """With a range: which end is credited; without: that there is none, never an invented one."""
    published = LIBRARY.get(code).as_json()
    text = published["uncertainty"]["text"]
    ranged = [
        row for parameter in published["parameters"].values() for row in parameter["rows"] if "range" in row
    ]
    assert ("区间见" in text) == bool(ranged)
    assert ranged or "不给区间" in text or "没有需要给区间" in text
    for row in ranged:
        assert {source["tag"] for source in row["range"]["sources"]} - {HOUSE}
        assert row["value"] in (row["range"]["low"], row["range"]["high"])
