"""The public face: numbers as text, refusals with codes, bases, trails, batches, replay."""

import json
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest

import methodologies
from methodologies import MethodologyError, Request

DAY = date(2025, 6, 1)
METRO = ("metro_ride", "CN-DEFAULT")


def refused(
    code: str, data: Any, day: Any = DAY, profile: Any = "CN-DEFAULT", grade: Any = "E3"
) -> MethodologyError:
    with pytest.raises(MethodologyError) as caught:
        methodologies.quantify(code, data, day, profile, grade)
    assert caught.value.message_zh and caught.value.message_en
    json.dumps(caught.value.facts)
    return caught.value


NOT_NUMBERS: list[object] = [
    True,
    False,
    None,
    12.4,
    Fraction(1, 2),
    "",
    " 12",
    "12 ",
    "12\n",
    "+12",
    "--1",
    "1e3",
    "1E3",
    ".5",
    "5.",
    "1,000",
    "1_000",
    "１２",
    "١٢",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "0x10",
    "1.1234567890",
    "1234567890123",
    10**12,
    -(10**12),
    [],
    {},
    b"12",
    "12.4km",
    "²",
]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
def test_what_is_not_plain_decimal_text_is_refused(value: object) -> None:
    methodologies.quantify(
        *METRO[:1], {"distance_km": 1}, DAY, METRO[1]
    )  # 1 == True must not be remembered for True
    error = refused("metro_ride", {"distance_km": value})
    assert (error.code, error.facts["field"]) == ("NOT_A_NUMBER", "distance_km")


@pytest.mark.parametrize("value", [10, "10", "10.0", "010", "10.000000000"])
def test_equal_numbers_give_equal_grams(value: int | str) -> None:
    assert methodologies.quantify("metro_ride", {"distance_km": value}, DAY, "CN-DEFAULT").credits == {
        "REDUCTION": 467
    }


@pytest.mark.parametrize("value", ["-5", -5, 0, "0", "-0", "60.000000001", 1000, "999999999999.999999999"])
def test_out_of_bounds(value: int | str) -> None:
    error = refused("metro_ride", {"distance_km": value})
    assert error.code == "OUT_OF_BOUNDS"
    assert error.facts["maximum"] == "60"
    assert "公里" in error.message_zh


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("UNKNOWN_METHODOLOGY", {"code": "teleport"}),
        ("UNKNOWN_METHODOLOGY", {"code": ["metro_ride"]}),
        ("NOT_IN_FORCE", {"day": date(2019, 12, 31)}),
        ("INVALID_DAY", {"day": datetime(2025, 6, 1)}),
        ("INVALID_DAY", {"day": "2025-06-01"}),
        ("PROFILE_NOT_SUPPORTED", {"profile": "CN-CQ-2023"}),
        ("PROFILE_NOT_SUPPORTED", {"profile": "CN-NOWHERE"}),
        ("INVALID_PROFILE", {"profile": ["CN-DEFAULT"]}),
        ("GRADE_NOT_ACCEPTED", {"grade": "E4"}),
        ("GRADE_NOT_ACCEPTED", {"grade": None}),
        ("INVALID_DATA", {"data": None}),
        ("INVALID_DATA", {"data": {1: 2}}),
        ("INVALID_DATA", {"data": [("distance_km", 1)]}),
        ("MISSING_DATA", {"data": {}}),
        ("UNKNOWN_DATA", {"data": {"distance_km": 1, "colour": "red"}}),
        ("IMPLAUSIBLE_SPEED", {"data": {"distance_km": 1, "duration_s": 3600}}),
    ],
)
def test_every_refusal_has_its_code(code: str, arguments: dict[str, Any]) -> None:
    given: dict[str, Any] = {"code": "metro_ride", "data": {"distance_km": 1}, **arguments}
    assert refused(**given).code == code


@pytest.mark.parametrize("value", [None, 5, "", "x" * 65, ["phone"], "PHONE", "television"])
def test_unknown_category(value: object) -> None:
    assert refused("device_reuse", {"category": value}).code == "UNKNOWN_CATEGORY"


