"""From an act to the plan it runs on: version, profile, formula, rows. Found once per shape of act, then remembered."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from methodologies.kernel import refusals
from methodologies.kernel.definition import Definition, FormulaText, Version
from methodologies.kernel.formulas import LoadedFormula
from methodologies.kernel.parameters import Row
from methodologies.kernel.plan import NumberReader, Plan
from methodologies.kernel.quantification import Basis
from methodologies.kernel.registers import Registers
from methodologies.kernel.tracing import FormulaTrace

_CACHE_LIMIT = 10_000
_ONE_DAY = timedelta(days=1)
_CHOICE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class _Route:
    """What a (period, profile, set of data names) leads to: one formula of one version.

    `selectors` are the choices in the data that rows are chosen by, `defaults` those the document chooses when the data
    leave them out, `stand_ins` the fields a parameter stands in for, `idle_choices` the choices that came with the data
    and decide nothing here.
    """

    version: Version
    text: FormulaText
    selectors: tuple[str, ...]
    defaults: Mapping[str, str]
    stand_ins: tuple[str, ...]
    idle_choices: tuple[str, ...]
    plans: dict[tuple[str, ...], Plan]


class Router:
    """Finds the plan for an act of one methodology."""

    def __init__(
        self,
        definition: Definition,
        formulas: Mapping[str, LoadedFormula],
        traces: Mapping[str, FormulaTrace],
        registers: Registers,
    ) -> None:
        self._definition = definition
        self._formulas = formulas
        self._traces = traces
        self._registers = registers
        fields = definition.monitored.items()
        self._readers = {
            name: NumberReader(name, one.unit, one) for name, one in fields if one.kind != "choice"
        }
        self._days = self._breakpoints()
        self._routes: dict[tuple[int, str, tuple[str, ...]], _Route] = {}

    def plan_for(self, data: Mapping[str, Any], day: date, profile: str, grade: str) -> Plan:
        """The plan of an act; raises `MethodologyError` when there is none."""
        if type(data) is not dict and not isinstance(data, Mapping):  # a list of names has the shape of a known act
            raise refusals.not_a_mapping()
        try:
            route = self._routes[bisect_right(self._days, day), profile, tuple(data)]
            plan = route.plans[tuple([data[name] for name in route.selectors])]
        except (KeyError, TypeError):
            return self._prepare(data, day, profile, grade)
        if route.idle_choices or grade not in route.version.grades:
            self._check_evidence(route, data, grade)
        return plan

    def version_on(self, day: date) -> Version | None:
        """The version in force on a day."""
        started = [version for version in self._definition.versions if version.in_force_from <= day]
        if not started or (started[-1].in_force_until is not None and day > started[-1].in_force_until):
            return None
        return started[-1]

    def _breakpoints(self) -> list[date]:
        """Every day on which the answer may change: versions, rows and grade factors coming into or out of force."""
        versions = self._definition.versions
        days = {version.in_force_from for version in versions}
        days |= {version.in_force_until + _ONE_DAY for version in versions if version.in_force_until}
        for parameter in (*self._definition.parameters.values(), self._registers.grade_factor):
            days |= parameter.starting_days()
        return sorted(days)

    def _prepare(self, data: Mapping[str, Any], day: date, profile: str, grade: str) -> Plan:
        """The slow path: check everything, then keep route and plan for the next act of the same shape."""
        if type(day) is not date:
            raise refusals.not_a_day()
        if not all(isinstance(name, str) for name in data):
            raise refusals.not_a_mapping()
        if not isinstance(profile, str):
            raise refusals.invalid("PROFILE", "基准线方案应为文本", "a profile must be text")
        key = (bisect_right(self._days, day), profile, tuple(data))
        route = self._routes.get(key) or self._route(tuple(data), day, profile)
        self._check_evidence(route, data, grade)
        codes = {name: self._choice_code(name, data[name]) for name in route.selectors}
        plan = self._plan(route, {**route.defaults, **codes}, tuple(data), day, profile)
        if len(self._routes) >= _CACHE_LIMIT:
            self._routes.clear()
        self._routes[key] = route
        route.plans[tuple(codes.values())] = plan
        return plan

    def _route(self, names: tuple[str, ...], day: date, profile: str) -> _Route:
        definition, version = self._definition, self.version_on(day)
        if version is None:
            raise refusals.not_in_force(definition, day, profile, definition.versions[0].in_force_from)
        formulas = version.formulas_for(profile) if profile in self._registers.profiles else ()
        if not formulas:
            raise refusals.profile_not_supported(definition, version, profile, self._registers.profiles)
        unknown = [name for name in names if name not in definition.monitored]
        if unknown:
            raise refusals.unknown_data(definition, unknown)
        text = self._fitting_formula(formulas, names)
        trace = self._traces[text.name]
        absent = [definition.monitored[name] for name in trace.fields if name not in names]
        stand_ins = [field for field in absent if field.default_parameter]
        selectors = self._selectors([*trace.parameters, *(field.default_parameter for field in stand_ins)])
        given = tuple(name for name in selectors if name in names)
        defaults = {name: definition.monitored[name].default for name in selectors if name not in names}
        choices = [name for name in names if definition.monitored[name].kind == "choice"]
        idle = tuple(name for name in choices if name not in selectors)
        return _Route(version, text, given, defaults, tuple(field.name for field in stand_ins), idle, {})

    def _fitting_formula(self, formulas: tuple[str, ...], names: tuple[str, ...]) -> FormulaText:
        """The first formula whose data are all present; else MISSING_DATA names what the last one lacks."""
        missing: list[str] = []
        for name in formulas:
            text = self._definition.formulas[name]
            missing = [need for need in text.needs if not self._given(need, names)]
            if not missing:
                return text
        raise refusals.missing_data(self._definition, missing)

    def _given(self, need: str, names: tuple[str, ...]) -> bool:
        """Whether a needed field is in the data, or its parameter can be chosen from what is."""
        monitored = self._definition.monitored
        parameter = monitored[need].default_parameter
        return need in names or (
            bool(parameter)
            and all(name in names or monitored[name].default for name in self._selectors([parameter]))
        )

    def _selectors(self, parameters: Iterable[str]) -> dict[str, None]:
        """The choices the rows of these parameters are chosen by, each once, in order."""
        chosen_by = (key for name in parameters for key in self._definition.parameters[name].by)
        return {key: None for key in chosen_by if key != "profile"}

    def _check_evidence(self, route: _Route, data: Mapping[str, Any], grade: str) -> None:
        if grade not in route.version.grades:
            raise refusals.grade_not_accepted(self._definition, route.version, grade)
        for name in route.idle_choices:
            self._choice_text(name, data[name])

    def _choice_text(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value or len(value) > _CHOICE_LENGTH:
            raise refusals.unknown_choice(self._definition.monitored[name], value)
        return value

    def _choice_code(self, name: str, value: object) -> str:
        code = self._choice_text(name, value)
        if code not in self._definition.monitored[name].choices:
            raise refusals.unknown_choice(self._definition.monitored[name], value)
        return code

    def _plan(
        self, route: _Route, codes: dict[str, str], names: tuple[str, ...], day: date, profile: str
    ) -> Plan:
        basis = Basis.of(self._content(route, codes, names, day, profile))
        readers = [self._readers[name] for name in names if name in self._readers]
        rates = [rate for rate in self._definition.rates if {rate.numerator, rate.denominator} <= set(names)]
        return Plan(basis, self._formulas[route.text.name].function, readers, rates)

    def _content(
        self, route: _Route, codes: dict[str, str], names: tuple[str, ...], day: date, profile: str
    ) -> dict[str, Any]:
        """The basis as JSON: complete enough to recompute and to print."""
        definition, text, trace = self._definition, route.text, self._traces[route.text.name]
        stand_ins = [definition.monitored[name].default_parameter for name in route.stand_ins]
        wanted = {*trace.parameters, *stand_ins}
        keys = {**codes, "profile": profile}
        return {
            "methodology": definition.code,
            "title": definition.title.as_json(),
            "version": route.version.version,
            "profile": profile,
            "profile_title": self._registers.profiles[profile].title.as_json(),
            "formula": text.name,
            "formula_hash": self._formulas[text.name].code_hash,
            "equation": text.equation,
            "sentence": text.sentence,
            "choices": {
                name: {"code": code, **definition.monitored[name].choices[code].as_json()}
                for name, code in codes.items()
            },
            "inputs": {name: self._input(name, names) for name in trace.fields},
            "claim_types": list(route.version.claim_types),
            "rows": [
                self._row(name, keys, day).as_json() for name in definition.parameters if name in wanted
            ],
            "grades": [self._grade_row(grade, day).as_json() for grade in route.version.grades],
        }

    def _input(self, name: str, names: tuple[str, ...]) -> dict[str, str]:
        field = self._definition.monitored[name]
        if name in names:
            return {"from": "data", "unit": field.unit.text}
        if field.default_parameter:
            return {"from": "parameter", "parameter": field.default_parameter}
        return {"from": "default", "default": field.default, "unit": field.unit.text}

    def _row(self, name: str, keys: Mapping[str, str], day: date) -> Row:
        parameter = self._definition.parameters[name]
        row = parameter.row_on(keys, day)
        if row is None:
            first = parameter.first_day(keys)
            if first is None:
                raise refusals.not_published(parameter, keys)
            raise refusals.not_in_force(self._definition, day, keys["profile"], first)
        return row

    def _grade_row(self, grade: str, day: date) -> Row:
        factor = self._registers.grade_factor
        row = factor.row_on({"grade": grade}, day)
        if row is None:
            raise refusals.not_in_force(self._definition, day, "", min(factor.starting_days()))
        return row
