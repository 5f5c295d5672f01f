"""Server-sent events for a screen: how many at a time, what is sent when, and how it ends.

Every stream keeps a thread of the server for as long as it lasts. So a process has four of them at most, none lasts
longer than half an hour (a screen comes again by itself), and each looks twice a second whether the process is told to
end. No database transaction lasts while a stream waits.
"""

import json
import time
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import structlog

from backend.campaigns.errors import CampaignNotFound
from backend.campaigns.live.errors import ScreenTicketRefused, TooManyScreens
from backend.campaigns.policy import CANCELLED, FINAL

#: How many streams one process has at a time.
MOST_STREAMS = 4
#: In seconds: how often a stream looks whether it shall end, whether there is news, and says that it is still there.
LOOK_S, NEWS_S, HEARTBEAT_S, LONGEST_S = 0.5, 5.0, 15.0, 1_800.0
#: How soon a screen comes again where the stream ended before the campaign did, in milliseconds.
RETRY_MS = 3_000

log = structlog.get_logger(__name__)


class Streams:
    """The streams of this process. `stopping` is asked by each of them; whoever runs the process sets it."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most, self._open, self._lock = most, 0, Lock()
        self.stopping: Callable[[], bool] = lambda: False

    def enter(self) -> None:
        """Take one of the places. Raises TooManyScreens; whoever entered leaves, whatever happens."""
        with self._lock:
            if self._open >= self._most or self.stopping():
                raise TooManyScreens
            self._open += 1

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            self._open -= 1


def events(read: Callable[[], dict[str, Any]], stopping: Callable[[], bool]) -> Iterator[bytes]:
    """What is sent: `picture` at once and whenever it changed; a comment where nothing was sent for a while.

    The last event says why it ends: `final` with the last picture (the campaign is over, do not come again), `refused`
    (the ticket was taken back), or `again` (come again). `read` gives the picture; it raises
    ScreenTicketRefused or CampaignNotFound where the screen may no longer see it.
    """
    yield f"retry: {RETRY_MS}\n\n".encode()
    shown: dict[str, Any] | None = None
    begun = heard = time.monotonic()
    due = begun
    while not stopping() and time.monotonic() < begun + LONGEST_S:
        now = time.monotonic()
        if now >= due:
            due = now + NEWS_S
            picture, end = _read(read)
            if end is not None:
                yield end
                return
            if picture != shown and picture is not None:
                shown, heard = picture, now
                yield _event("picture", picture)
            if picture is not None and picture["state"] in (FINAL, CANCELLED):
                yield _event("final", {"state": picture["state"]})
                return
        elif now >= heard + HEARTBEAT_S:
            heard = now
            yield b": still here\n\n"
        time.sleep(LOOK_S)
    yield _event("again", {})


def _read(read: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any] | None, bytes | None]:
    """The picture, or the event that ends the stream."""
    try:
        return read(), None
    except (ScreenTicketRefused, CampaignNotFound) as refusal:
        return None, _event("refused", {"code": refusal.code})
    except Exception as error:  # the database rests, say: the screen keeps what it shows and comes again
        log.warning("screen_not_read", exc_info=error)
        return None, _event("again", {})


def _event(name: str, data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()
