"""The result of a quantification and everything needed to explain it and to compute it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from methodologies.kernel.exact import ONE, exact_text, reading_text
from methodologies.kernel.formulas import Outcome
from methodologies.kernel.model import EAC_BACKED, ENGAGEMENT, OFFSET_BACKED, REDUCTION, digest
from methodologies.kernel.parameters import row_value
from methodologies.kernel.ranging import Ranging, ReductionRange
from methodologies.kernel.units import parse_unit

_CREDIT_ZH = {
    REDUCTION: "入账 {} 克",
    OFFSET_BACKED: "抵消支撑的补偿量另记 {} 克（不与减排量相加）",
    EAC_BACKED: "绿证支撑的电量另记 {} 瓦时（不与减排量相加）",
    ENGAGEMENT: "参与类行为，不产生减排量",
}


@dataclass(frozen=True, slots=True)
class Basis:
    """What a quantification rested on: formula, rows, inputs, grade factors. Equal bases have equal hashes.

    `content` is JSON-able and complete: `recompute` needs nothing else but the data and the grade. `ranging` follows
    from it once a formula runs on it; it is here, not with every act, so that it costs an act nothing.
    """

    hash: str
    content: Mapping[str, Any]
    ranging: Ranging | None = field(default=None, repr=False)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Basis:
        return cls(digest(content), content)

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """Every factor row used: parameter, title, value, unit, in_force_from, sources, confidence, row_hash …"""
        return tuple(self.content["rows"])

    def as_json(self) -> dict[str, Any]:
        """The basis to store beside the issued reduction (once per hash) and to print on a receipt."""
        return {**self.content, "hash": self.hash}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Basis) and other.hash == self.hash

    def __hash__(self) -> int:
        return hash(self.hash)


@dataclass(frozen=True, slots=True)
class Quantification:
    """BE, PE, LE and ER of one act in grams CO2e, exact; None means "not published".

    `reduction_g` is signed and before the evidence grade; `credits` are whole grams (or watt-hours for EAC_BACKED) per
    claim type, never negative, after the grade, rounded down. `day` is None only when recomputed without one. `inputs`
    are the values read from the data, in base units; equality leaves them out, they follow from the rest.
    """

    basis: Basis
    day: date | None
    grade: str
    data: Mapping[str, int | str]
    inputs: Mapping[str, Fraction] = field(compare=False)
    outcome: Outcome
    credits: dict[str, int]

    @property
    def baseline_g(self) -> Fraction | None:
        return self.outcome.baseline

    @property
    def project_g(self) -> Fraction | None:
        return self.outcome.project

    @property
    def leakage_g(self) -> Fraction | None:
        return self.outcome.leakage

    @property
    def reduction_g(self) -> Fraction:
        return self.outcome.reduction

    @property
    def reduction_range_g(self) -> ReductionRange | None:
        """`reduction_g` (signed, before the evidence grade) at the low, central and high figures of the rows whose
        sources differ, worked out when asked for; None where no row used states a range."""
        ranging = self.basis.ranging
        return None if ranging is None else ranging.reduction(self.inputs)

    @property
    def methodology(self) -> str:
        return str(self.basis.content["methodology"])

    @property
    def version(self) -> str:
        return str(self.basis.content["version"])

    @property
    def profile(self) -> str:
        return str(self.basis.content["profile"])

    @property
    def grade_factor(self) -> Fraction:
        return grade_factors(self.basis.content)[self.grade]

    def trail(self) -> dict[str, Any]:
        """The whole calculation as JSON, with one Chinese sentence that carries the real numbers."""
        content = self.basis.content
        return {
            **{
                key: content[key]
                for key in (
                    "methodology",
                    "title",
                    "version",
                    "profile",
                    "profile_title",
                    "formula",
                    "equation",
                )
            },
            "day": self.day.isoformat() if self.day else None,
            "grade": self.grade,
            "grade_factor": exact_text(self.grade_factor),
            "data": {name: str(value) for name, value in self.data.items()},
            "baseline_g": _text(self.baseline_g),
            "project_g": _text(self.project_g),
            "leakage_g": _text(self.leakage_g),
            "reduction_g": exact_text(self.reduction_g),
            "reduction_range_g": self._range_json(),
            "credits": dict(self.credits),
            "sentence_zh": self.sentence_zh(),
            "unverified": [
                f"{row['parameter']}: {row['confidence']}"
                for row in self.basis.rows
                if row["confidence"] in ("RECALLED", "ASSUMED")
            ],
            "basis": self.basis.as_json(),
        }

    def _range_json(self) -> dict[str, str] | None:
        found = self.reduction_range_g
        return None if found is None else {end: exact_text(grams) for end, grams in found._asdict().items()}

    def sentence_zh(self) -> str:
        """One sentence for members: what was done, times which factor, and what is credited."""
        content = self.basis.content
        words: dict[str, _Word] = {name: _Word(value) for name, value in self.inputs.items()}
        words.update({row["parameter"]: _Word(row_value(row)) for row in content["rows"]})
        words.update({name: _Word(choice["zh"]) for name, choice in content["choices"].items()})
        words.update(
            {
                "baseline": _Word(self.baseline_g),
                "project": _Word(self.project_g),
                "reduction": _Word(self.reduction_g),
            }
        )
        sentence = str(content["sentence"]).format_map(words)
        if self.reduction_g < 0:
            sentence += "，结果为负，不计入"
        if self.grade_factor != ONE:
            sentence += f"，自行申报按 {reading_text(self.grade_factor)} 计"
        credited = [_CREDIT_ZH[kind].format(amount) for kind, amount in self.credits.items()]
        return "，".join([sentence, *credited])


class _Word:
    """A value inside a sentence: ``{reduction}`` in base units, ``{reduction:kg}`` divided by that unit's scale."""

    def __init__(self, value: Fraction | str | None) -> None:
        self.value = value

    def __format__(self, unit: str) -> str:
        if isinstance(self.value, Fraction):
            return reading_text(self.value / parse_unit(unit).scale if unit else self.value)
        return self.value or "未公布"


SENTENCE_RESULTS = frozenset({"baseline", "project", "reduction"})


def grade_factors(content: Mapping[str, Any]) -> dict[str, Fraction]:
    """The evidence grades a basis knows and the share of the grams each credits."""
    return {row["keys"]["grade"]: row_value(row) for row in content["grades"]}


def _text(value: Fraction | None) -> str | None:
    return None if value is None else exact_text(value)
