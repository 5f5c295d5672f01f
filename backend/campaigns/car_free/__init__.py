"""无车日 Car-free days of a campaign: who pledged to leave the car, who did, and what all of them came to.

`policy` says when a pledge is kept, `pledging` takes pledges and tells a member's own, `counting` counts everybody.
"""

from backend.campaigns.car_free.counting import count_due
from backend.campaigns.car_free.errors import NoPledge, PledgesNotTaken, PledgeTooLate
from backend.campaigns.car_free.pledging import days_told, forget, holdings, pledge, withdraw

__all__ = [
    "NoPledge",
    "PledgeTooLate",
    "PledgesNotTaken",
    "count_due",
    "days_told",
    "forget",
    "holdings",
    "pledge",
    "withdraw",
]
