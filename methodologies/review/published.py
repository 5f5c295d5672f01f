"""PUBLISHED.lock: the hash of everything published. It only grows; what it lists must stand in the tree unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from methodologies.kernel.errors import DocumentError
from methodologies.kernel.library import Library
from methodologies.kernel.model import ANY_PROFILE, Place
from methodologies.review.entries import published_entries, rows_of, shared_parameters
from methodologies.review.wording import is_wording

LOCK = "PUBLISHED.lock"
_HEADER = """# What is published: sha256 and address, one per line.
# Lines are only ever added: python -m methodologies lock
# A published row is never edited or removed; a correcting row names the hash it replaces.
"""
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference between the tree and the lock. `code`: PUBLISHED_CHANGED, PUBLISHED_REMOVED, BACKDATED,
    NOT_LOCKED."""

    code: str
    address: str
    message: str
    place: Place


def read_lock(root: Path) -> dict[tuple[str, str], int]:
    """(address, hash) → line of the lock; an unreadable line is a `DocumentError`, a missing lock is empty."""
    file = root / LOCK
    if not file.exists():
        return {}
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("#") or not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise DocumentError(file, number, "a line is a sha256, two spaces and an address")
        found[match[2], match[1]] = number
    return found


def compare_lock(library: Library) -> list[Discrepancy]:
    """What differs between the tree and the lock."""
    lock = library.root / LOCK
    locked = {entry: Place(lock, line) for entry, line in read_lock(library.root).items()}
    return discrepancies(library, locked)


def discrepancies(library: Library, published: Mapping[tuple[str, str], Place]) -> list[Discrepancy]:
    """What differs between the tree and what is published: (address, hash) → where that is listed."""
    entries = published_entries(library)
    standing = {(entry.address, entry.hash) for entry in entries}
    places = {entry.address: entry.place for entry in entries}
    found = []
    for (address, hash_), place in published.items():
        if (address, hash_) in standing or (is_wording(address) and address in places):
            continue
        if address in places:
            edited = f"{address} was published with hash {hash_[:12]}… and has been edited"
            found.append(Discrepancy("PUBLISHED_CHANGED", address, edited, places[address]))
        else:
            gone = f"{address} was published and is gone"
            found.append(Discrepancy("PUBLISHED_REMOVED", address, gone, place))
    found.extend(_backdated(library, {address for address, _ in published}))
    for entry in entries:
        if (entry.address, entry.hash) not in published:
            new = f"{entry.address} is not in {LOCK} yet: python -m methodologies lock"
            found.append(Discrepancy("NOT_LOCKED", entry.address, new, entry.place))
    return found


def _backdated(library: Library, locked: set[str]) -> Iterable[Discrepancy]:
    """Published days keep their answer: a new row starts after the published ones, or corrects one by its hash."""
    owners = shared_parameters(library)
    owners += [
        (methodology.code, parameter)
        for methodology in library
        for parameter in methodology.definition.parameters.values()
        if not parameter.shared
    ]
    for owner, parameter in owners:
        entries = list(zip(rows_of(owner, parameter), parameter.rows, strict=True))
        for entry, row in entries:
            if entry.address in locked or row.replaces:
                continue
            earlier = [
                other.in_force_from
                for twin, other in entries
                if twin.address in locked and parameter.choosing(other) == parameter.choosing(row)
            ]
            if earlier and row.in_force_from <= max(earlier):
                message = f"{entry.address} comes before a published row"
                yield Discrepancy("BACKDATED", entry.address, message, row.place)
    for methodology in library:
        for version in methodology.versions:
            address = f"{methodology.code} version {version.version} for"
            for profile in version.profiles:
                if f"{address} {ANY_PROFILE}" in locked and f"{address} {profile}" not in locked:
                    yield Discrepancy(
                        "BACKDATED",
                        f"{address} {profile}",
                        f"{version.version} already served {profile}: it needs a new version",
                        version.profile_places[profile],
                    )


def write_lock(library: Library) -> list[str]:
    """Add what is not listed yet and return its addresses; refuses (`DocumentError`) while something published
    differs."""
    for discrepancy in compare_lock(library):
        if discrepancy.code != "NOT_LOCKED":
            raise DocumentError(
                discrepancy.place.file, discrepancy.place.line, discrepancy.message, code=discrepancy.code
            )
    locked = read_lock(library.root)
    added = [entry for entry in published_entries(library) if (entry.address, entry.hash) not in locked]
    file = library.root / LOCK
    before = file.read_text(encoding="utf-8") if file.exists() else _HEADER
    file.write_text(before + "".join(f"{entry.hash}  {entry.address}\n" for entry in added), encoding="utf-8")
    return [entry.address for entry in added]
