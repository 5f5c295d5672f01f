"""Campaigns 活动: environment weeks, car-free days and challenges, and everything that is derived from them.

`terms` is what two operators agree on, `policy` what counts and how places are given, `reading` shows campaigns as they
stand. `scoring` keeps the scores up with the books.
"""

from backend.campaigns import scoring
from backend.campaigns.errors import CampaignNotFound, InvalidCampaign
from backend.campaigns.reading import CampaignView, campaign, counted

__all__ = [
    "CampaignNotFound",
    "CampaignView",
    "InvalidCampaign",
    "campaign",
    "counted",
    "scoring",
]
