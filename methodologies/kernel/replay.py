"""Computing an issued reduction again from what was recorded: the basis as it was, the data, the grade."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from methodologies.kernel import refusals
from methodologies.kernel.errors import MethodologyError, shown
from methodologies.kernel.library import Library
from methodologies.kernel.parameters import row_hash_of
from methodologies.kernel.plan import NumberReader, Plan
from methodologies.kernel.quantification import Basis, Quantification
from methodologies.kernel.units import UnitError, parse_unit

#: What a record that is not a basis runs into, whatever it is instead.
_UNREADABLE = (
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    ValueError,
    RecursionError,
    UnitError,
)


def recompute(
    library: Library,
    recorded: Mapping[str, Any],
    data: Mapping[str, Any],
    grade: str,
    day: date | None = None,
) -> Quantification:
    """Quantify from a recorded basis only; today's rows, bounds and versions play no part.

    Errors: BASIS_TAMPERED when the basis or a row does not match its hash, FORMULA_CHANGED when the library no longer
    has the formula that was used, INVALID_DATA / MISSING_DATA / NOT_A_NUMBER when the data do not fit the basis.
    """
    if not isinstance(data, Mapping):
        raise refusals.not_a_mapping()
    try:
        basis = _verified(recorded)
        plan = _compiled(library, basis)
        _check_fits(basis, data, grade)
        return plan.run(data, day, grade)
    except _UNREADABLE as error:
        raise _tampered(shown(f"{type(error).__name__}: {error}")) from None


def _check_fits(basis: Basis, data: Mapping[str, Any], grade: str) -> None:
    """The basis knows the grade and finds the data it reads."""
    if not isinstance(grade, str) or grade not in {row["keys"]["grade"] for row in basis.content["grades"]}:
        raise MethodologyError(
            "GRADE_NOT_ACCEPTED",
            f"记录的依据不含证据等级 {shown(grade)}",
            f"the recorded basis does not know evidence grade {shown(grade)}",
            grade=shown(grade),
        )
    read = [name for name, entry in basis.content["inputs"].items() if entry["from"] == "data"]
    missing = [name for name in read if name not in data]
    if missing:
        raise MethodologyError(
            "MISSING_DATA",
            f"缺少活动数据：{'、'.join(missing)}",
            f"missing data: {', '.join(missing)}",
            missing=missing,
        )


def _verified(recorded: Mapping[str, Any]) -> Basis:
    content = {key: value for key, value in recorded.items() if key != "hash"}
    basis = Basis.of(content)
    if basis.hash != recorded.get("hash"):
        raise _tampered(shown(recorded.get("hash")))
    return basis


@lru_cache(maxsize=4096)
def _compiled(library: Library, basis: Basis) -> Plan:
    content = basis.content
    for row in (*content["rows"], *content["grades"]):
        if row_hash_of(row) != row["row_hash"]:
            raise _tampered(shown(row["row_hash"]))
    formula = library.get(content["methodology"]).formulas.get(content["formula"])
    if formula is None or formula.code_hash != content["formula_hash"]:
        raise MethodologyError(
            "FORMULA_CHANGED",
            f"公式 {content['formula']} 与记录时不同",
            f"formula {content['formula']} is not the one that was recorded",
            methodology=content["methodology"],
            formula=content["formula"],
        )
    readers = [
        NumberReader(name, parse_unit(entry["unit"]))
        for name, entry in content["inputs"].items()
        if entry["from"] == "data"
    ]
    return Plan(basis, formula.function, readers)


def _tampered(detail: str) -> MethodologyError:
    return MethodologyError(
        "BASIS_TAMPERED",
        f"记录的依据与其哈希不符：{detail}",
        f"the recorded basis does not match its hash: {detail}",
        detail=detail,
    )
