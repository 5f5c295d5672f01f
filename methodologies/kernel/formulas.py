"""What a formula.py is written with, and how it is loaded.

A formula states baseline, project and leakage emissions (or a net reduction, where the source publishes only that); the
kernel subtracts. It is plain arithmetic without a number and without a branch, so one traced run proves its units.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from methodologies.kernel.errors import DocumentError, MethodologyError
from methodologies.kernel.exact import ZERO
from methodologies.kernel.model import digest


class Outcome(NamedTuple):
    """What a formula states, in grams CO2e (`eac_backed`: in watt-hours). None means "not published" (baseline,
    project, leakage) or "not claimed"."""

    baseline: Fraction | None
    project: Fraction | None
    leakage: Fraction | None
    reduction: Fraction
    offset_backed: Fraction | None
    eac_backed: Fraction | None = None


class Values:
    """Named values of one quantification, in base units: `activity.distance_km`, `parameter.reduction_per_km` …"""

    def __init__(self, values: dict[str, Fraction]) -> None:
        self.__dict__ = values  # adopted, not copied: this runs once per act

    def __getattr__(self, name: str) -> Fraction:
        raise MethodologyError("MISSING_DATA", f"公式需要 {name}", f"the formula needs {name}", field=name)


class Activity(Values):
    """The activity data of one act."""


class Parameters(Values):
    """The parameter rows in force for it."""


Formula = Callable[[Activity, Parameters], Outcome]


def formula(function: Formula) -> Formula:
    """Marks a formula; the document's versions say from which day and for which profiles it is used."""
    return function


def emissions(
    *,
    baseline: Fraction,
    project: Fraction | None = None,
    leakage: Fraction | None = None,
    offset_backed: Fraction | None = None,
) -> Outcome:
    """ER = BE − PE − LE (T/CSAE 235-2021; GB/T 33760-2017), signed; what the methodology does not count is zero."""
    reduction = baseline
    if project is not None:
        reduction = reduction - project
    if leakage is not None:
        reduction = reduction - leakage
    return Outcome(
        baseline,
        ZERO if project is None else project,
        ZERO if leakage is None else leakage,
        reduction,
        offset_backed,
    )


def net_reduction(reduction: Fraction, *, offset_backed: Fraction | None = None) -> Outcome:
    """ER where the source publishes only the net factor: BE, PE and LE are not published and are not invented."""
    return Outcome(None, None, None, reduction, offset_backed)


def no_reduction(
    *, offset_backed: Fraction | None = None, eac_backed: Fraction | None = None
) -> Outcome:
    """No reduction is claimed: there is no baseline, certificates back the act, or it is engagement only."""
    return Outcome(None, None, None, ZERO, offset_backed, eac_backed)


@dataclass(frozen=True, slots=True)
class LoadedFormula:
    """One function of a formula.py, the line it starts on, and the hash of its code (docstring and layout left out)."""

    name: str
    function: Formula
    line: int
    code_hash: str


_KERNEL = "methodologies.kernel"
_STATEMENTS = (ast.Assign, ast.Return)
_EXPRESSIONS = (
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,  # whole multiples: ⌊a ÷ b⌋
    ast.Call,
    ast.keyword,
    ast.Attribute,
    ast.Name,
    ast.Load,
    ast.Store,
)


def load_formulas(file: Path) -> dict[str, LoadedFormula]:
    """Check the rules of a formula.py, import it and return its formulas; a `DocumentError` names file and line."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    except FileNotFoundError:
        raise DocumentError(file, 1, "the file is missing") from None
    except SyntaxError as error:
        raise DocumentError(file, error.lineno or 1, f"broken Python: {error.msg}") from None
    functions = [_checked(statement, file) for statement in tree.body if not _is_preamble(statement, file)]
    spec = importlib.util.spec_from_file_location(f"methodologies.{file.parent.name}.formula", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        function.name: LoadedFormula(
            function.name, getattr(module, function.name), function.lineno, _code_hash(function)
        )
        for function in functions
    }


def _is_preamble(statement: ast.stmt, file: Path) -> bool:
    """Docstrings and imports of the kernel; any other import is refused."""
    if isinstance(statement, ast.ImportFrom) and statement.module in ("__future__", _KERNEL):
        return True
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        raise DocumentError(file, statement.lineno, f"a formula imports only {_KERNEL}")
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _checked(statement: ast.stmt, file: Path) -> ast.FunctionDef:
    """A function under @formula whose body is assignments and one return of plain arithmetic without constants."""
    if not isinstance(statement, ast.FunctionDef) or [
        ast.unparse(mark) for mark in statement.decorator_list
    ] != ["formula"]:
        raise DocumentError(file, statement.lineno, "a formula.py holds only functions under @formula")
    for child in _body(statement):
        if not isinstance(child, _STATEMENTS):
            raise DocumentError(file, child.lineno, "a formula is assignments and a return, without branches")
        for node in ast.walk(child):
            if isinstance(node, ast.Constant):
                raise DocumentError(
                    file, node.lineno, f"a formula contains no constants: {node.value!r} belongs in YAML"
                )
            if not isinstance(node, (*_STATEMENTS, *_EXPRESSIONS)):
                raise DocumentError(
                    file,
                    getattr(node, "lineno", child.lineno),
                    f"a formula is plain arithmetic: {type(node).__name__} is not allowed",
                )
    return statement


def _body(function: ast.FunctionDef) -> list[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def _code_hash(function: ast.FunctionDef) -> str:
    bare = ast.FunctionDef(
        name=function.name,
        args=function.args,
        body=_body(function),
        decorator_list=[],
        returns=None,
        lineno=1,
        col_offset=0,
    )
    return digest(ast.unparse(ast.fix_missing_locations(bare)))
