"""What is published: everything in the tree that decides a gram, a refusal or a claim, and its wording, each with its
hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from methodologies.kernel.definition import Definition, MonitoredField, Version
from methodologies.kernel.equivalences import OWNER as EQUIVALENCES
from methodologies.kernel.exact import exact_text
from methodologies.kernel.library import Library
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.model import Place, digest
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.products import FOLDER as PRODUCTS
from methodologies.kernel.products import Product, model_key
from methodologies.kernel.tables import FOLDER
from methodologies.review.wording import (
    texts_of_equivalence,
    texts_of_methodology,
    texts_of_profile,
    wording_address,
)

_ONE_DAY = timedelta(days=1)


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
    entries.extend(_wordings(library))
    for owner, parameter in shared_parameters(library):
        entries.extend(rows_of(owner, parameter))
    for one in library.registers.equivalences.values():
        entries.append(Entry(f"equivalence {one.code}", one.hash, one.place, one.unit.text))
    for product in library.products:
        entries.extend(_of_product(product))
    for methodology in library:
        entries.extend(_of_methodology(methodology))
    return entries


def _wordings(library: Library) -> Iterator[Entry]:
    """One entry for all the words of a document: see `wording`."""
    for profile in library.profiles.values():
        place = Place(library.root / "profiles.yaml", 1)
        yield Entry(wording_address(f"profile {profile.code}"), digest(texts_of_profile(profile)), place)
    for one in library.registers.equivalences.values():
        yield Entry(wording_address(f"equivalence {one.code}"), digest(texts_of_equivalence(one)), one.place)
    for methodology in library:
        texts = texts_of_methodology(methodology.definition)
        yield Entry(wording_address(methodology.code), digest(texts), methodology.definition.place)


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
    yield from _of_rules(code, definition)
    for parameter in definition.parameters.values():
        if parameter.shared:
            says = " ".join(f"{key}={value}" for key, value in parameter.fixed)
            yield Entry(f"{code} shared {parameter.name}", digest(dict(parameter.fixed)), parameter.place, says)
        else:
            yield from rows_of(code, parameter)


def _of_rules(code: str, definition: Definition) -> Iterator[Entry]:
    """What decides whether an act counts beside others, and when."""
    claims = [[rule.kind, list(rule.parts), rule.required, rule.required_with] for rule in definition.claims]
    says = "; ".join(f"{rule.kind}: {'+'.join(rule.parts)}" for rule in definition.claims)
    yield Entry(f"{code} claims", digest(claims), definition.place, says)
    exclusive = definition.exclusivity
    says = f"{', '.join(exclusive.groups)} ≠ {', '.join(exclusive.excludes)}"
    rule = [list(exclusive.groups), list(exclusive.excludes)]
    yield Entry(f"{code} exclusivity", digest(rule), exclusive.place, says)
    window, pending = definition.needs_window, definition.points_pending_days
    says = f"{'a window is required' if window else 'no window'}; points pending {pending} days"
    yield Entry(f"{code} evidence", digest([window, pending]), definition.place, says)


def shared_parameters(library: Library) -> list[tuple[str, Parameter]]:
    """The parameters no methodology owns: the evidence grades, the tables in factors/ and those of products/, and the
    factors of what is only displayed."""
    registers = library.registers
    return [
        ("evidence_grades", registers.grade_factor),
        *((FOLDER, table) for table in registers.tables.values()),
        *((PRODUCTS, table) for table in registers.products.tables.values()),
        *((EQUIVALENCES, one.factor) for one in registers.equivalences.values() if not one.factor.shared),
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


def rows_of(owner: str, parameter: Parameter) -> Iterator[Entry]:
    for row in parameter.rows:
        keys = " ".join(f"{key}={value}" for key, value in row.keys)
        yield Entry(
            " ".join(filter(None, [owner, "row", parameter.name, keys, row.in_force_from.isoformat()])),
            row.row_hash,
            row.place,
            f"{row.value_text} {row.unit.text} {row.confidence} {row.range or ''}".strip(),
            row.in_force_from,
            row.replaces,
        )