@pytest.mark.parametrize("value", [None, 5, "", "x" * 65, ["x"]])
def test_a_choice_that_decides_nothing_is_still_text(value: object) -> None:
    assert refused("device_reuse", {"category": "phone", "model": value}).code == "UNKNOWN_MODEL"


def test_a_refused_shape_does_not_spoil_the_next_act() -> None:
    refused("device_reuse", {"category": "phone", "model": None})
    refused("device_reuse", {"category": "phone", "model": "x"}, grade="E1")
    done = methodologies.quantify("device_reuse", {"category": "phone", "model": "x"}, DAY, "CN-DEFAULT")
    assert done.credits == {"REDUCTION": 23750}
    refused("device_reuse", {"category": "phone", "model": None})
    assert (
        refused("device_reuse", {"category": "phone", "model": "x"}, grade="E1").code == "GRADE_NOT_ACCEPTED"
    )


def test_not_published_is_none_and_never_zero() -> None:
    done = methodologies.quantify("metro_ride", {"distance_km": "12.4"}, DAY, "CN-DEFAULT")
    assert (done.baseline_g, done.project_g, done.leakage_g) == (None, None, None)
    assert done.reduction_g == Fraction("579.08")
    assert done.trail()["baseline_g"] is None


def test_grade_halves_once_and_then_rounds_down() -> None:
    def grams(grade: str) -> int:
        done = methodologies.quantify("metro_ride", {"distance_km": "12.4"}, DAY, "CN-DEFAULT", grade)
        assert done.reduction_g == Fraction("579.08")  # signed and before the grade
        return done.credits["REDUCTION"]

    assert (grams("E3"), grams("E2"), grams("E1")) == (579, 579, 289)


def test_claim_types_are_apart_and_never_added() -> None:
    data = {"baseline_footprint_kg": 389, "product_footprint_kg": 210, "retired_kg": 1000}
    done = methodologies.quantify("low_carbon_pc", data, DAY, "CN-DEFAULT")
    assert done.credits == {"REDUCTION": 101_200, "OFFSET_BACKED": 210_000}
    assert methodologies.library().get("low_carbon_pc").claim_types == ("REDUCTION", "OFFSET_BACKED")


def test_the_trail_is_json_and_says_everything() -> None:
    done = methodologies.quantify("device_reuse", {"category": "phone"}, DAY, "CN-DEFAULT", "E2")
    trail = json.loads(json.dumps(done.trail(), ensure_ascii=False))
    assert trail["sentence_zh"] == done.sentence_zh()
    assert (trail["methodology"], trail["version"], trail["profile"], trail["day"]) == (
        "device_reuse",
        "V01",
        "CN-DEFAULT",
        "2025-06-01",
    )
    assert (trail["baseline_g"], trail["project_g"], trail["reduction_g"]) == ("25000", "1250", "23750")
    assert trail["unverified"] == ["handling_share: ASSUMED"]
    phone = trail["basis"]["rows"][0]
    assert phone["value"] == "25"
    assert phone["sources"][0]["tag"] == "ZZ21"
    assert phone["sources"][0]["url"].startswith("https://")
    assert {"unit", "in_force_from", "sentence", "confidence", "row_hash", "title"} <= phone.keys()


def test_exact_quotients_stay_exact_in_the_trail() -> None:
    done = methodologies.quantify("metro_ride", {"distance_km": 1}, DAY, "CN-BJ-2019")
    assert done.reduction_g == Fraction(4630, 22)
    assert done.trail()["reduction_g"] == "2315/11"
    assert "约 210.455 克" in done.sentence_zh()
    assert done.credits == {"REDUCTION": 210}


def test_the_same_basis_is_shared_by_days_and_acts_and_pins_its_rows() -> None:
    first = methodologies.quantify("metro_ride", {"distance_km": 1}, DAY, "CN-DEFAULT")
    later = methodologies.quantify("metro_ride", {"distance_km": "2.5"}, date(2026, 3, 1), "CN-DEFAULT", "E1")
    other = methodologies.quantify("metro_ride", {"distance_km": 1}, DAY, "CN-SZ-2021")
    assert first.basis == later.basis
    assert first.basis.hash == later.basis.hash != other.basis.hash
    assert first.basis.rows[0]["row_hash"] != other.basis.rows[0]["row_hash"]


