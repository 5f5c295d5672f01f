"""Settlement: settle(batch), reverse(acts) and restate(version), the one pipeline over activities and points."""

from backend.settlement.commuting import (
    COMMUTE,
    EVERY_DAY,
    WORKING_DAYS,
    commute_terms,
    decide_commute_terms,
    request_commute_terms,
    save_commute_terms,
)
from backend.settlement.effects import DerivedEffect, register_effects
from backend.settlement.errors import NothingToReverse, ReversalIsFinal
from backend.settlement.forecasting import Forecast, forecast
from backend.settlement.issuing import CREDIT_ACCOUNTS, chain_position
from backend.settlement.restating import BATCH, Judged, RefusedAct, RunState, restate
from backend.settlement.reviewing import contested, reverse_after_review
from backend.settlement.service import reverse, settle
from backend.settlement.statements import Draft, Outcome, Statement, Translate

__all__ = [
    "BATCH",
    "COMMUTE",
    "CREDIT_ACCOUNTS",
    "EVERY_DAY",
    "WORKING_DAYS",
    "DerivedEffect",
    "Draft",
    "Forecast",
    "Judged",
    "NothingToReverse",
    "Outcome",
    "RefusedAct",
    "ReversalIsFinal",
    "RunState",
    "Statement",
    "Translate",
    "chain_position",
    "commute_terms",
    "contested",
    "decide_commute_terms",
    "forecast",
    "register_effects",
    "request_commute_terms",
    "restate",
    "reverse",
    "reverse_after_review",
    "save_commute_terms",
    "settle",
]
