"""Scores: made of acts by counting days again, kept up with the books, rebuilt and compared."""

from backend.campaigns.scoring.counting import Changed, count_acts, count_days, participants_of, recount
from backend.campaigns.scoring.following import (
    ACTS_CHANGED,
    BATCH,
    PARTICIPANT_CHANGED,
    Followed,
    follow,
    hold_follower,
    participant_changed,
)

__all__ = [
    "ACTS_CHANGED",
    "BATCH",
    "PARTICIPANT_CHANGED",
    "Changed",
    "Followed",
    "count_acts",
    "count_days",
    "follow",
    "hold_follower",
    "participant_changed",
    "participants_of",
    "recount",
]
