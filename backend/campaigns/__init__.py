"""Campaigns 活动: environment weeks, car-free days and challenges, and everything that is derived from them.

`terms` is what two operators agree on, `policy` what counts and how places are given, `reading` shows campaigns as they
stand. `scoring` keeps the scores up with the books, `boards` shows who stands where, `naming` says what others call
participants and teams.
`report` adds up what came of it all.
`live` shows it on big screens.
"""

from backend.campaigns import boards, closing, live, naming, report, scoring
from backend.campaigns.errors import (
    BoardNotFound,
    CampaignNotClosed,
    CampaignNotFound,
    InvalidCampaign,
    NotFinal,
    NotTakingPart,
    ResultChanged,
)
from backend.campaigns.reading import CampaignView, campaign, counted

__all__ = [
    "BoardNotFound",
    "CampaignNotClosed",
    "CampaignNotFound",
    "CampaignView",
    "InvalidCampaign",
    "NotFinal",
    "NotTakingPart",
    "ResultChanged",
    "boards",
    "campaign",
    "closing",
    "counted",
    "live",
    "naming",
    "report",
    "scoring",
]
