"""What a changed library means for the personas: a year before, a year after, the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from methodologies.kernel.exact import rounded_text
from methodologies.kernel.library import Library
from methodologies.kernel.model import EAC_BACKED
from methodologies.review.annual import Annual, annual
from methodologies.review.comparing import Change, changes, first_days
from methodologies.review.personas import Persona, read_personas, year_after

_PERCENT_PLACES = 2


@dataclass(frozen=True, slots=True)
class Amount:
    """What one methodology credits under one claim type in a year: grams, for EAC_BACKED watt-hours."""

    methodology: str
    claim_type: str
    before: int
    after: int

    @property
    def difference(self) -> int:
        return self.after - self.before


def unit_of(claim_type: str) -> str:
    """The unit of a claim type's amounts."""
    return "Wh" if claim_type == EAC_BACKED else "g"


def percent_text(before: int, after: int) -> str:
    """``+7.08``, ``-50``, ``0``; empty when something came of nothing, which no per cent can say."""
    if not before:
        return "" if after else "0"
    text = rounded_text(Fraction(100 * (after - before), before), _PERCENT_PLACES)
    return text if after <= before else "+" + text


@dataclass(frozen=True, slots=True)
class Effect:
    """One persona's year under both libraries. Refusals are (methodology, code) → how many acts more (`appear`) or
    fewer (`vanish`) are refused so."""

    persona: Persona
    amounts: tuple[Amount, ...]
    appear: Mapping[tuple[str, str], int]
    vanish: Mapping[tuple[str, str], int]

    def totals(self) -> list[Amount]:
        """Before and after by claim type, over all methodologies; claim types are never added together."""
        kinds = dict.fromkeys(amount.claim_type for amount in self.amounts)
        return [
            Amount(
                "",
                kind,
                sum(amount.before for amount in self.amounts if amount.claim_type == kind),
                sum(amount.after for amount in self.amounts if amount.claim_type == kind),
            )
            for kind in kinds
        ]

    def moved(self, claim_type: str) -> list[Amount]:
        """The methodologies whose credits of this type differ."""
        return [one for one in self.amounts if one.claim_type == claim_type and one.difference]

    def as_json(self) -> dict[str, Any]:
        return {
            "persona": self.persona.code,
            "title": self.persona.title.as_json(),
            "totals": [_amount_json(total) for total in self.totals()],
            "amounts": [{"methodology": one.methodology, **_amount_json(one)} for one in self.amounts],
            "refusals_appear": _refusals_json(self.appear),
            "refusals_vanish": _refusals_json(self.vanish),
        }


@dataclass(frozen=True, slots=True)
class Year:
    """The effects on everybody's acts from `first` to `last`, both included."""

    first: date
    last: date
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes, and what it means in the year that begins with it; later changes have later years."""

    changes: tuple[Change, ...]
    years: tuple[Year, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "changes": [change.as_json() for change in self.changes],
            "years": [
                {
                    "from": year.first.isoformat(),
                    "until": year.last.isoformat(),
                    "personas": [effect.as_json() for effect in year.effects],
                }
                for year in self.years
            ],
        }


def compare(published: Library, proposed: Library, day: date | None = None) -> Comparison:
    """Compare two libraries; the personas are those of `proposed`. `day` is the first day of the year to look at
    instead of those the changes choose themselves. Raises `DocumentError` when the personas cannot be read."""
    found = changes(published, proposed)
    if not found:
        return Comparison((), ())
    personas = read_personas(proposed.root, proposed)
    chosen = [day] if day else _first_days_of_years(found, published, proposed)
    years = [
        Year(
            first,
            year_after(first) - timedelta(days=1),
            tuple(_effect(persona, first, published, proposed) for persona in personas),
        )
        for first in chosen
    ]
    return Comparison(tuple(found), tuple(years))


def _first_days_of_years(found: Sequence[Change], published: Library, proposed: Library) -> list[date]:
    """The year beginning with the earliest change, and one more for each change that no earlier year reaches."""
    chosen: list[date] = []
    for day in sorted({day for change in found for day in first_days(change, published, proposed)}):
        if not chosen or day >= year_after(chosen[-1]):
            chosen.append(day)
    return chosen


def _effect(persona: Persona, first: date, published: Library, proposed: Library) -> Effect:
    before, after = annual(published, persona, first), annual(proposed, persona, first)
    amounts = tuple(
        Amount(*key, before.credits.get(key, 0), after.credits.get(key, 0))
        for key in dict.fromkeys([*after.credits, *before.credits])
    )
    return Effect(persona, amounts, _more_refused(before, after), _more_refused(after, before))


def _more_refused(one: Annual, other: Annual) -> dict[tuple[str, str], int]:
    """The refusals that `other` has beyond those of `one`."""
    more = {key: times - one.refusals.get(key, 0) for key, times in other.refusals.items()}
    return {key: times for key, times in more.items() if times > 0}


def _amount_json(amount: Amount) -> dict[str, Any]:
    return {
        "claim_type": amount.claim_type,
        "unit": unit_of(amount.claim_type),
        "before": amount.before,
        "after": amount.after,
        "difference": amount.difference,
        "percent": percent_text(amount.before, amount.after) or None,
    }


def _refusals_json(refusals: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [{"methodology": code, "code": why, "acts": times} for (code, why), times in refusals.items()]
