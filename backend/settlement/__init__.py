"""Settlement: settle(batch) and reverse(acts), the one pipeline over activities and points."""

from backend.settlement.service import reverse, settle
from backend.settlement.statements import Draft, Outcome, Statement, Translate

__all__ = ["Draft", "Outcome", "Statement", "Translate", "reverse", "settle"]
