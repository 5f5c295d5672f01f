"""Boards 排行榜: who stands where in a campaign, for everybody who looks at once."""

from backend.campaigns.boards.interfaces import AROUND, DEPARTMENT, FRIENDS, MOST_ENTRIES, TOP, VIEWS
from backend.campaigns.boards.reading import board_of, page, period_asked
from backend.campaigns.boards.sources import Sources

__all__ = [
    "AROUND",
    "DEPARTMENT",
    "FRIENDS",
    "MOST_ENTRIES",
    "TOP",
    "VIEWS",
    "Sources",
    "board_of",
    "page",
    "period_asked",
]
