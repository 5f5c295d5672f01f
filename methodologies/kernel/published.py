"""PUBLISHED.lock: the hash of everything published. It only grows; what it lists must stand in the tree unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from methodologies.kernel.definition import MonitoredField, Version
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.exact import exact_text
from methodologies.kernel.library import Library
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.model import ANY_PROFILE, Place, digest
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.products import FOLDER as PRODUCTS
from methodologies.kernel.products import Product, model_key
from methodologies.kernel.tables import FOLDER

LOCK = "PUBLISHED.lock"
_HEADER = """# What is published: sha256 and address, one per line.
# Lines are only ever added: python -m methodologies lock
# A published row is never edited or removed; a correcting row names the hash it replaces.
"""
_ONE_DAY = timedelta(days=1)
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One published thing: what it is called, its hash, and where it is written.

    For those who review a change: `says` is its content in a line, `day` the first day it decides anything (None: all
    days of its methodology), `replaces` the hash of the row it corrects.
    """

    address: str
    hash: str
    place: Place
    says: str = ""
    day: date | None = None
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference between the tree and the lock. `code`: PUBLISHED_CHANGED, PUBLISHED_REMOVED, BACKDATED,
    NOT_LOCKED."""

    code: str
    address: str
    message: str
    place: Place


def published_entries(library: Library) -> list[Entry]:
    """Everything in the tree that the lock must list, in the order of the tree."""
    entries = [
        Entry(
            f"profile {profile.code}",
            digest([profile.baseline_type.zh, profile.region, [source.tag for source in profile.sources]]),
            Place(library.root / "profiles.yaml", 1),
            f"{profile.baseline_type.zh}，{profile.region}",
        )
        for profile in library.profiles.values()
    ]
    for owner, parameter in _shared(library):
        entries.extend(_rows(owner, parameter))
    for product in library.products:
        entries.extend(_of_product(product))
    for methodology in library:
        entries.extend(_of_methodology(methodology))
    return entries


def _of_product(product: Product) -> Iterator[Entry]:
    """What its sheets and certificates say beside their rows, and the names it is sold under."""
    address = f"product {product.label}"
    for model in product.models:
        yield Entry(f"{address} model {model_key(model)}", digest(product.label), product.place)
    for sheet in product.footprints:
        row = sheet.row
        yield Entry(f"{address} sheet {row.in_force_from}", digest([row.row_hash, sheet.details()]), row.place)
    for certificate in product.certificates:
        name = f"{address} certificate {certificate.in_force_from}"
        yield Entry(name, certificate.hash, certificate.place)
        if certificate.valid_until is not None:
            yield Entry(f"{name} until", digest(certificate.valid_until.isoformat()), certificate.place)


def _of_methodology(methodology: Methodology) -> Iterator[Entry]:
    code, definition = methodology.code, methodology.definition
    for version in definition.versions:
        yield from _of_version(code, version)
    for name, text in definition.formulas.items():
        loaded = methodology.formulas[name]
        yield Entry(
            f"{code} formula {name}",
            digest([loaded.code_hash, text.equation, sorted(text.needs)]),
            Place(definition.place.file.parent / "formula.py", loaded.line),
            text.equation,
        )
    for field in definition.monitored.values():
        yield Entry(f"{code} monitored {field.name}", _field_hash(field), field.place, _field_text(field))
    for rate in definition.rates:
        band = [exact_text(rate.minimum), exact_text(rate.maximum), rate.confidence]
        content = [rate.numerator, rate.denominator, rate.unit.text, *band]
        says = f"{rate.numerator} ÷ {rate.denominator}: {band[0]}–{band[1]} {rate.unit.text}"
        yield Entry(f"{code} rate {rate.code}", digest(content), rate.place, says)
    for limit in definition.limits:
        content = [limit.per, limit.measure, exact_text(limit.maximum), limit.across, limit.confidence]
        address = f"{code} limit {limit.code} {limit.in_force_from}"
        says = f"{limit.measure} ≤ {exact_text(limit.maximum)} / {limit.per} {limit.across}".strip()
        yield Entry(address, digest(content), limit.place, says, limit.in_force_from)
    claims = [[rule.kind, list(rule.parts), rule.required, rule.required_with] for rule in definition.claims]
    says = "; ".join(f"{rule.kind}: {'+'.join(rule.parts)}" for rule in definition.claims)
    yield Entry(f"{code} claims", digest(claims), definition.place, says)
    exclusive = definition.exclusivity
    says = f"{', '.join(exclusive.groups)} ≠ {', '.join(exclusive.excludes)}"
    rule = [list(exclusive.groups), list(exclusive.excludes)]
    yield Entry(f"{code} exclusivity", digest(rule), exclusive.place, says)
    for parameter in definition.parameters.values():
        if parameter.shared:
            says = " ".join(f"{key}={value}" for key, value in parameter.fixed)
            yield Entry(f"{code} shared {parameter.name}", digest(dict(parameter.fixed)), parameter.place, says)
        else:
            yield from _rows(code, parameter)


def _shared(library: Library) -> list[tuple[str, Parameter]]:
    """The parameters no methodology owns: the evidence grades, the tables in factors/ and those of products/."""
    registers = library.registers
    return [
        ("evidence_grades", registers.grade_factor),
        *((FOLDER, table) for table in registers.tables.values()),
        *((PRODUCTS, table) for table in registers.products.tables.values()),
    ]


def _of_version(code: str, version: Version) -> Iterator[Entry]:
    header = [
        version.in_force_from.isoformat(),
        [source.tag for source in version.sources],
        list(version.grades),
        list(version.claim_types),
        version.note,
    ]
    says = f"{'/'.join(version.grades)} · {'/'.join(version.claim_types)}"
    yield Entry(
        f"{code} version {version.version}", digest(header), version.place, says, version.in_force_from
    )
    if version.in_force_until is not None:
        until = version.in_force_until.isoformat()
        address, first_without = f"{code} version {version.version} until", version.in_force_until + _ONE_DAY
        yield Entry(address, digest(until), version.place, until, first_without)
    for profile, formulas in version.profiles.items():
        yield Entry(
            f"{code} version {version.version} for {profile}",
            digest(list(formulas)),
            version.profile_places[profile],
            ", ".join(formulas),
            version.in_force_from,
        )


def _field_hash(field: MonitoredField) -> str:
    bounds = [
        None if bound is None else exact_text(bound) for bound in (field.minimum, field.above, field.maximum)
    ]
    return digest([field.kind, field.unit.text, bounds, field.default, field.default_parameter])


def _field_text(field: MonitoredField) -> str:
    bounds = (("≥", field.minimum), (">", field.above), ("≤", field.maximum))
    words = [f"{sign} {exact_text(bound)}" for sign, bound in bounds if bound is not None]
    stand_in = field.default or field.default_parameter
    default = f"(default {stand_in})" if stand_in else ""
    return " ".join(filter(None, [field.kind, *words, "" if field.choices else field.unit.text, default]))


def _rows(owner: str, parameter: Parameter) -> Iterator[Entry]:
    for row in parameter.rows:
        keys = " ".join(f"{key}={value}" for key, value in row.keys)
        yield Entry(
            " ".join(filter(None, [owner, "row", parameter.name, keys, row.in_force_from.isoformat()])),
            row.row_hash,
            row.place,
            f"{row.value_text} {row.unit.text} {row.confidence}",
            row.in_force_from,
            row.replaces,
        )


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
        if (address, hash_) in standing:
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
    owners = _shared(library)
    owners += [
        (methodology.code, parameter)
        for methodology in library
        for parameter in methodology.definition.parameters.values()
        if not parameter.shared
    ]
    for owner, parameter in owners:
        entries = list(zip(_rows(owner, parameter), parameter.rows, strict=True))
        for entry, row in entries:
            earlier = [
                other.in_force_from
                for twin, other in entries
                if twin.address in locked and parameter.choosing(other) == parameter.choosing(row)
            ]
            if (
                entry.address not in locked
                and not row.replaces
                and earlier
                and row.in_force_from <= max(earlier)
            ):
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
