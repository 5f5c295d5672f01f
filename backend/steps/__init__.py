"""Steps: what phones and sports platforms counted, how much of it is believed, and what of it can be donated.

`policy` says what a reported day is worth, `werun` opens what WeChat encrypted, `receiving` takes it from a member,
`recording` writes it down and posts it, `reviewing` decides about days that are withheld. Steps are ENGAGEMENT: no gram
comes of them; they turn into trees in the room `forest`, which meets this one in the ledger.
"""

from backend.steps.errors import (
    InvalidWeRunData,
    StepDayNotWaiting,
    StepsPermissionEnded,
    WeChatLoginNeeded,
)
from backend.steps.platforms import pull, pull_due, set_platform, source_of
from backend.steps.policy import Known, Report, Reported, Verdict, judge
from backend.steps.reading import days_of, forget, holdings, told_verdict, waiting_for_review
from backend.steps.reasons import REASONS
from backend.steps.receiving import Sent, end_permission, receive
from backend.steps.recording import let_donate, record
from backend.steps.reviewing import review
from backend.steps.werun import MOST_DAYS, SOURCE

__all__ = [
    "MOST_DAYS",
    "REASONS",
    "SOURCE",
    "InvalidWeRunData",
    "Known",
    "Report",
    "Reported",
    "Sent",
    "StepDayNotWaiting",
    "StepsPermissionEnded",
    "Verdict",
    "WeChatLoginNeeded",
    "days_of",
    "end_permission",
    "forget",
    "holdings",
    "judge",
    "let_donate",
    "pull",
    "pull_due",
    "receive",
    "record",
    "review",
    "set_platform",
    "source_of",
    "told_verdict",
    "waiting_for_review",
]
