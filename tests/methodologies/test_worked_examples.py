"""Every examples.yaml holds, stands on both sides of every in-force day, and names published figures."""

import pytest

import methodologies
from methodologies.review.examples import Example, read_examples, run_example, uncovered_days

LIBRARY = methodologies.library()
EXAMPLES = {
    methodology.code: read_examples(methodologies.ROOT / methodology.code, LIBRARY.registers)
    for methodology in LIBRARY
}
CASES = [
    pytest.param(code, example, id=f"{code}:{example.place.line}")
    for code, examples in EXAMPLES.items()
    for example in examples
]


@pytest.mark.parametrize(("code", "example"), CASES)
def test_example_holds(code: str, example: Example) -> None:
    assert run_example(LIBRARY.get(code), example) == "", example.name


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_both_sides_of_every_in_force_day_have_an_example(code: str) -> None:
    assert uncovered_days(LIBRARY.get(code), EXAMPLES[code]) == []


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_a_published_figure_and_a_refusal_are_among_the_examples(code: str) -> None:
    examples = EXAMPLES[code]
    assert any(example.source and not example.error for example in examples)
    assert any(example.error for example in examples)


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_every_current_row_is_used_by_an_example(code: str) -> None:
    """A consistent lie about a unit is caught only by an example, so no row may stand without one."""
    methodology = LIBRARY.get(code)
    used = {
        row["row_hash"]
        for example in EXAMPLES[code]
        if not example.error
        for row in methodology.quantify(example.data, example.day, example.profile, example.grade).basis.rows
    }
    idle = [
        f"{row.parameter} {dict(row.keys)}"
        for parameter in methodology.definition.parameters.values()
        for row in parameter.current_rows()
        if row.row_hash not in used and not parameter.shared  # test_factors.py compares the tables row by row
    ]
    assert idle == []


def test_the_whole_library_is_in_force_before_the_programmes_start() -> None:
    import datetime

    for methodology in LIBRARY:
        assert methodology.versions[0].in_force_from <= datetime.date(2025, 1, 1)
        for parameter in methodology.definition.parameters.values():
            first = min if parameter.shared else max  # a table has its next year's rows long after
            assert first(parameter.starting_days()) <= datetime.date(2025, 1, 1)


def test_the_scenarios_of_the_first_release_are_there() -> None:
    assert set(LIBRARY.codes) == {
        "appliance_recycling",
        "bicycle_ride",
        "book_donation",
        "bus_ride",
        "car_free_day",
        "carpool",
        "class_electricity",
        "class_trips",
        "clothes_donation",
        "device_reuse",
        "ebike_ride",
        "ev_charging",
        "ev_trip",
        "green_electricity",
        "learning",
        "low_carbon_pc",
        "metro_ride",
        "no_tableware",
        "online_meeting",
        "own_cup",
        "paperless_office",
        "rail_travel",
        "school_recycling",
        "shuttle_ride",
        "step_donation",
        "walking",
    }
