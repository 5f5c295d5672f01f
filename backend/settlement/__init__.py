"""Settlement: settle(batch), reverse(acts) and restate(version), the one pipeline over activities and points."""

from backend.settlement.effects import DerivedEffect, register_effects
from backend.settlement.forecasting import Forecast, forecast
from backend.settlement.issuing import CREDIT_ACCOUNTS, chain_position
from backend.settlement.restating import BATCH, Judged, RefusedAct, RunState, restate
from backend.settlement.service import reverse, settle
from backend.settlement.statements import Draft, Outcome, Statement, Translate

__all__ = [
    "BATCH",
    "CREDIT_ACCOUNTS",
    "DerivedEffect",
    "Draft",
    "Forecast",
    "Judged",
    "Outcome",
    "RefusedAct",
    "RunState",
    "Statement",
    "Translate",
    "chain_position",
    "forecast",
    "register_effects",
    "restate",
    "reverse",
    "settle",
]
