"""The algebra of units."""

from fractions import Fraction

import pytest

from methodologies.kernel.units import Traced, UnitError, parse_unit, unit_zh


def test_vehicle_kilometres_over_persons_per_vehicle_are_passenger_kilometres() -> None:
    per_vehicle = Traced(parse_unit("kgCO2e/vkm").powers)
    riders = Traced(parse_unit("person/vehicle").powers)
    assert (per_vehicle / riders).powers == parse_unit("kgCO2e/pkm").powers


def test_scales_are_exact() -> None:
    assert parse_unit("kgCO2e/pkm").scale == 1000
    assert parse_unit("pkm/h").scale == Fraction(1, 3600)
    assert parse_unit("kWh/km").scale == 1000
    assert parse_unit("%").scale == Fraction(1, 100)


def test_units_cancel() -> None:
    distance, factor = Traced(parse_unit("pkm").powers), Traced(parse_unit("gCO2/pkm").powers)
    assert (distance * factor).powers == parse_unit("kgCO2e").powers
    assert (distance / distance).powers == parse_unit("1").powers


@pytest.mark.parametrize("text", ["", "mile", "kg/", "kg//km", "/km", "kg km", "KG"])
def test_unknown_units_are_refused(text: str) -> None:
    with pytest.raises(UnitError):
        parse_unit(text)


def test_whole_multiples_carry_the_unit_of_the_quotient() -> None:
    parked, full = Traced(parse_unit("min").powers), Traced(parse_unit("h/day").powers)
    assert (parked // full).powers == parse_unit("day").powers


def test_sums_and_comparisons_do_not_mix_units() -> None:
    grams, distance = Traced(parse_unit("gCO2e").powers), Traced(parse_unit("km").powers)
    assert (grams + grams - grams).powers == grams.powers
    assert min(grams, grams) is grams
    for act in (
        lambda: grams + distance,
        lambda: grams - 1,
        lambda: grams < distance,
        lambda: grams * 2,
        lambda: grams / 2,
    ):
        with pytest.raises(UnitError):
            act()


def test_members_read_units_in_words() -> None:
    assert unit_zh(parse_unit("pkm/h")) == "公里/小时"
    assert unit_zh(parse_unit("kg")) == "公斤"
