"""Checks before anything runs: units of every formula, and a row for every profile and choice it may meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import cast

from methodologies.kernel.definition import Definition, FormulaText, Version
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.formulas import Activity, LoadedFormula, Parameters
from methodologies.kernel.model import ANY_PROFILE
from methodologies.kernel.parameters import Parameter
from methodologies.kernel.quantification import SENTENCE_RESULTS
from methodologies.kernel.units import GRAMS, WATT_HOURS, Traced, UnitError, parse_unit, powers_text


@dataclass(frozen=True, slots=True)
class FormulaTrace:
    """What one traced run touched: monitored numbers and parameters, in the order of the document."""

    fields: tuple[str, ...]
    parameters: tuple[str, ...]


class _Recorder:
    """Stands for `activity` or `parameter` in a traced run and remembers the names asked for."""

    def __init__(self, known: Mapping[str, Traced], kind: str) -> None:
        self._known = known
        self._kind = kind
        self._asked: set[str] = set()

    def __getattr__(self, name: str) -> Traced:
        if name not in self._known:
            raise UnitError(f"{self._kind}.{name} is not in the document")
        self._asked.add(name)
        return self._known[name]


def trace_formulas(definition: Definition, formulas: Mapping[str, LoadedFormula]) -> dict[str, FormulaTrace]:
    """Trace every formula and check that document and formula agree; a `DocumentError` names file and line."""
    for name, text in definition.formulas.items():
        if name not in formulas:
            raise DocumentError(text.place.file, text.place.line, f"formula.py has no formula {name!r}")
    for name, loaded in formulas.items():
        if name not in definition.formulas:
            file = definition.place.file.parent / "formula.py"
            raise DocumentError(file, loaded.line, f"methodology.yaml does not describe formula {name!r}")
    traces = {name: _trace(definition, loaded) for name, loaded in formulas.items()}
    for version in definition.versions:
        for profile in version.profiles:
            _check_profile(definition, traces, version, profile)
    _check_nothing_idle(definition, traces)
    return traces


def _trace(definition: Definition, formula: LoadedFormula) -> FormulaTrace:
    file = definition.place.file.parent / "formula.py"
    numbers = {name: field for name, field in definition.monitored.items() if field.kind != "choice"}
    activity = _Recorder({name: Traced(field.unit.powers) for name, field in numbers.items()}, "activity")
    parameter = _Recorder(
        {name: Traced(one.unit.powers) for name, one in definition.parameters.items()}, "parameter"
    )
    try:
        outcome = formula.function(cast(Activity, activity), cast(Parameters, parameter))
        for part, value in zip(outcome._fields, outcome, strict=True):
            wanted = WATT_HOURS if part == "eac_backed" else GRAMS
            if isinstance(value, Traced) and value.powers != wanted.powers:
                raise UnitError(
                    f"{part} comes out in {powers_text(value.powers)}, not in {powers_text(wanted.powers)}"
                )
    except UnitError as error:
        raise DocumentError(file, formula.line, f"{formula.name}: {error}", code="WRONG_UNITS") from None
    except (TypeError, AttributeError) as error:
        raise DocumentError(file, formula.line, f"{formula.name}: {error}") from None
    trace = FormulaTrace(
        tuple(name for name in numbers if name in activity._asked),
        tuple(name for name in definition.parameters if name in parameter._asked),
    )
    _check_text(definition, definition.formulas[formula.name], trace)
    return trace


def _check_text(definition: Definition, text: FormulaText, trace: FormulaTrace) -> None:
    """`needs` names exactly the data the formula cannot do without, and the sentence only things it knows."""

    def refuse(message: str) -> DocumentError:
        return DocumentError(text.place.file, text.place.line, f"{text.name}: {message}")

    selectors = {key for name in trace.parameters for key in definition.parameters[name].by} - {"profile"}
    needed = {name for name in (*trace.fields, *selectors) if not definition.monitored[name].default}
    if needed != set(text.needs):
        raise refuse(
            f"needs is {', '.join(text.needs) or 'empty'}; "
            + f"the formula needs {', '.join(sorted(needed)) or 'nothing'}"
        )
    for name in trace.fields:
        stand_in = definition.monitored[name].default_parameter
        if stand_in and stand_in not in definition.parameters:
            raise refuse(f"{name} falls back on {stand_in}, which is no parameter")
        if stand_in and definition.parameters[stand_in].unit.powers != definition.monitored[name].unit.powers:
            raise refuse(f"{name} falls back on {stand_in}, which has another unit")
    known = {*selectors, *trace.fields, *trace.parameters, *SENTENCE_RESULTS}
    try:
        text.sentence.format_map({name: _AnyFormat() for name in known})
    except (KeyError, ValueError, UnitError) as error:
        raise refuse(f"the sentence uses {error}, which the formula does not know") from None


class _AnyFormat:
    def __format__(self, unit: str) -> str:
        return parse_unit(unit).text if unit else ""


def _check_profile(
    definition: Definition, traces: Mapping[str, FormulaTrace], version: Version, profile: str
) -> None:
    """Every formula a version uses for a profile finds its rows: for all choices, or for the same choices alike."""
    place = version.profile_places[profile]
    for name in version.profiles[profile]:
        if name not in traces:
            raise DocumentError(place.file, place.line, f"{profile}: there is no formula {name!r}")
        parameters = [definition.parameters[one] for one in traces[name].parameters]
        if profile == ANY_PROFILE and any("profile" in parameter.by for parameter in parameters):
            raise DocumentError(
                place.file, place.line, f"{name} depends on the profile: name the profiles it serves"
            )
        missing = _missing_rows(definition, parameters, profile)
        if missing:
            raise DocumentError(
                place.file, place.line, f"{profile}: missing factor row: {missing}", code="MISSING_ROW"
            )


def _missing_rows(definition: Definition, parameters: list[Parameter], profile: str) -> str:
    selectors = list(
        dict.fromkeys(key for parameter in parameters for key in parameter.by if key != "profile")
    )
    served = False
    for codes in product(*(definition.monitored[selector].choices for selector in selectors)):
        keys = {**dict(zip(selectors, codes, strict=True)), "profile": profile}
        chosen = [(parameter.name, _has_row(parameter, keys)) for parameter in parameters]
        by_choice = [
            has
            for parameter, (_, has) in zip(parameters, chosen, strict=True)
            if set(parameter.by) - {"profile"}
        ]
        if by_choice and not any(by_choice):
            continue
        served = True
        lacking = [name for name, has in chosen if not has]
        if lacking:
            return f"{', '.join(lacking)} for {', '.join(keys.values())}"
    return "" if served else f"no choice of {', '.join(selectors)} has rows"


def _has_row(parameter: Parameter, keys: Mapping[str, str]) -> bool:
    wanted = tuple((key, keys[key]) for key in parameter.by)
    return any(parameter.choosing(row) == wanted for row in parameter.current_rows())


def _check_nothing_idle(definition: Definition, traces: Mapping[str, FormulaTrace]) -> None:
    """No formula, parameter or choice stands in the document without use."""
    used_formulas = {
        name for version in definition.versions for names in version.profiles.values() for name in names
    }
    stand_ins = {field.default_parameter for field in definition.monitored.values()}
    used = {name for trace in traces.values() for name in trace.parameters} | stand_ins
    chosen = {
        pair for parameter in definition.parameters.values() for row in parameter.rows for pair in row.keys
    }
    for text in definition.formulas.values():
        if text.name not in used_formulas:
            raise DocumentError(text.place.file, text.place.line, f"no version uses formula {text.name!r}")
    for parameter in definition.parameters.values():
        if parameter.name not in used:
            raise DocumentError(
                parameter.place.file, parameter.place.line, f"no formula uses parameter {parameter.name!r}"
            )
    for field in definition.monitored.values():
        idle = [code for code in field.choices if (field.name, code) not in chosen]
        if idle:
            raise DocumentError(
                field.place.file, field.place.line, f"{field.name}: no row is chosen by {', '.join(idle)}"
            )
