"""The nouns of a methodology document: monitored fields, formulas, versions, limits, claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from methodologies.kernel.model import ANY_PROFILE, Place, Source, Title
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.units import Unit


@dataclass(frozen=True, slots=True)
class MonitoredField:
    """One piece of activity data. `kind`: number (decimal text), count (whole number) or choice (a code).

    Bounds are in `unit`: `minimum` ≤ value, `above` < value, value ≤ `maximum`. When the data leave the field out,
    `default` (a number or a code) or the row of `default_parameter` stands in; a field with neither is required where a
    formula needs it.
    """

    name: str
    kind: str
    unit: Unit
    minimum: Fraction | None
    above: Fraction | None
    maximum: Fraction | None
    default: str
    default_parameter: str
    title: Title
    description: str
    choices: Mapping[str, Title]
    place: Place


@dataclass(frozen=True, slots=True)
class RateCheck:
    """A plausibility band for the quotient of two monitored fields, such as speed; judged when both are given."""

    code: str
    numerator: str
    denominator: str
    unit: Unit
    minimum: Fraction
    maximum: Fraction
    confidence: str
    title: Title
    place: Place


@dataclass(frozen=True, slots=True)
class Limit:
    """What one holder may claim: at most `maximum` of `measure` (``acts`` or a monitored field) per `per` (``day``).

    `across` names the group of methodologies that use up the limit together; empty: this methodology by itself. The
    library states the limit; whoever knows the holder's day enforces it and refuses with `code`.
    """

    code: str
    per: str
    measure: str
    maximum: Fraction
    across: str
    in_force_from: date
    confidence: str
    title: Title
    place: Place


@dataclass(frozen=True, slots=True)
class Exclusivity:
    """Which acts of one holder's day cannot both be credited.

    `groups` are those this methodology belongs to; `excludes` those whose acts of the same day and holder rule its own
    out. The rule is stated on both sides, so that each document is complete by itself.
    """

    text: str
    groups: tuple[str, ...]
    excludes: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """How one claim string is made: `kind` and the identity fields it is joined from.

    `required`: always needed; `required_with`: needed when the data give this field a value above zero.
    """

    kind: str
    parts: tuple[str, ...]
    required: bool
    required_with: str


@dataclass(frozen=True, slots=True)
class FormulaText:
    """What the document says about a formula of `formula.py`: its equation, the data it needs, its Chinese sentence."""

    name: str
    title: Title
    equation: str
    needs: tuple[str, ...]
    sentence: str
    place: Place


@dataclass(frozen=True, slots=True)
class Version:
    """A version and the days it is in force (`in_force_until` is its last day, None while open).

    `profiles` maps a profile (or ``any``) to formula names; the first whose data are present is used.
    """

    version: str
    in_force_from: date
    in_force_until: date | None
    sources: tuple[Source, ...]
    note: str
    grades: tuple[str, ...]
    claim_types: tuple[str, ...]
    profiles: Mapping[str, tuple[str, ...]]
    profile_places: Mapping[str, Place]
    place: Place

    def formulas_for(self, profile: str) -> tuple[str, ...]:
        return self.profiles.get(profile) or self.profiles.get(ANY_PROFILE, ())


@dataclass(frozen=True, slots=True)
class Definition:
    """One methodology.yaml as read."""

    code: str
    title: Title
    scene: str
    standards: tuple[tuple[Source, str], ...]
    applicability: tuple[str, ...]
    boundary: str
    uncertainty: str
    evidence: str
    needs_window: bool
    claims: tuple[ClaimRule, ...]
    exclusivity: Exclusivity
    points_pending_days: int
    limits: tuple[Limit, ...]
    monitored: Mapping[str, MonitoredField]
    rates: tuple[RateCheck, ...]
    formulas: Mapping[str, FormulaText]
    versions: tuple[Version, ...]
    parameters: Mapping[str, Parameter]
    place: Place