def test_a_quantification_is_frozen() -> None:
    done = methodologies.quantify("metro_ride", {"distance_km": 1}, DAY, "CN-DEFAULT")
    with pytest.raises(AttributeError):
        done.grade = "E1"  # type: ignore[misc]


@pytest.mark.parametrize("data", [["distance_km"], ("distance_km",), {"distance_km"}, [], (), set(), ""])
def test_names_without_values_are_refused_also_when_such_an_act_is_known(data: object) -> None:
    methodologies.quantify("metro_ride", {"distance_km": 1}, DAY, "CN-DEFAULT")
    methodologies.quantify("learning", {}, DAY, "CN-DEFAULT")
    for code in ("metro_ride", "learning"):
        assert refused(code, data).code == "INVALID_DATA"
    with pytest.raises(MethodologyError, match="INVALID_DATA"):
        methodologies.recompute(recorded("metro_ride", {"distance_km": 1}), data)  # type: ignore[arg-type]


def nested(depth: int) -> list[Any]:
    box: list[Any] = []
    for _ in range(depth):
        box = [box]
    return box


@pytest.mark.parametrize(
    "value", [10**5000, nested(100_000), "9" * 1_000_000, "\ud800"], ids=["int", "list", "text", "half"]
)
def test_what_has_no_short_text_is_refused_in_a_short_sentence(value: Any) -> None:
    errors = [
        refused("metro_ride", {"distance_km": value}),
        refused("device_reuse", {"category": value}),
        refused("metro_ride", {"distance_km": 1}, profile=value),
        refused("metro_ride", {"distance_km": 1}, grade=value),
        refused(value, {}),
    ]
    if isinstance(value, str):
        errors.append(refused("metro_ride", {value: 1}))
    for error in errors:
        assert len(str(error).encode()) < 2000


def test_a_batch_answers_in_order_and_one_bad_act_harms_no_other() -> None:
    results = methodologies.quantify_batch(
        [
            Request("metro_ride", {"distance_km": 10}, DAY, "CN-DEFAULT"),
            Request("teleport", {}, DAY, "CN-DEFAULT"),
            Request("metro_ride", {"distance_km": float("nan")}, DAY, "CN-DEFAULT"),
            Request("book_donation", {"quantity": 5}, DAY, "CN-DEFAULT"),
            Request("metro_ride", None, DAY, "CN-DEFAULT"),  # type: ignore[arg-type]
            Request("metro_ride", {"distance_km": 10}, DAY, "CN-DEFAULT", "E1"),
        ]
    )
    outcome = [one.code if isinstance(one, MethodologyError) else one.credits["REDUCTION"] for one in results]
    assert outcome == [467, "UNKNOWN_METHODOLOGY", "NOT_A_NUMBER", 1705, "INVALID_DATA", 233]


# -- replay ---


def recorded(code: str, data: dict[str, Any], profile: str = "CN-DEFAULT") -> dict[str, Any]:
    """A basis as it comes back from a database."""
    basis = methodologies.quantify(code, data, DAY, profile).basis.as_json()
    back: dict[str, Any] = json.loads(json.dumps(basis))
    return back


def test_recompute_needs_nothing_but_the_record() -> None:
    data = {"production_footprint_kg": 73, "production_share": "0.79", "condition": "nine_tenths_new"}
    done = methodologies.quantify("device_reuse", data, DAY, "CN-CACE-2023")
    again = methodologies.recompute(json.loads(json.dumps(done.basis.as_json())), data, "E3", DAY)
    assert again == done
    assert again.trail() == done.trail()
    assert methodologies.recompute(done.basis.as_json(), data).day is None


