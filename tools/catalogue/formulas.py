"""Formulas as a page shows them: typeset, with a table of their symbols and where each is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from methodologies import Methodology
from methodologies.kernel.definition import FormulaText
from methodologies.kernel.units import Traced
from tools.catalogue import words
from tools.catalogue.typesetting import FormulaLines, evaluate, named, read_formulas, typeset


@dataclass(frozen=True)
class Symbol:
    """One symbol of a typeset formula. `code`: what formula.py calls it; `anchor`: where the page explains it."""

    shown: str
    meaning: str
    kind: str
    unit: str
    code: str
    anchor: str


@dataclass(frozen=True)
class ShownFormula:
    """One formula. `uses`: the versions it belongs to, each with its profiles."""

    text: FormulaText
    lines: FormulaLines
    mathml: Markup
    symbols: tuple[Symbol, ...]
    code_hash: str
    uses: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def only_net(self) -> bool:
        """Whether the source publishes only the net factor, so that BE, PE and LE are unknown."""
        results = {line.symbol for line in self.lines.lines}
        return "BE" not in results and bool(self.lines.quantities()) and not results & {"COMP", "EAC"}


def shown_formulas(methodology: Methodology) -> dict[str, ShownFormula]:
    """Every formula of a methodology by name, in the order of the document."""
    definition = methodology.definition
    read = read_formulas(definition.place.file.parent / "formula.py")
    titles = titles_of(methodology)
    found = {}
    for name, text in definition.formulas.items():
        mathml = Markup(typeset(read[name], named(titles), f"公式：{text.title.zh}"))  # noqa: S704 - built from elements
        symbols = tuple(_symbols(methodology, read[name]))
        code_hash = methodology.formulas[name].code_hash
        found[name] = ShownFormula(text, read[name], mathml, symbols, code_hash, tuple(_uses(methodology, name)))
    return found


def titles_of(methodology: Methodology) -> dict[tuple[str, str], str]:
    """What every quantity is called in a formula: its title, with its name where two share one."""
    definition = methodology.definition
    titles = {("activity", name): field.title.zh for name, field in definition.monitored.items()}
    titles |= {("parameter", name): parameter.title.zh for name, parameter in definition.parameters.items()}
    all_titles = list(titles.values())
    return {key: title if all_titles.count(title) == 1 else f"{title}（{key[1]}）" for key, title in titles.items()}


def _symbols(methodology: Methodology, formula: FormulaLines) -> Iterator[Symbol]:
    monitored, parameters = methodology.monitored, methodology.definition.parameters
    titles = titles_of(methodology)
    powers: dict[tuple[str, str], Traced] = {}
    for origin, name in formula.quantities():
        field = monitored[name] if origin == "activity" else parameters[name]
        powers[origin, name] = Traced(field.unit.powers)
        meaning = monitored[name].description if origin == "activity" else "取值见参数表"
        kind = "监测数据" if origin == "activity" else "参数"
        anchor = f"{'monitored' if origin == 'activity' else 'parameter'}-{name}"
        yield Symbol(titles[origin, name], meaning, kind, field.unit.text, f"{origin}.{name}", anchor)
    steps = replace(formula, lines=tuple(line for line in formula.lines if line.symbol in formula.intermediate))
    for symbol, value in evaluate(steps, powers).items():
        yield Symbol(symbol, "计算中的一步，见上式", "中间量", _unit_of(value), symbol, "")
    for symbol in dict.fromkeys(line.symbol for line in formula.lines):
        if symbol in words.RESULTS:
            meaning, unit = words.RESULTS[symbol]
            yield Symbol(symbol, meaning, "结果", unit, symbol, "")


def _unit_of(value: Traced) -> str:
    """The base units of a calculated quantity as one writes them: ``gCO2e/item``."""
    above = [base if power == 1 else f"{base}^{power}" for base, power in value.powers if power > 0]
    below = [base if power == -1 else f"{base}^{-power}" for base, power in value.powers if power < 0]
    return "/".join(["·".join(above) or "1", *below])


def _uses(methodology: Methodology, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for version in methodology.versions:
        profiles = tuple(profile for profile, formulas in version.profiles.items() if name in formulas)
        if profiles:
            yield version.version, profiles
