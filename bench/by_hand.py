"""The reference of the quantify benchmark: the formulas of all seven methodologies in bare Fractions (CN-DEFAULT).

What somebody would write who needs the grams and nothing else: no choice of version, profile or rows, no bounds, no
plausibility, no trail. Numbers are those of the published rows, in grams; the texts are parsed as Fractions, the result
is rounded down and never negative.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

Data = Mapping[str, str]
KILO = 1000
METRO_G_PER_KM = Fraction("46.7")
BICYCLE_G_PER_KM = Fraction("47.8")
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
BOOK_REPLACEMENT = Fraction("0.5")
PC_UNCERTAINTY = Fraction("0.20")


def credits_of(code: str, data: Data) -> dict[str, int]:
    """Whole grams by claim type."""
    return FORMULAS[code](data)


def _credited(reduction: Fraction) -> int:
    return max(0, reduction.numerator // reduction.denominator)


def _metro_ride(data: Data) -> dict[str, int]:
    return {"REDUCTION": _credited(Fraction(data["distance_km"]) * METRO_G_PER_KM)}


def _bicycle_ride(data: Data) -> dict[str, int]:
    return {"REDUCTION": _credited(Fraction(data["distance_km"]) * BICYCLE_G_PER_KM)}


def _device_reuse(data: Data) -> dict[str, int]:
    baseline = Fraction(data["quantity"]) * DEVICE_G[data["category"]]
    project = baseline * HANDLING
    return {"REDUCTION": _credited(baseline - project)}


def _appliance_recycling(data: Data) -> dict[str, int]:
    return {"REDUCTION": _credited(Fraction(data["quantity"]) * APPLIANCE_G[data["category"]])}


def _clothes_donation(data: Data) -> dict[str, int]:
    return {"REDUCTION": _credited(Fraction(data["weight_kg"]) * CLOTHES_G_PER_KG)}


def _book_donation(data: Data) -> dict[str, int]:
    return {"REDUCTION": _credited(Fraction(data["quantity"]) * BOOK_G * BOOK_REPLACEMENT)}


def _low_carbon_pc(data: Data) -> dict[str, int]:
    base, product = Fraction(data["baseline_footprint_kg"]), Fraction(data["product_footprint_kg"])
    quantity, retired = Fraction(data["quantity"]), Fraction(data["retired_kg"])
    baseline = quantity * (base - base * PC_UNCERTAINTY)
    project = quantity * product
    offset = quantity * min(retired, product)
    return {"REDUCTION": _credited((baseline - project) * KILO), "OFFSET_BACKED": _credited(offset * KILO)}


FORMULAS: dict[str, Callable[[Data], dict[str, int]]] = {
    "metro_ride": _metro_ride,
    "bicycle_ride": _bicycle_ride,
    "device_reuse": _device_reuse,
    "appliance_recycling": _appliance_recycling,
    "clothes_donation": _clothes_donation,
    "book_donation": _book_donation,
    "low_carbon_pc": _low_carbon_pc,
}
