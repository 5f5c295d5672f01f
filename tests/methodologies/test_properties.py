"""What holds for all data: more is never less, credits are never negative, batch and replay agree."""

import json
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import methodologies
from methodologies import MethodologyError, Quantification, Request
from methodologies.kernel.exact import exact_text, fraction_of_text, reading_text

DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
GRADES = st.sampled_from(["E1", "E2", "E3"])
PROFILES = st.sampled_from(sorted(methodologies.library().profiles))


def decimal_text(maximum: int) -> st.SearchStrategy[str]:
    whole = st.integers(0, maximum - 1)
    return st.tuples(whole, st.integers(0, 10**9 - 1)).map(lambda pair: f"{pair[0]}.{pair[1]:09d}")


DATA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "metro_ride": st.fixed_dictionaries({"distance_km": decimal_text(60)}),
    "bicycle_ride": st.fixed_dictionaries({"distance_km": decimal_text(20)}),
    "bus_ride": st.fixed_dictionaries({"distance_km": decimal_text(60)}),
    "ebike_ride": st.fixed_dictionaries({"distance_km": decimal_text(30)}),
    "walking": st.fixed_dictionaries({}, optional={"steps": st.integers(1, 20_000), "distance_km": decimal_text(13)}),
    "shuttle_ride": st.fixed_dictionaries({"distance_km": decimal_text(100), "riders": st.integers(1, 39)}),
    "carpool": st.fixed_dictionaries(
        {"would_drive_km": decimal_text(700), "pool_km": decimal_text(100), "people": st.integers(2, 7)},
        optional={"other_km": decimal_text(600)},
    ),
    "own_cup": st.fixed_dictionaries({}, optional={"quantity": st.integers(1, 3)}),
    "no_tableware": st.fixed_dictionaries(
        {}, optional={"item": st.sampled_from(["chopsticks_pair", "pp_box"]), "quantity": st.integers(1, 5)}
    ),
    "ev_trip": st.fixed_dictionaries({"distance_km": decimal_text(300)}),
    "ev_charging": st.fixed_dictionaries({"charged_kwh": decimal_text(150)}),
    "class_electricity": st.fixed_dictionaries(
        {"baseline_kwh": decimal_text(10_000), "actual_kwh": decimal_text(10_000)},
        optional={"classes": st.integers(1, 200), "region": st.sampled_from(["national", "beijing", "yunnan"])},
    ),
    "rail_travel": st.fixed_dictionaries({"air_km": st.integers(300, 1500), "rail_km": decimal_text(2500)}),
    "online_meeting": st.fixed_dictionaries(
        {"attendees": st.integers(2, 1000), "duration_h": decimal_text(12)},
        optional={"air_km": decimal_text(5000), "claimants": st.integers(1, 200)},
    ),
    "paperless_office": st.fixed_dictionaries(
        {"pages": st.integers(1, 200)}, optional={"emails": st.integers(0, 100)}
    ),
    "learning": st.fixed_dictionaries({}, optional={"correct_answers": st.integers(0, 100)}),
    "step_donation": st.fixed_dictionaries({"steps": st.integers(1, 20_000)}),
    "school_recycling": st.fixed_dictionaries(
        {"stream": st.sampled_from(["cardboard", "paper", "clothes"]), "weight_kg": decimal_text(50)}
    ),
    "green_electricity": st.fixed_dictionaries(
        {"consumed_kwh": decimal_text(10_000), "cancelled_kwh": decimal_text(10_000)}
    ),
    "car_free_day": st.fixed_dictionaries(
        {"parked_min": st.integers(0, 10_080), "car_class": st.sampled_from(["compact", "ev_small"])},
        optional={"metro_km": decimal_text(400), "bus_km": decimal_text(400)},
    ),
    "clothes_donation": st.fixed_dictionaries({"weight_kg": decimal_text(50)}),
    "book_donation": st.fixed_dictionaries({"quantity": st.integers(1, 200)}),
    "device_reuse": st.fixed_dictionaries(
        {
            "category": st.sampled_from(["phone", "tablet", "laptop"]),
            "condition": st.just("nine_tenths_new"),
            "production_footprint_kg": decimal_text(2000),
        }
    ),
    "appliance_recycling": st.fixed_dictionaries(
        {"category": st.sampled_from(["fridge", "air_conditioner", "phone", "laptop"])}
    ),
    "low_carbon_pc": st.one_of(
        st.fixed_dictionaries(
            {"product_footprint_kg": decimal_text(2000), "retired_kg": st.integers(0, 10_000)},
            optional={"baseline_footprint_kg": decimal_text(2000)},
        ),
        st.fixed_dictionaries(
            {"certified_model": st.just("thinkbook_x_imh"), "certified_retired_kg": decimal_text(2000)}
        ),
    ),
}
REQUESTS = st.sampled_from(sorted(DATA)).flatmap(
    lambda code: st.builds(Request, st.just(code), DATA[code], DAYS, PROFILES, GRADES)
)


