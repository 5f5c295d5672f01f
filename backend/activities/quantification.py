"""From a draft to numbers: the methodologies library at work on a batch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache

from backend.activities.policy import DailyLimit, DayRules
from backend.activities.records import Act
from backend.vault import Vault
from methodologies import (
    Basis,
    Library,
    MethodologyError,
    MonitoredField,
    Quantification,
    Request,
    library,
    quantify_batch,
)

#: An act, the data of its formula, and what names the physical act.
Input = tuple[Act, Mapping[str, str | int], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Quantified:
    """An act whose numbers are in place; `basis` is what they were computed from."""

    basis: Basis


def canonical_data(data: Mapping[str, str | int]) -> str:
    """Formula inputs as they are stored: canonical JSON of whole numbers and decimal texts."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def quantify(vault: Vault, inputs: Sequence[Input]) -> list[Quantified | str]:
    """Quantify each act and fill in its emissions, credits and claim fingerprints; or the code it is refused with."""
    known = library()
    requests = [Request(act.methodology, data, act.day, act.profile, act.grade) for act, data, _ in inputs]
    answers: list[Quantified | str] = []
    for (act, data, identity), result in zip(inputs, quantify_batch(requests), strict=True):
        if isinstance(result, MethodologyError):
            answers.append(result.code)
            continue
        try:
            named = {**identity, "day": act.day.isoformat()}  # however its source spells the day
            claims = known.get(act.methodology).claim_keys(named, data)
        except MethodologyError as error:
            answers.append(error.code)
            continue
        _fill(act, result)
        act.fingerprints = tuple(vault.fingerprint(claim) for claim in claims)
        answers.append(Quantified(result.basis))
    return answers


@dataclass(frozen=True, slots=True)
class Requantified:
    """An issued act with the numbers another library gives it; `basis` is what they were computed from."""

    act: Act
    basis: Basis


def requantify(act: Act, library: Library) -> Requantified | str:
    """Compute an act again from its own data, day, profile and grade; or the code this library refuses it with."""
    try:
        result = library.get(act.methodology).quantify(json.loads(act.data), act.day, act.profile, act.grade)
    except MethodologyError as error:
        return error.code
    again = replace(act)
    _fill(again, result)
    return Requantified(again, result.basis)


def _fill(act: Act, result: Quantification) -> None:
    act.basis_hash = bytes.fromhex(result.basis.hash)
    act.baseline = exact_text(result.baseline_g)
    act.project = exact_text(result.project_g)
    act.leakage = exact_text(result.leakage_g)
    act.reduction = exact_text(result.reduction_g)
    credits = credited(result)
    act.reduction_g, act.offset_g, act.eac_wh = credits.reduction_g, credits.offset_g, credits.eac_wh


@dataclass(frozen=True, slots=True)
class Credited:
    """Whole grams, and watt-hours of electricity with cancelled certificates, by claim type: never added together."""

    reduction_g: int
    offset_g: int
    eac_wh: int


def credits_of(act: Act) -> Credited:
    """What the record of an act says it is credited with."""
    return Credited(act.reduction_g, act.offset_g, act.eac_wh)


def credited(result: Quantification) -> Credited:
    """What a quantification credits."""
    kinds = ("REDUCTION", "OFFSET_BACKED", "EAC_BACKED")
    return Credited(*(result.credits.get(kind, 0) for kind in kinds))


@cache
def claims_engagement(methodology: str, day: date) -> bool:
    """Whether an act of this day counts by taking part: no grams by definition, points only."""
    begun = [version for version in library().get(methodology).versions if version.in_force_from <= day]
    return bool(begun) and "ENGAGEMENT" in begun[-1].claim_types


def exact_text(value: Fraction | None) -> str | None:
    """An exact number of grams as text: a whole number, or numerator/denominator."""
    return None if value is None else str(value)


@cache
def day_rules(methodology: str, day: date) -> DayRules:
    """What this methodology says about one day of a holder: daily limits, and which other acts rule its own out."""
    known = library().get(methodology)
    limits = tuple(
        DailyLimit(
            limit.across or methodology,
            limit.measure,
            limit.maximum,
            limit.code,
            _default(known.monitored.get(limit.measure)),
        )
        for limit in known.limits_on(day)
        if limit.per == "day"
    )
    groups, excludes = frozenset(known.exclusivity_groups), frozenset(known.excluded_groups)
    return DayRules(limits, groups, excludes, known.points_pending_days)


def _default(field: MonitoredField | None) -> Fraction:
    """What the formula takes where the data do not tell."""
    return Fraction(field.default) if field is not None and field.default else Fraction(0)


__all__ = [
    "Library",
    "Quantified",
    "Requantified",
    "canonical_data",
    "claims_engagement",
    "credited",
    "day_rules",
    "exact_text",
    "library",
    "quantify",
    "requantify",
]
