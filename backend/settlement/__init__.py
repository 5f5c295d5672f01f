"""Settlement: settle(batch) and reverse(acts), the one pipeline over activities and points."""

from backend.settlement.issuing import CREDIT_ACCOUNTS
from backend.settlement.service import reverse, settle
from backend.settlement.statements import Draft, Outcome, Statement, Translate

__all__ = ["CREDIT_ACCOUNTS", "Draft", "Outcome", "Statement", "Translate", "reverse", "settle"]
