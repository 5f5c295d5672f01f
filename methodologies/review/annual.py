"""What a persona is credited in a year, act by act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from methodologies.kernel.errors import MethodologyError
from methodologies.kernel.exact import ZERO
from methodologies.kernel.library import Library
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.quantification import Quantification
from methodologies.review.personas import Persona

_Used = dict[tuple[str, str, date], Fraction]


@dataclass(frozen=True, slots=True)
class Annual:
    """A year of one persona. `credits`: (methodology, claim type) → whole grams (watt-hours for EAC_BACKED), each act
    rounded down on its own; claim types are never added together. `refusals`: (methodology, code) → how many acts."""

    credits: Mapping[tuple[str, str], int]
    refusals: Mapping[tuple[str, str], int]


def annual(library: Library, persona: Persona, first: date) -> Annual:
    """Quantify every act of the year that begins on `first`, each on its own day, and apply the daily limits.

    Of several acts on one day the one written first comes first, as the earlier one would."""
    credited: Counter[tuple[str, str]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    used: _Used = {}
    for act in persona.acts:
        for day in act.days_from(first):
            try:
                methodology = library.get(act.methodology)
                done = methodology.quantify(act.data, day, act.profile, act.grade)
            except MethodologyError as refusal:
                refused[act.methodology, refusal.code] += 1
                continue
            exceeded = _exceeded(methodology, done, day, used)
            if exceeded:
                refused[act.methodology, exceeded] += 1
                continue
            for claim_type, amount in done.credits.items():
                credited[act.methodology, claim_type] += amount
    return Annual(dict(credited), dict(refused))


def _exceeded(methodology: Methodology, done: Quantification, day: date, used: _Used) -> str:
    """The code of the daily limit this act would exceed, else nothing; what counts uses its limits up."""
    after: _Used = {}
    for limit in methodology.limits_on(day):
        if limit.per != "day":
            continue
        measured = Fraction(1)
        if limit.measure in methodology.monitored:
            unit = methodology.monitored[limit.measure].unit
            measured = done.inputs.get(limit.measure, ZERO) / unit.scale
        key = (limit.across or methodology.code, limit.code, day)
        after[key] = used.get(key, ZERO) + measured
        if after[key] > limit.maximum:
            return limit.code
    used.update(after)
    return ""