def test_replay_uses_the_recorded_row_even_if_it_is_not_in_force_any_more() -> None:
    """A row as it was recorded, with its own hash: today's rows play no part."""
    from methodologies.kernel.parameters import row_hash_of
    from methodologies.kernel.quantification import Basis

    basis = recorded("clothes_donation", {"weight_kg": 1})
    basis["rows"][0]["value"] = "2.5"
    basis["rows"][0]["row_hash"] = row_hash_of(basis["rows"][0])
    basis.pop("hash")
    assert methodologies.recompute(Basis.of(basis).as_json(), {"weight_kg": 2}).credits == {"REDUCTION": 5000}


@pytest.mark.parametrize("spoil", ["value", "hash", "row_hash", "missing rows", "no hash", "nothing"])
def test_a_spoiled_record_is_refused(spoil: str) -> None:
    from methodologies.kernel.quantification import Basis

    basis = recorded("clothes_donation", {"weight_kg": 1})
    if spoil == "value":
        basis["rows"][0]["value"] = "36"
    elif spoil == "hash":
        basis["hash"] = "0" * 64
    elif spoil == "row_hash":  # a consistent basis around an inconsistent row
        basis["rows"][0]["value"] = "36"
        basis.pop("hash")
        basis = Basis.of(basis).as_json()
    elif spoil == "missing rows":
        basis.pop("rows")
        basis.pop("hash")
        basis = Basis.of(basis).as_json()
    elif spoil == "no hash":
        basis.pop("hash")
    else:
        basis = {}
    with pytest.raises(MethodologyError) as caught:
        methodologies.recompute(basis, {"weight_kg": 1})
    assert caught.value.code == "BASIS_TAMPERED"


@pytest.mark.parametrize("value", [10**5000, nested(100_000), "\ud800"], ids=["int", "list", "half"])
@pytest.mark.parametrize("where", ["hash", "rows", "sentence"])
def test_a_record_without_a_canonical_text_is_refused(where: str, value: Any) -> None:
    basis = {**recorded("clothes_donation", {"weight_kg": 1}), where: value}
    with pytest.raises(MethodologyError) as caught:
        methodologies.recompute(basis, {"weight_kg": 1})
    assert caught.value.code == "BASIS_TAMPERED"
    assert len(str(caught.value).encode()) < 2000


def test_a_changed_formula_is_not_passed_off_as_the_recorded_one() -> None:
    from methodologies.kernel.quantification import Basis

    basis = recorded("clothes_donation", {"weight_kg": 1})
    basis.pop("hash")
    for key, value in (("formula", "by_item"), ("formula_hash", "0" * 64)):
        changed = Basis.of({**basis, key: value}).as_json()
        with pytest.raises(MethodologyError) as caught:
            methodologies.recompute(changed, {"weight_kg": 1})
        assert caught.value.code == "FORMULA_CHANGED"


def test_recompute_checks_its_data_and_grade() -> None:
    basis = recorded("clothes_donation", {"weight_kg": 1})
    for data, grade, code in (
        ({}, "E3", "MISSING_DATA"),
        ({"weight_kg": "x"}, "E3", "NOT_A_NUMBER"),
        ({"weight_kg": 1}, "E1", "GRADE_NOT_ACCEPTED"),
        ({"weight_kg": 1}, None, "GRADE_NOT_ACCEPTED"),
    ):
        with pytest.raises(MethodologyError) as caught:
            methodologies.recompute(basis, data, grade)  # type: ignore[arg-type]
        assert caught.value.code == code


# -- the library ---


def test_the_library_is_loaded_once_and_iterates_in_order() -> None:
    library = methodologies.library()
    assert library is methodologies.library()
    assert [methodology.code for methodology in library] == list(library.codes) == sorted(library.codes)
    assert len(library) == len(library.codes)
    assert {
        "CN-DEFAULT",
        "CN-BJ-2023",
        "CN-BJ-2019",
        "CN-SZ-2021",
        "CN-CQ-2023",
        "CN-WH-2021",
    } <= library.profiles.keys()


def test_a_methodology_describes_itself_as_json() -> None:
    for methodology in methodologies.library():
        document = json.loads(json.dumps(methodology.as_json(), ensure_ascii=False))
        assert document["code"] == methodology.code
        assert bool(document["parameters"]) == ("REDUCTION" in methodology.claim_types)
    for profile in methodologies.library().profiles.values():
        json.dumps(profile.as_json())


