"""The kernel of the library. These are the words a formula.py is written with; nothing else may be imported there."""

from methodologies.kernel.formulas import (
    Activity,
    Outcome,
    Parameters,
    emissions,
    formula,
    net_reduction,
    no_reduction,
)

__all__ = ["Activity", "Outcome", "Parameters", "emissions", "formula", "net_reduction", "no_reduction"]
