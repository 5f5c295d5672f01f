"""Boards 排行榜: who stands where in a campaign, for everybody who looks at once."""

from backend.campaigns.boards.applying import apply
from backend.campaigns.boards.filling import forget, keep
from backend.campaigns.boards.interfaces import (
    AROUND,
    DEPARTMENT,
    FRIENDS,
    MOST_ENTRIES,
    TOP,
    VIEWS,
    Asked,
    Page,
    Places,
    window,
)
from backend.campaigns.boards.reading import board_of, page, period_asked
from backend.campaigns.boards.redis import Accelerator
from backend.campaigns.boards.sources import Sources, accelerator, sources

__all__ = [
    "AROUND",
    "DEPARTMENT",
    "FRIENDS",
    "MOST_ENTRIES",
    "TOP",
    "VIEWS",
    "Accelerator",
    "Asked",
    "Page",
    "Places",
    "Sources",
    "accelerator",
    "apply",
    "board_of",
    "forget",
    "keep",
    "page",
    "period_asked",
    "sources",
    "window",
]
