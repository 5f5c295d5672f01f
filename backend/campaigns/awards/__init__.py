"""Awards: what a campaign gives when it is over, agreed on by two operators, paid once, and taken back by rule."""

from backend.campaigns.awards.effect import CampaignAwards
from backend.campaigns.awards.paying import pay
from backend.campaigns.awards.proposing import AWARDS, decide_awards, request_awards
from backend.campaigns.awards.telling import awards_of, holdings

__all__ = ["AWARDS", "CampaignAwards", "awards_of", "decide_awards", "holdings", "pay", "request_awards"]