def outcome(request: Request) -> Quantification | MethodologyError:
    try:
        return methodologies.quantify(*request)
    except MethodologyError as refusal:
        return refusal


@given(REQUESTS)
def test_credits_are_whole_and_never_negative_and_follow_from_the_trail(request: Request) -> None:
    done = outcome(request)
    if isinstance(done, MethodologyError):
        return
    assert all(type(amount) is int and amount >= 0 for amount in done.credits.values())
    factor = Fraction(1, 2) if request.grade == "E1" else Fraction(1)
    share = max(done.reduction_g, Fraction(0)) * factor
    assert done.credits.get("REDUCTION", 0) == share.numerator // share.denominator
    if done.baseline_g is not None:
        assert done.project_g is not None and done.leakage_g is not None
        assert done.baseline_g - done.project_g - done.leakage_g == done.reduction_g


@given(REQUESTS)
def test_recomputing_the_record_gives_the_same(request: Request) -> None:
    done = outcome(request)
    if isinstance(done, Quantification):
        record = json.loads(json.dumps(done.basis.as_json()))
        data = json.loads(json.dumps(done.data))
        assert methodologies.recompute(record, data, done.grade, done.day) == done


@given(st.lists(REQUESTS, max_size=8))
def test_a_batch_is_its_single_acts(requests: list[Request]) -> None:
    for request, together in zip(requests, methodologies.quantify_batch(requests), strict=True):
        alone = outcome(request)
        if isinstance(alone, MethodologyError):
            assert isinstance(together, MethodologyError)
            assert (together.code, together.facts) == (alone.code, alone.facts)
        else:
            assert together == alone


@given(
    st.sampled_from(["metro_ride", "bicycle_ride", "bus_ride", "ebike_ride", "clothes_donation"]),
    decimal_text(20),
    decimal_text(20),
    GRADES,
    DAYS,
)
def test_more_distance_or_weight_is_never_less(
    code: str, one: str, other: str, grade: str, day: date
) -> None:
    field = "weight_kg" if code == "clothes_donation" else "distance_km"
    small, large = sorted((one, other), key=Fraction)
    results = [outcome(Request(code, {field: value}, day, "CN-DEFAULT", grade)) for value in (small, large)]
    if all(isinstance(result, Quantification) for result in results):
        less, more = (result.credits["REDUCTION"] for result in results if isinstance(result, Quantification))
        assert less <= more


@given(st.integers(1, 199), st.sampled_from(["E2", "E3"]))
def test_one_more_book_is_never_less(quantity: int, grade: str) -> None:
    day = date(2025, 6, 1)
    less, more = (
        methodologies.quantify("book_donation", {"quantity": number}, day, "CN-DEFAULT", grade)
        for number in (quantity, quantity + 1)
    )
    assert less.credits["REDUCTION"] < more.credits["REDUCTION"]


@given(decimal_text(10_000), decimal_text(10_000))
def test_certified_energy_is_whole_watt_hours_and_never_grams(consumed: str, cancelled: str) -> None:
    request = Request(
        "green_electricity",
        {"consumed_kwh": consumed, "cancelled_kwh": cancelled},
        date(2025, 6, 1),
        "CN-DEFAULT",
    )
    done = outcome(request)
    if isinstance(done, Quantification):
        energy = min(Fraction(consumed), Fraction(cancelled)) * 1000
        assert done.credits == {"EAC_BACKED": energy.numerator // energy.denominator}
        assert done.reduction_g == 0


@given(REQUESTS, st.integers(1, 4000))
def test_before_its_first_day_every_methodology_refuses(request: Request, days: int) -> None:
    first = methodologies.library().get(request.code).versions[0].in_force_from
    refusal = outcome(request._replace(day=first - timedelta(days=days)))
    assert isinstance(refusal, MethodologyError)
    assert refusal.code == "NOT_IN_FORCE"


@given(
    st.sampled_from(sorted(DATA)),
    st.dictionaries(st.text(max_size=12), st.text(max_size=12) | st.integers() | st.none(), max_size=4),
)
def test_no_data_whatsoever_raises_anything_but_a_refusal(code: str, data: dict[str, Any]) -> None:
    outcome(Request(code, data, date(2025, 6, 1), "CN-DEFAULT"))


@given(st.fractions())
def test_exact_text_is_exact(value: Fraction) -> None:
    text = exact_text(value)
    assert Fraction(text) == value
    assert reading_text(value).removeprefix("约 ").lstrip("-").replace(".", "").isdigit()


@given(st.integers(-(10**12) + 1, 10**12 - 1), st.integers(0, 10**9 - 1))
def test_decimal_text_is_read_exactly(whole: int, decimals: int) -> None:
    text = f"{whole}.{decimals:09d}"
    assert fraction_of_text(text) == Fraction(text)
