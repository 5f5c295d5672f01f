"""PK: a challenge between two persons, teams or departments, from the invitation to the signed result.

`policy` says who wins and what is too much, `sides` who speaks for whom, `inviting` and `answering` bring two sides
together, `counting` counts them, `standings` keeps what is
counted while it runs, `finishing` makes a PK final and corrects what was taken back, `captains` are named by
operators, `reading` shows it all.
"""

from backend.campaigns.challenges.answering import accept, decline, withdraw
from backend.campaigns.challenges.captains import captains, dismiss_captain, forget, holdings, name_captain
from backend.campaigns.challenges.finishing import finish_due
from backend.campaigns.challenges.inviting import Wish, invite
from backend.campaigns.challenges.policy import KINDS, SIDES, STATES
from backend.campaigns.challenges.reading import challenge, documents, mine, no_longer_won, programme_of, wins
from backend.campaigns.challenges.sides import challengeable
from backend.campaigns.challenges.standings import refresh

__all__ = [
    "KINDS",
    "SIDES",
    "STATES",
    "Wish",
    "accept",
    "captains",
    "challenge",
    "challengeable",
    "decline",
    "dismiss_captain",
    "documents",
    "finish_due",
    "forget",
    "holdings",
    "invite",
    "mine",
    "name_captain",
    "no_longer_won",
    "programme_of",
    "refresh",
    "wins",
    "withdraw",
]
