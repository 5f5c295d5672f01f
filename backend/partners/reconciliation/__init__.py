"""对账 Reconciliation: the partner's list of a day × our events × the books and points, day by day.

A day goes this way: `rows` and `reading` (what a list may say), `loading` (into a table), `matching` and `differences`
(what is not the same), `recording` (with its age), `days` (shown, explained), `closing` (signed, closed), all of it one
`comparing`; `pulling` fetches lists and makes the daily round.
"""

from backend.partners.reconciliation.closing import close_day, statement_of, write_csv
from backend.partners.reconciliation.comparing import hand_in, reconcile
from backend.partners.reconciliation.days import DayView, as_json, day_view, days, differences_of, explain, unsettled
from backend.partners.reconciliation.differences import KINDS
from backend.partners.reconciliation.loading import erase_lists
from backend.partners.reconciliation.pulling import daily_round, pull, set_list_url
from backend.partners.reconciliation.recording import STATES

__all__ = [
    "KINDS",
    "STATES",
    "DayView",
    "as_json",
    "close_day",
    "daily_round",
    "day_view",
    "days",
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