def test_trips_need_a_window_and_what_excludes_another_act_waits_two_days() -> None:
    trips = {one.code for one in methodologies.library() if one.needs_window}
    assert trips >= {"metro_ride", "bicycle_ride"}
    for methodology in methodologies.library():
        assert methodology.points_pending_days == (2 if methodology.exclusivity_groups else 0)
        assert methodology.exclusivity_groups or methodology.code not in trips


def test_limits_are_dated_and_carry_a_code() -> None:
    metro = methodologies.library().get("metro_ride")
    [limit] = metro.limits_on(DAY)
    assert (limit.code, limit.per, limit.measure, int(limit.maximum)) == ("DAILY_TRIPS", "day", "acts", 6)
    assert metro.limits_on(date(2019, 1, 1)) == ()


def test_supports_says_which_profiles_are_served() -> None:
    library = methodologies.library()
    assert library.get("bicycle_ride").supports("CN-DEFAULT", DAY)
    assert not library.get("bicycle_ride").supports("CN-WH-2021", DAY)
    assert library.get("book_donation").supports("CN-WH-2021", DAY)
    assert not library.get("book_donation").supports("CN-NOWHERE", DAY)
    assert not library.get("book_donation").supports("CN-DEFAULT", date(2020, 1, 1))


# -- claims ---


@pytest.mark.parametrize(
    ("code", "identity", "keys"),
    [
        ("device_reuse", {"serial": "SN123"}, ["device:SN123"]),
        ("device_reuse", {"serial": " ｓｎ-12 3 "}, ["device:SN123"]),
        ("appliance_recycling", {"serial": "sn123", "order_no": "O1"}, ["device:SN123"]),
        ("metro_ride", {"partner": "transit", "trip_id": "T1"}, ["trip:transit:T1"]),
        ("metro_ride", {"partner": "transit"}, []),
        ("bicycle_ride", {}, []),
        (
            "clothes_donation",
            {"partner": "dangdang", "order_no": "O1", "line": "1"},
            ["donation:dangdang:O1:1"],
        ),
        ("book_donation", {"partner": "dangdang", "order_no": "O1", "line": "2"}, ["donation:dangdang:O1:2"]),
        ("low_carbon_pc", {"serial": "pf-1"}, ["purchase:PF1"]),
        ("low_carbon_pc", {"serial": "pf-1", "certificate_no": "C1"}, ["purchase:PF1", "certificate:C1"]),
    ],
)
def test_claim_keys(code: str, identity: dict[str, str], keys: list[str]) -> None:
    assert methodologies.library().get(code).claim_keys(identity) == keys


@pytest.mark.parametrize(
    ("code", "identity", "data", "missing"),
    [
        ("device_reuse", {}, None, ["serial"]),
        ("device_reuse", {"serial": "—— 不详"}, None, ["serial"]),
        ("clothes_donation", {"partner": "dangdang", "order_no": " "}, None, ["order_no", "line"]),
        ("low_carbon_pc", {"serial": "PF1"}, {"retired_kg": 1000}, ["certificate_no"]),
    ],
)
def test_missing_evidence(
    code: str, identity: dict[str, str], data: dict[str, Any] | None, missing: list[str]
) -> None:
    with pytest.raises(MethodologyError) as caught:
        methodologies.library().get(code).claim_keys(identity, data)
    assert (caught.value.code, caught.value.facts["missing"]) == ("MISSING_EVIDENCE", missing)


def test_a_certificate_is_not_needed_where_nothing_was_retired() -> None:
    pc = methodologies.library().get("low_carbon_pc")
    assert pc.claim_keys({"serial": "PF1"}, {"retired_kg": 0}) == ["purchase:PF1"]


def test_parts_of_a_claim_cannot_run_into_each_other() -> None:
    book = methodologies.library().get("book_donation")
    one = book.claim_keys({"partner": "a:b", "order_no": "c", "line": "1"})
    other = book.claim_keys({"partner": "a", "order_no": "b:c", "line": "1"})
    assert one != other
