"""When a notice is tried again."""

import random
from datetime import datetime, timedelta

#: After which failed attempt how long is waited; the first attempt is made at once, the tenth is the last.
RETRY_AFTER = tuple(timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
#: Waiting times are stretched by up to this part, so that what failed together does not come back together.
JITTER = 0.1
#: How long a destination is left alone that asked to slow down and did not say for how long.
PATIENCE = timedelta(seconds=60)


def next_attempt(failures: int, *, now: datetime, retry_after_s: int | None) -> datetime | None:
    """When to try again after so many failures, never before the receiver asked; None when that was the last one."""
    if failures > len(RETRY_AFTER):
        return None
    wait = RETRY_AFTER[failures - 1] * (1 + random.uniform(0, JITTER))
    return now + max(wait, timedelta(seconds=retry_after_s or 0))


def quiet_until(*, now: datetime, retry_after_s: int | None) -> datetime:
    """Until when nothing at all is sent to a receiver that asked for patience."""
    return now + (PATIENCE if retry_after_s is None else timedelta(seconds=retry_after_s))
