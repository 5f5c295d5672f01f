"""Reading one methodology.yaml into a `Definition`. Key order follows a methodology document; every key is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

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
from methodologies.kernel.documents import Node, read_document, walk_rows
from methodologies.kernel.exact import nano_of_text
from methodologies.kernel.model import ANY_PROFILE, CLAIM_TYPES, CONFIDENCES, GRADES, SCENES, Source, Title
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.registers import Registers
from methodologies.kernel.rows import place_of, read_parameter, read_sources, read_title
from methodologies.kernel.tables import take_table
from methodologies.kernel.units import SUFFIX_UNITS, Unit, parse_unit

_REQUIRED = (
    "code",
    "title",
    "scene",
    "standards",
    "applicability",
    "boundary",
    "uncertainty",
    "evidence",
    "claims",
    "exclusivity",
    "points_pending_days",
    "limits",
    "monitored",
    "formulas",
    "versions",
    "parameters",
)
IDENTITY_FIELDS = ("partner", "order_no", "line", "serial", "trip_id", "certificate_no", "meter", "period", "day")


def read_definition(file: Path, registers: Registers) -> Definition:
    """Read one methodology document; a `DocumentError` names file and line."""
    document = read_document(file)
    entry = document.mapping(_REQUIRED, ["rates"])
    if entry["code"].name() != file.parent.name:
        raise entry["code"].refuse(f"the folder is called {file.parent.name!r}")
    reader = _Reader(entry["code"].text(), registers)
    monitored = reader.monitored(entry["monitored"])
    evidence = entry["evidence"].mapping(["text", "window"])
    exclusivity = reader.exclusivity(entry["exclusivity"])
    return Definition(
        code=reader.code,
        title=read_title(entry["title"]),
        scene=entry["scene"].one_of(SCENES),
        standards=tuple(reader.standard(node) for node in walk_rows(entry["standards"])),
        applicability=entry["applicability"].texts(),
        boundary=entry["boundary"].text(),
        uncertainty=entry["uncertainty"].mapping(["text"])["text"].text(),
        evidence=evidence["text"].text(),
        needs_window=evidence["window"].one_of(["required", "none"]) == "required",
        claims=tuple(reader.claim(node, monitored) for node in walk_rows(entry["claims"])),
        exclusivity=exclusivity,
        points_pending_days=entry["points_pending_days"].whole(),
        limits=tuple(reader.limit(node, monitored, exclusivity.groups) for node in entry["limits"].sequence()),
        monitored=monitored,
        rates=tuple(reader.rate(node, monitored) for node in entry["rates"].sequence())
        if "rates" in entry
        else (),
        formulas=reader.formulas(entry["formulas"], monitored),
        versions=reader.versions(entry["versions"]),
        parameters=reader.parameters(entry["parameters"], monitored),
        place=place_of(document),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    code: str
    registers: Registers

    def standard(self, node: Node) -> tuple[Source, str]:
        entry = node.mapping(["source", "text"])
        tag = entry["source"].text()
        if tag not in self.registers.sources:
            raise entry["source"].refuse(f"unknown source {tag!r}: add it to sources.yaml")
        return self.registers.sources[tag], entry["text"].text()

    def monitored(self, node: Node) -> dict[str, MonitoredField]:
        return {name: self._field(name, child) for name, child in node.entries().items()}

    def _field(self, name: str, node: Node) -> MonitoredField:
        entry = node.mapping(
            ["kind", "title", "description"],
            ["unit", "minimum", "above", "maximum", "default", "default_parameter", "choices"],
        )
        kind = entry["kind"].one_of(["number", "count", "choice"])
        if (kind == "choice") != ("choices" in entry) or (kind == "choice") == ("unit" in entry):
            raise node.refuse("a choice has choices, a number or count has a unit")
        if "default" in entry and "default_parameter" in entry:
            raise node.refuse("either default or default_parameter")
        if kind != "choice" and "maximum" not in entry:
            raise node.refuse("a maximum is needed: put a limit on everything")
        choices = self._choices(entry["choices"]) if "choices" in entry else {}
        if "default" in entry and kind == "choice":
            entry["default"].one_of(choices)
        elif "default" in entry and nano_of_text(entry["default"].text()) is None:
            raise entry["default"].refuse("a default is plain decimal text")
        minimum, above, maximum = (_number(entry, key) for key in ("minimum", "above", "maximum"))
        return MonitoredField(
            name=name,
            kind=kind,
            unit=self._field_unit(name, node, entry),
            minimum=minimum,
            above=above,
            maximum=maximum,
            default=_text(entry, "default"),
            default_parameter=_text(entry, "default_parameter"),
            title=read_title(entry["title"]),
            description=entry["description"].text(),
            choices=choices,
            place=place_of(node),
        )

    def _choices(self, node: Node) -> dict[str, Title]:
        """The choices as written, or the name of a table of the product register: every product it has rows for."""
        if node.is_text():
            products = self.registers.products
            return products.choices(node.one_of(products.tables))
        return {code: read_title(child) for code, child in node.entries().items()}

    def _field_unit(self, name: str, node: Node, entry: Mapping[str, Node]) -> Unit:
        """The declared unit, which the end of the name must not contradict."""
        unit = entry["unit"].unit() if "unit" in entry else parse_unit("1")
        promised = SUFFIX_UNITS.get(name.rpartition("_")[2])
        if promised and unit.text not in promised:
            words = " or ".join(sorted(promised))
            raise node.refuse(f"the name {name!r} promises {words}, not {unit.text!r}")
        return unit

    def claim(self, node: Node, monitored: Mapping[str, MonitoredField]) -> ClaimRule:
        entry = node.mapping(["kind", "from", "required"], ["required_with"])
        return ClaimRule(
            entry["kind"].name(),
            tuple(part.one_of(IDENTITY_FIELDS) for part in walk_rows(entry["from"])),
            entry["required"].one_of(["yes", "no"]) == "yes",
            entry["required_with"].one_of(monitored) if "required_with" in entry else "",
        )

    def exclusivity(self, node: Node) -> Exclusivity:
        entry = node.mapping(["text", "groups", "excludes"])
        groups, excludes = entry["groups"].texts(), entry["excludes"].texts()
        if set(groups) & set(excludes):
            raise entry["excludes"].refuse("a methodology does not exclude its own group")
        return Exclusivity(entry["text"].text(), groups, excludes, place_of(node))

    def limit(self, node: Node, monitored: Mapping[str, MonitoredField], groups: tuple[str, ...]) -> Limit:
        entry = node.mapping(
            ["code", "per", "measure", "maximum", "in_force_from", "confidence", "title"], ["across"]
        )
        return Limit(
            entry["code"].text(),
            entry["per"].one_of(["day"]),
            entry["measure"].one_of(["acts", *monitored]),
            entry["maximum"].number(),
            entry["across"].one_of(groups) if "across" in entry else "",
            entry["in_force_from"].day(),
            entry["confidence"].one_of(CONFIDENCES),
            read_title(entry["title"]),
            place_of(node),
        )

    def rate(self, node: Node, monitored: Mapping[str, MonitoredField]) -> RateCheck:
        entry = node.mapping(
            ["code", "numerator", "denominator", "unit", "minimum", "maximum", "confidence", "title"]
        )
        check = RateCheck(
            entry["code"].text(),
            entry["numerator"].one_of(monitored),
            entry["denominator"].one_of(monitored),
            entry["unit"].unit(),
            entry["minimum"].number(),
            entry["maximum"].number(),
            entry["confidence"].one_of(CONFIDENCES),
            read_title(entry["title"]),
            place_of(node),
        )
        divisor = monitored[check.denominator]
        if divisor.above is None and not divisor.minimum:
            raise entry["denominator"].refuse(f"{check.denominator} may be zero: give it a bound above zero")
        quotient = parse_unit(
            f"{monitored[check.numerator].unit.text}/{monitored[check.denominator].unit.text}"
        )
        if quotient.powers != check.unit.powers:
            raise entry["unit"].refuse(
                f"{check.numerator} / {check.denominator} is in {quotient.text}, not in {check.unit.text}"
            )
        return check

    def formulas(self, node: Node, monitored: Mapping[str, MonitoredField]) -> dict[str, FormulaText]:
        found = {}
        for name, child in node.entries().items():
            entry = child.mapping(["title", "equation", "needs", "sentence"])
            needs = tuple(need.one_of(monitored) for need in entry["needs"].sequence())
            found[name] = FormulaText(
                name,
                read_title(entry["title"]),
                entry["equation"].text(),
                needs,
                entry["sentence"].text(),
                place_of(child),
            )
        return found

    def versions(self, node: Node) -> tuple[Version, ...]:
        found: list[Version] = []
        for child in walk_rows(node):
            version = self._version(child)
            if found and version.in_force_from <= found[-1].in_force_from:
                raise child.refuse(f"{version.version} does not come into force after {found[-1].version}")
            if version.version in {other.version for other in found}:
                raise child.refuse(f"version {version.version} is written twice")
            found.append(version)
        return tuple(found)

    def _version(self, node: Node) -> Version:
        entry = node.mapping(
            ["version", "in_force_from", "sources", "grades", "claim_types", "profiles"],
            ["in_force_until", "note"],
        )
        profile_nodes = entry["profiles"].entries()
        for profile, child in profile_nodes.items():
            if profile != ANY_PROFILE and profile not in self.registers.profiles:
                raise child.refuse(f"unknown profile {profile!r}: add it to profiles.yaml")
        first, last = (
            entry["in_force_from"].day(),
            entry["in_force_until"].day() if "in_force_until" in entry else None,
        )
        if last is not None and last < first:
            raise entry["in_force_until"].refuse("in_force_until is before in_force_from")
        return Version(
            entry["version"].text(),
            first,
            last,
            read_sources(entry["sources"], self.registers.sources),
            _text(entry, "note"),
            tuple(grade.one_of(GRADES) for grade in walk_rows(entry["grades"])),
            tuple(kind.one_of(CLAIM_TYPES) for kind in walk_rows(entry["claim_types"])),
            {
                profile: tuple(name.name() for name in walk_rows(child))
                for profile, child in profile_nodes.items()
            },
            {profile: place_of(child) for profile, child in profile_nodes.items()},
            place_of(node),
        )

    def parameters(self, node: Node, monitored: Mapping[str, MonitoredField]) -> dict[str, Parameter]:
        vocabulary = {"profile": frozenset(self.registers.profiles)}
        vocabulary.update(
            {name: frozenset(field.choices) for name, field in monitored.items() if field.choices}
        )
        found = {}
        for name, child in node.entries().items():
            if "shared" in child.entries():
                shared = child.mapping(["shared"])["shared"]
                found[name] = take_table(self.registers.shared, name, shared, frozenset(vocabulary))
            else:
                found[name] = read_parameter(self.code, name, child, vocabulary, self.registers.sources)
        return found


def _text(entry: Mapping[str, Node], key: str) -> str:
    """The text of an optional key, empty when it is not there."""
    return entry[key].text() if key in entry else ""


def _number(entry: Mapping[str, Node], key: str) -> Fraction | None:
    return entry[key].number() if key in entry else None
