"""对账 Reconciliation: the partner's list of a day × our events × the books and points, day by day.

A day goes this way: `rows` and `reading` (what a list may say), `loading` (into a table), `matching` and `differences`
(what is not the same), `recording` (with its age), `explaining` (told, explained), `closing` (signed, closed).
`comparing` does a day up to `recording`, `days` says how each stands, `pulling` fetches lists and makes daily rounds.
"""

from backend.partners.reconciliation.closing import close_day, statement_of, write_csv
from backend.partners.reconciliation.comparing import hand_in, reconcile
from backend.partners.reconciliation.days import DayView, day_view, days, unsettled
from backend.partners.reconciliation.differences import KINDS
from backend.partners.reconciliation.explaining import difference_as_json, differences_of, explain
from backend.partners.reconciliation.loading import erase_lists
from backend.partners.reconciliation.pulling import daily_round, pull, set_list_url
from backend.partners.reconciliation.recording import STATES

__all__ = [
    "KINDS",
    "STATES",
    "DayView",
    "close_day",
    "daily_round",
    "day_view",
    "days",
    "difference_as_json",
    "differences_of",
    "erase_lists",
    "explain",
    "hand_in",
    "pull",
    "reconcile",
    "set_list_url",
    "statement_of",
    "unsettled",
    "write_csv",
]
