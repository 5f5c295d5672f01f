"""Scores: made of acts by counting days again, kept up with the books, rebuilt and compared.

`counting` says what days come to and writes nothing; `keeping` writes them with all that is summed up from them;
`following` does so for what was announced. `heads` counts the people of groups, `standings` gives groups their places.
`rebuilding` makes everything again, `comparing` says whether that is needed.
"""

from backend.campaigns.scoring.comparing import Difference, compare, compare_all, differences_found
from backend.campaigns.scoring.counting import DayCounted, count_acts, count_days, listed_among, participants_of
from backend.campaigns.scoring.following import (
    ACTS_CHANGED,
    BATCH,
    PARTICIPANT_CHANGED,
    Followed,
    follow,
    follow_all,
    followed_by_all,
    hold_follower,
    participant_changed,
    position,
)
from backend.campaigns.scoring.heads import count_all_heads, count_heads
from backend.campaigns.scoring.keeping import Changed, recount
from backend.campaigns.scoring.rebuilding import count_participants, counted_campaign, rebuild
from backend.campaigns.scoring.standings import GroupStanding, GroupSum, group_standings, place

__all__ = [
    "ACTS_CHANGED",
    "BATCH",
    "PARTICIPANT_CHANGED",
    "Changed",
    "DayCounted",
    "Difference",
    "Followed",
    "GroupStanding",
    "GroupSum",
    "compare",
    "compare_all",
    "count_acts",
    "count_all_heads",
    "count_days",
    "count_heads",
    "count_participants",
    "counted_campaign",
    "differences_found",
    "follow",
    "follow_all",
    "followed_by_all",
    "group_standings",
    "hold_follower",
    "listed_among",
    "participant_changed",
    "participants_of",
    "place",
    "position",
    "rebuild",
    "recount",
]
