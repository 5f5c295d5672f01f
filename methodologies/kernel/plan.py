"""The run path: a basis compiled once, then a few exact operations per act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from methodologies.kernel.definition import MonitoredField, RateCheck
from methodologies.kernel.errors import MethodologyError
from methodologies.kernel.exact import NANO, ONE, exact_text, nano_of, not_a_number
from methodologies.kernel.formulas import Activity, Formula, Outcome, Parameters
from methodologies.kernel.model import EAC_BACKED, OFFSET_BACKED, REDUCTION
from methodologies.kernel.parameters import row_value
from methodologies.kernel.quantification import Basis, Quantification, grade_factors
from methodologies.kernel.ranging import Ranging, not_computable
from methodologies.kernel.units import Unit, parse_unit, unit_zh

_MEMO_LIMIT = 20_000


class NumberReader:
    """Reads one monitored number: strict text, bounds in its declared unit, value in base units. Remembers what it
    read."""

    __slots__ = ("_above", "_denominator", "_field", "_maximum", "_minimum", "_numerator", "memo", "name")

    def __init__(self, name: str, unit: Unit, field: MonitoredField | None = None) -> None:
        self.name = name
        self.memo: dict[int | str, Fraction] = {}
        scale = unit.scale / NANO
        self._numerator, self._denominator = scale.numerator, scale.denominator
        self._field = field
        self._minimum = _nano(field.minimum) if field else None
        self._above = _nano(field.above) if field else None
        self._maximum = _nano(field.maximum) if field else None

    def read(self, value: object) -> Fraction:
        """The value in base units, or NOT_A_NUMBER / OUT_OF_BOUNDS."""
        nano = nano_of(value)
        if nano is None:
            raise not_a_number(self.name, value)
        if (
            (self._minimum is not None and nano < self._minimum)
            or (self._above is not None and nano <= self._above)
            or (self._maximum is not None and nano > self._maximum)
        ):
            raise self._out_of_bounds(value)
        if self._field is not None and self._field.kind == "count" and nano % NANO:
            raise self._out_of_bounds(value)
        number = Fraction(nano * self._numerator, self._denominator)
        if len(self.memo) >= _MEMO_LIMIT:
            self.memo.clear()
        assert isinstance(value, (int, str))
        self.memo[value] = number
        return number

    def _out_of_bounds(self, value: object) -> MethodologyError:
        field = self._field
        assert field is not None
        unit_en = "" if field.unit.text == "1" else f" {field.unit.text}"
        bounds = {
            key: exact_text(bound)
            for key, bound in (("minimum", field.minimum), ("above", field.above), ("maximum", field.maximum))
            if bound is not None
        }
        zh = {"minimum": "不小于", "above": "大于", "maximum": "不大于"}
        en = {"minimum": "at least", "above": "above", "maximum": "at most"}
        whole_zh, whole_en = ("整数，", "a whole number, ") if field.kind == "count" else ("", "")
        return MethodologyError(
            "OUT_OF_BOUNDS",
            f"{field.title.zh}应为{whole_zh}"
            + "、".join(f"{zh[key]} {text}" for key, text in bounds.items())
            + f" {unit_zh(field.unit)}，收到 {value}",
            f"{field.title.en} must be {whole_en}"
            + ", ".join(f"{en[key]} {text}" for key, text in bounds.items())
            + f"{unit_en}; received {value}",
            field=field.name,
            received=str(value),
            unit=field.unit.text,
            **bounds,
        )


class Plan:
    """One basis ready to run: formula, parameter values, stand-in inputs and grade factors as Fractions."""

    __slots__ = ("_claims", "_fixed", "_function", "_grades", "_parameters", "_rates", "_readers", "basis")

    def __init__(
        self,
        basis: Basis,
        function: Formula,
        readers: Iterable[NumberReader],
        rates: Iterable[RateCheck] = (),
    ) -> None:
        content = basis.content
        values = {row["parameter"]: row_value(row) for row in content["rows"]}
        self.basis = replace(basis, ranging=Ranging.of(content, function))
        self._function = function
        self._readers = tuple((reader.name, reader, reader.memo) for reader in readers)
        self._rates = tuple(rates)
        self._fixed = {
            name: _stand_in(entry, values)
            for name, entry in content["inputs"].items()
            if entry["from"] != "data"
        }
        self._parameters = Parameters(values)
        # None stands for the whole: most acts are partner-signed, and multiplying by one costs as much as the formula
        self._grades = {
            grade: None if factor == ONE else factor for grade, factor in grade_factors(content).items()
        }
        self._claims: tuple[str, ...] = tuple(content["claim_types"])

    def run(self, data: Mapping[str, Any], day: date | None, grade: str) -> Quantification:
        """Quantify one act whose data are known to fit this plan."""
        inputs = self._fixed.copy()
        for name, reader, memo in self._readers:
            value = data[name]
            kind = type(value)
            number = memo.get(value) if kind is str or kind is int else None
            inputs[name] = reader.read(value) if number is None else number
        for rate in self._rates:
            _check_rate(rate, inputs)
        try:
            outcome = self._function(Activity(inputs), self._parameters)
        except ZeroDivisionError:
            raise not_computable() from None
        credits = self._credits(outcome, self._grades[grade])
        return Quantification(self.basis, day, grade, dict(data), inputs, outcome, credits)

    def _credits(self, outcome: Outcome, factor: Fraction | None) -> dict[str, int]:
        """Whole units per claim type: the grade's share, never negative, rounded down."""
        credits = {}
        for claim in self._claims:
            if claim == REDUCTION:
                amount: Fraction | None = outcome.reduction
            elif claim == OFFSET_BACKED:
                amount = outcome.offset_backed
            elif claim == EAC_BACKED:
                amount = outcome.eac_backed
            else:
                amount = None
            if amount is None or amount.numerator <= 0:
                credits[claim] = 0
                continue
            if factor is not None:
                amount = amount * factor
            credits[claim] = amount.numerator // amount.denominator
        return credits


def _stand_in(entry: Mapping[str, Any], values: Mapping[str, Fraction]) -> Fraction:
    if entry["from"] == "parameter":
        return values[entry["parameter"]]
    return NumberReader("default", parse_unit(entry["unit"])).read(entry["default"])


def _check_rate(rate: RateCheck, inputs: Mapping[str, Fraction]) -> None:
    quotient = inputs[rate.numerator] / inputs[rate.denominator] / rate.unit.scale
    if not rate.minimum <= quotient <= rate.maximum:
        low, high = exact_text(rate.minimum), exact_text(rate.maximum)
        whole = str(quotient.numerator // quotient.denominator)
        raise MethodologyError(
            rate.code,
            f"{rate.title.zh}约 {whole} {unit_zh(rate.unit)}，不在合理区间 {low}–{high} 内",
            f"{rate.title.en} of about {whole} {rate.unit.text} is outside the plausible band {low}–{high}",
            minimum=low,
            maximum=high,
            unit=rate.unit.text,
            received=exact_text(quotient),
        )


def _nano(bound: Fraction | None) -> Fraction | int | None:
    if bound is None:
        return None
    scaled = bound * NANO
    return scaled.numerator if scaled.denominator == 1 else scaled
