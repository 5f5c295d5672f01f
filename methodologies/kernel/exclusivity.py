"""Exclusivity between methodologies: every document tells the whole rule, and both sides tell the same one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from methodologies.kernel.definition import Definition
from methodologies.kernel.errors import DocumentError

#: Until the second day after an act, a better one may still take its place; its points must not ripen earlier.
DAYS_TO_DECIDE = 2


class Defined(Protocol):
    @property
    def definition(self) -> Definition: ...


def check_exclusivity(methodologies: Iterable[Defined]) -> None:
    """Refuse (`DocumentError`) an unknown group, a rule only one side states, and points that would ripen too early."""
    definitions = [methodology.definition for methodology in methodologies]
    for one in definitions:
        for group in one.exclusivity.excludes:
            members = [other for other in definitions if group in other.exclusivity.groups]
            if not members:
                raise _refuse(one, f"no methodology belongs to the group {group!r} it excludes")
            silent = [other.code for other in members if not _excludes(other, one.exclusivity.groups)]
            if silent:
                raise _refuse(one, f"excludes {group!r}, but {', '.join(silent)} does not exclude it in turn")
        if one.exclusivity.excludes and one.points_pending_days < DAYS_TO_DECIDE:
            raise _refuse(one, f"is exclusive, so its points stay pending for {DAYS_TO_DECIDE} days at least")


def _excludes(definition: Definition, groups: Collection[str]) -> bool:
    return not set(definition.exclusivity.excludes).isdisjoint(groups)


def _refuse(definition: Definition, message: str) -> DocumentError:
    place = definition.exclusivity.place
    return DocumentError(place.file, place.line, f"{definition.code} {message}")
