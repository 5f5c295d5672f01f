"""Campaigns 活动: environment weeks, car-free days and challenges, and everything that is derived from them.

`terms` is what two operators agree on, `policy` what counts and how places are given, `reading` shows campaigns as they
stand. `scoring` keeps the scores up with the books, `boards` shows who stands where.
"""

from backend.campaigns import boards, scoring
from backend.campaigns.errors import BoardNotFound, CampaignNotFound, InvalidCampaign
from backend.campaigns.reading import CampaignView, campaign, counted

__all__ = [
    "BoardNotFound",
    "CampaignNotFound",
    "CampaignView",
    "InvalidCampaign",
    "boards",
    "campaign",
    "counted",
    "scoring",
]
