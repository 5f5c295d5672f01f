"""Units and their algebra. Values are kept in base units (g CO2e, km, kg, s, Wh …), so a formula is plain arithmetic.

Units are checked once, when the library is loaded: every formula runs with `Traced` quantities, which know only their
unit. At run time formulas receive bare Fractions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

Powers = tuple[tuple[str, int], ...]

# name → (how many base units, powers of the base units). A passenger-kilometre is a kilometre times a person, a
# vehicle-kilometre a kilometre times a vehicle: dividing the second by persons per vehicle gives the first. CO2 and
# CO2e share one base unit (the warming potential of CO2 is 1); which of the two a source states stays in the text.
_ATOMS: dict[str, tuple[Fraction, dict[str, int]]] = {
    "1": (Fraction(1), {}),
    "%": (Fraction(1, 100), {}),
    **{gas: (Fraction(1), {"gCO2e": 1}) for gas in ("gCO2e", "gCO2")},
    **{gas: (Fraction(1000), {"gCO2e": 1}) for gas in ("kgCO2e", "kgCO2")},
    **{gas: (Fraction(1_000_000), {"gCO2e": 1}) for gas in ("tCO2e", "tCO2")},
    "g": (Fraction(1, 1000), {"kg": 1}),
    "kg": (Fraction(1), {"kg": 1}),
    "t": (Fraction(1000), {"kg": 1}),
    "m": (Fraction(1, 1000), {"km": 1}),
    "km": (Fraction(1), {"km": 1}),
    "pkm": (Fraction(1), {"km": 1, "person": 1}),
    "vkm": (Fraction(1), {"km": 1, "vehicle": 1}),
    "s": (Fraction(1), {"s": 1}),
    "min": (Fraction(60), {"s": 1}),
    "h": (Fraction(3600), {"s": 1}),
    "Wh": (Fraction(1), {"Wh": 1}),
    "kWh": (Fraction(1000), {"Wh": 1}),
    "MWh": (Fraction(1_000_000), {"Wh": 1}),
    **{
        count: (Fraction(1), {count: 1})
        for count in ("item", "trip", "step", "person", "vehicle", "sheet", "page", "night", "day", "tree")
    },
    # a period in the text of a unit: what a tree takes up "per tree" means nothing without it
    "yr": (Fraction(1), {"yr": 1}),
    "10yr": (Fraction(10), {"yr": 1}),
}

# Monitored data carry their unit in their name; this says which units a suffix may stand for.
SUFFIX_UNITS: dict[str, frozenset[str]] = {
    "km": frozenset({"km", "pkm", "vkm"}),
    "kg": frozenset({"kg", "kgCO2e", "kgCO2e/item"}),
    "s": frozenset({"s"}),
    "h": frozenset({"h"}),
    "min": frozenset({"min"}),
    "kwh": frozenset({"kWh"}),
}


class UnitError(Exception):
    """An unknown unit, or arithmetic that mixes units; becomes a `DocumentError` with file and line."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as written, how many base units it is, and the powers of its base units."""

    text: str
    scale: Fraction
    powers: Powers


def _normal(powers: Iterable[tuple[str, int]]) -> Powers:
    return tuple(sorted((base, power) for base, power in powers if power))


def parse_unit(text: str) -> Unit:
    """Read ``kgCO2e/pkm``, ``km/h``, ``1`` … : atoms joined by ``*``, divided by ``/``; unknown atoms are a
    UnitError."""
    scale, powers = Fraction(1), dict[str, int]()
    for position, part in enumerate(text.split("/")):
        direction = -1 if position else 1
        for name in part.split("*"):
            if name not in _ATOMS:
                raise UnitError(f"unknown unit {name!r} in {text!r}")
            atom_scale, atom_powers = _ATOMS[name]
            scale = scale * atom_scale if direction == 1 else scale / atom_scale
            for base, power in atom_powers.items():
                powers[base] = powers.get(base, 0) + direction * power
    return Unit(text, scale, _normal(powers.items()))


GRAMS = parse_unit("gCO2e")
WATT_HOURS = parse_unit("Wh")


def powers_text(powers: Powers) -> str:
    return "·".join(base if power == 1 else f"{base}^{power}" for base, power in powers) or "1"


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """A quantity that knows only its unit; formulas are run with these before anything is quantified."""

    powers: Powers

    def __add__(self, other: object) -> Traced:
        return self._same(other, "+")

    def __sub__(self, other: object) -> Traced:
        return self._same(other, "-")

    def __mul__(self, other: object) -> Traced:
        return self._combine(other, 1)

    def __truediv__(self, other: object) -> Traced:
        return self._combine(other, -1)

    def __floordiv__(self, other: object) -> Traced:
        return self._combine(other, -1)

    def __lt__(self, other: object) -> bool:
        self._same(other, "<")
        return False

    def __gt__(self, other: object) -> bool:
        self._same(other, ">")
        return False

    def _same(self, other: object, sign: str) -> Traced:
        if not isinstance(other, Traced) or other.powers != self.powers:
            right = powers_text(other.powers) if isinstance(other, Traced) else repr(other)
            raise UnitError(f"{powers_text(self.powers)} {sign} {right} mixes units")
        return self

    def _combine(self, other: object, direction: int) -> Traced:
        if not isinstance(other, Traced):
            raise UnitError(f"{powers_text(self.powers)} is combined with {other!r}, which has no unit")
        powers = dict(self.powers)
        for base, power in other.powers:
            powers[base] = powers.get(base, 0) + direction * power
        return Traced(_normal(powers.items()))


_ZH = {
    "km": "公里",
    "pkm": "公里",
    "vkm": "公里",
    "m": "米",
    "kg": "公斤",
    "g": "克",
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "kWh": "千瓦时",
    "Wh": "瓦时",
    "kgCO2e": "公斤二氧化碳当量",
    "kgCO2": "公斤二氧化碳",
    "gCO2e": "克二氧化碳当量",
    "item": "件",
    "trip": "次",
    "step": "步",
    "sheet": "张",
    "page": "页",
    "night": "夜",
    "day": "天",
    "person": "人",
    "tree": "棵",
    "10yr": "10 年",
    "1": "",
}


def unit_zh(unit: Unit) -> str:
    """The unit in words a member reads: ``pkm/h`` → 公里/小时."""
    return "/".join(_ZH.get(part, part) for part in unit.text.split("/"))
