"""Asking again when no whole answer came or the house was busy."""

import time
from collections.abc import Callable

from backend.safe_http import Answer, OutsideUnavailable

#: The pauses between attempts, in seconds.
PAUSES_S = (0.1, 0.5, 1.0, 2.0)


def retrying(attempt: Callable[[], Answer]) -> Answer:
    """The answer of the first attempt that got one below 500; else the last answer, or OutsideUnavailable."""
    for pause_s in PAUSES_S:
        try:
            answer = attempt()
        except OutsideUnavailable:
            pass
        else:
            if answer.status < 500:
                return answer
        time.sleep(pause_s)
    return attempt()
