"""Live 大屏: what a campaign's big screens show, who may show it, and the streams they hear it by.

Screens get a stream of server-sent events, because there are few of them; phones poll the boards.
"""

from backend.campaigns.live.errors import ScreenNotFound, ScreenTicketRefused, TooManyScreens
from backend.campaigns.live.pictures import Pictures
from backend.campaigns.live.screens import ScreenView, admitted, close_screen, open_screen, screens_of
from backend.campaigns.live.streams import MOST_STREAMS, Streams, events

__all__ = [
    "MOST_STREAMS",
    "Pictures",
    "ScreenNotFound",
    "ScreenTicketRefused",
    "ScreenView",
    "Streams",
    "TooManyScreens",
    "admitted",
    "close_screen",
    "events",
    "open_screen",
    "screens_of",
]
