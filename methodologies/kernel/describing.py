"""A methodology document as JSON, for publication (公示) and for people who review it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from methodologies.kernel.definition import (
    ClaimRule,
    Definition,
    Exclusivity,
    FormulaText,
    Limit,
    MonitoredField,
    RateCheck,
    Version,
)
from methodologies.kernel.exact import exact_text
from methodologies.kernel.parameters import Parameter


def describe(definition: Definition) -> dict[str, Any]:
    """Everything a reader of the document sees, JSON-able, numbers as text."""
    return {
        "code": definition.code,
        "title": definition.title.as_json(),
        "scene": definition.scene,
        "standards": [{"source": source.as_json(), "text": text} for source, text in definition.standards],
        "applicability": list(definition.applicability),
        "boundary": definition.boundary,
        "uncertainty": {"text": definition.uncertainty},
        "evidence": {"text": definition.evidence, "window_required": definition.needs_window},
        "claims": [_claim(rule) for rule in definition.claims],
        "exclusivity": _exclusivity(definition.exclusivity),
        "points_pending_days": definition.points_pending_days,
        "limits": [_limit(limit) for limit in definition.limits],
        "monitored": {field.name: _field(field) for field in definition.monitored.values()},
        "rates": [_rate(rate) for rate in definition.rates],
        "formulas": {text.name: _formula(text) for text in definition.formulas.values()},
        "versions": [_version(version) for version in definition.versions],
        "parameters": {parameter.name: _parameter(parameter) for parameter in definition.parameters.values()},
    }


def _claim(rule: ClaimRule) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "from": list(rule.parts),
        "required": rule.required,
        "required_with": rule.required_with or None,
    }


def _exclusivity(rule: Exclusivity) -> dict[str, Any]:
    return {"text": rule.text, "groups": list(rule.groups), "excludes": list(rule.excludes)}


def _formula(text: FormulaText) -> dict[str, Any]:
    return {"title": text.title.as_json(), "equation": text.equation, "needs": list(text.needs)}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    rows = [{**row.as_json(), "review_before": row.review_before.isoformat()} for row in parameter.rows]
    return {
        "title": parameter.title.as_json(),
        "unit": parameter.unit.text,
        "by": list(parameter.by),
        "shared": parameter.shared,
        "rows": rows,
    }


def _version(version: Version) -> dict[str, Any]:
    return {
        "version": version.version,
        "in_force_from": version.in_force_from.isoformat(),
        "in_force_until": version.in_force_until.isoformat() if version.in_force_until else None,
        "sources": [source.as_json() for source in version.sources],
        "note": version.note,
        "grades": list(version.grades),
        "claim_types": list(version.claim_types),
        "profiles": {profile: list(formulas) for profile, formulas in version.profiles.items()},
    }


def _field(field: MonitoredField) -> dict[str, Any]:
    return {
        "kind": field.kind,
        "unit": field.unit.text,
        "minimum": _bound(field.minimum),
        "above": _bound(field.above),
        "maximum": _bound(field.maximum),
        "default": field.default or None,
        "default_parameter": field.default_parameter or None,
        "title": field.title.as_json(),
        "description": field.description,
        "choices": {code: title.as_json() for code, title in field.choices.items()},
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "code": limit.code,
        "per": limit.per,
        "measure": limit.measure,
        "maximum": exact_text(limit.maximum),
        "across": limit.across or None,
        "in_force_from": limit.in_force_from.isoformat(),
        "confidence": limit.confidence,
        "title": limit.title.as_json(),
    }


def _rate(rate: RateCheck) -> dict[str, Any]:
    return {
        "code": rate.code,
        "numerator": rate.numerator,
        "denominator": rate.denominator,
        "unit": rate.unit.text,
        "minimum": exact_text(rate.minimum),
        "maximum": exact_text(rate.maximum),
        "confidence": rate.confidence,
        "title": rate.title.as_json(),
    }


def _bound(bound: Fraction | None) -> str | None:
    return None if bound is None else exact_text(bound)
