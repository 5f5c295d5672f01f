"""Campaigns 活动: environment weeks, car-free days and challenges, and everything that is derived from them.

`terms` is what two operators agree on, `policy` what counts and how places are given, `reading` shows campaigns as they
stand. `scoring` keeps the scores up with the books, `boards` shows who stands where, `naming` says what others call
participants and teams, `car_free` takes pledges and counts days without cars. `report` adds up what came of it all,
`live` shows it on big screens.
Participants make `teams`, and `challenges` are the PKs between them.
"""

from backend.campaigns import awards, boards, car_free, challenges, closing, live, naming, report, scoring, teams
from backend.campaigns.errors import (
    AwardsChanged,
    BoardNotFound,
    CampaignNotClosed,
    CampaignNotFound,
    CampaignTeamFull,
    CampaignTeamNotFound,
    ChallengeChanged,
    ChallengeDaysTaken,
    ChallengeLimit,
    ChallengeNotFound,
    InAnotherTeam,
    InvalidCampaign,
    InvalidChallenge,
    NoChallenges,
    NotCaptain,
    NoTeams,
    NotFinal,
    NothingToAward,
    NotTakingChallenges,
    NotTakingPart,
    OpponentNotFound,
    ResultChanged,
    TooFewPeople,
)
from backend.campaigns.reading import CampaignView, campaign, counted

__all__ = [
    "AwardsChanged",
    "BoardNotFound",
    "CampaignNotClosed",
    "CampaignNotFound",
    "CampaignTeamFull",
    "CampaignTeamNotFound",
    "CampaignView",
    "ChallengeChanged",
    "ChallengeDaysTaken",
    "ChallengeLimit",
    "ChallengeNotFound",
    "InAnotherTeam",
    "InvalidCampaign",
    "InvalidChallenge",
    "NoChallenges",
    "NoTeams",
    "NotCaptain",
    "NotFinal",
    "NotTakingChallenges",
    "NotTakingPart",
    "NothingToAward",
    "OpponentNotFound",
    "ResultChanged",
    "TooFewPeople",
    "awards",
    "boards",
    "campaign",
    "car_free",
    "challenges",
    "closing",
    "counted",
    "live",
    "naming",
    "report",
    "scoring",
    "teams",
]
