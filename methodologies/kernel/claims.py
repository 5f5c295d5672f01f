"""Claim strings: the physical act behind a credit, written the same way by every partner and methodology."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from methodologies.kernel.definition import ClaimRule, Definition
from methodologies.kernel.errors import MethodologyError
from methodologies.kernel.exact import nano_of


def claim_keys(definition: Definition, identity: Mapping[str, str], data: Mapping[str, Any]) -> list[str]:
    """The claim strings of one act, each once, in the order of the document; MISSING_EVIDENCE when a required part is
    unknown."""
    keys = [_claim_key(definition, rule, identity, data) for rule in definition.claims]
    return [key for key in dict.fromkeys(keys) if key]


def _claim_key(
    definition: Definition, rule: ClaimRule, identity: Mapping[str, str], data: Mapping[str, Any]
) -> str:
    parts = {name: _part(name, identity.get(name)) for name in rule.parts}
    missing = [name for name, part in parts.items() if not part]
    if not missing:
        return ":".join([rule.kind, *parts.values()])
    needed_by_data = rule.required_with and (nano_of(data.get(rule.required_with)) or 0) > 0
    if rule.required or needed_by_data:
        raise MethodologyError(
            "MISSING_EVIDENCE",
            f"{definition.title.zh}缺少证据：{'、'.join(missing)}",
            f"{definition.title.en} lacks evidence: {', '.join(missing)}",
            missing=missing,
        )
    return ""


def _part(name: str, value: object) -> str:
    """One part of a claim string. Serials keep only ASCII letters and digits, upper-case; in other parts ``:`` and
    ``%`` are escaped, so that two parts never read as others."""
    if value is None:
        return ""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if name == "serial":
        return "".join(letter for letter in text.upper() if letter.isascii() and letter.isalnum())
    return text.replace("%", "%25").replace(":", "%3A")
