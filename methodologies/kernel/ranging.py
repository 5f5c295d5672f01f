"""What a reduction would be at the other figures its sources publish: a formula run again at the ends of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from methodologies.kernel.errors import MethodologyError
from methodologies.kernel.formulas import Activity, Formula, Parameters
from methodologies.kernel.parameters import row_range, row_value


class ReductionRange(NamedTuple):
    """A reduction in grams CO2e, exact and signed: lowest and highest over all combinations of the ends of the rows
    used, and with all of them at their central figures."""

    low: Fraction
    central: Fraction
    high: Fraction


class Ranging:
    """The formula of a basis and those of its rows that state a range: what `ReductionRange` needs besides the inputs
    of an act. Made once per basis; nothing runs before somebody asks."""

    __slots__ = ("_function", "_ranges", "_stand_ins", "_values")

    def __init__(
        self,
        function: Formula,
        values: Mapping[str, Fraction],
        ranges: Mapping[str, tuple[Fraction, Fraction, Fraction]],
        stand_ins: Mapping[str, str],
    ) -> None:
        self._function = function
        self._values = values
        self._ranges = ranges
        self._stand_ins = stand_ins

    @classmethod
    def of(cls, content: Mapping[str, Any], function: Formula) -> Ranging | None:
        """From the JSON of a basis alone; None when no row of it states a range."""
        found = {row["parameter"]: row_range(row) for row in content["rows"]}
        ranges = {name: ends for name, ends in found.items() if ends is not None}
        if not ranges:
            return None
        values = {row["parameter"]: row_value(row) for row in content["rows"]}
        stand_ins = {
            name: entry["parameter"]
            for name, entry in content["inputs"].items()
            if entry["from"] == "parameter" and entry["parameter"] in ranges
        }
        return cls(function, values, ranges, stand_ins)

    def reduction(self, inputs: Mapping[str, Fraction]) -> ReductionRange:
        """The range of one act; `inputs` in base units. NOT_COMPUTABLE when an end makes the formula divide by zero."""
        names = tuple(self._ranges)
        corners = [
            self._reduction_at(inputs, dict(zip(names, corner, strict=True)))
            for corner in product(*((low, high) for low, _, high in self._ranges.values()))
        ]
        centre = {name: central for name, (_, central, _) in self._ranges.items()}
        return ReductionRange(min(corners), self._reduction_at(inputs, centre), max(corners))

    def _reduction_at(self, inputs: Mapping[str, Fraction], figures: Mapping[str, Fraction]) -> Fraction:
        stood_in = {name: figures[parameter] for name, parameter in self._stand_ins.items()}
        try:
            outcome = self._function(Activity({**inputs, **stood_in}), Parameters({**self._values, **figures}))
        except ZeroDivisionError:
            raise not_computable() from None
        return outcome.reduction


def not_computable() -> MethodologyError:
    return MethodologyError(
        "NOT_COMPUTABLE", "活动数据使公式除以零", "the data make the formula divide by zero"
    )
