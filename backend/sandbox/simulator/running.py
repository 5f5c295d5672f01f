"""A whole run: members join, the disorder is sent, everything is settled, and what came of it is compared."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from backend.progress import Progress
from backend.sandbox.platform import Platform
from backend.sandbox.simulator import balances
from backend.sandbox.simulator.faults import Disorder, disorderly
from backend.sandbox.simulator.plan import Plan
from backend.sandbox.simulator.report import Report
from backend.sandbox.simulator.sending import send_all
from backend.settings import Settings

POLL_S = 1.0


def simulate(
    platform: Platform,
    plan: Plan,
    disorder: Disorder,
    *,
    seed: int,
    settings: Settings,
    connections: int = 8,
    rate: float | None = None,
    patience: timedelta = timedelta(minutes=1),
    look_after: Callable[[], None] = lambda: None,
) -> Report:
    """Play the partner against the server, and report.

    `settings` are those of the fresh database that says what is expected; `patience`: how long we wait while nothing is
    settled. `look_after` is called now and then and may raise. Raises OutsideUnavailable and Unexpected.
    """
    wanted = balances.expected(plan, settings, look_after)
    balances.join(platform, plan, look_after)
    attempts = disorderly(plan, disorder, seed=seed)
    sent = send_all(platform, attempts, connections=connections, rate=rate, look_after=look_after)
    states = wait_until_settled(platform, plan, patience, look_after)
    found = balances.found(platform, plan, look_after)
    return Report(plan, seed, attempts, sent, states, wanted, found)


def wait_until_settled(
    platform: Platform, plan: Plan, patience: timedelta, look_after: Callable[[], None]
) -> Counter[str]:
    """The plan's events by state, once none of them waits any more or nothing was settled for as long as `patience`."""
    progress = Progress("入账 settle", len(plan.events))
    least, ends = len(plan.events) + 1, 0.0
    while True:
        states = _states(platform, plan)
        unsettled = len(plan.events) - states["done"]
        progress.show(states["done"])
        if unsettled < least:
            least, ends = unsettled, time.monotonic() + patience.total_seconds()
        if not unsettled or time.monotonic() > ends:
            progress.end()
            return states
        look_after()
        time.sleep(POLL_S)


def _states(platform: Platform, plan: Plan) -> Counter[str]:
    """What the deliveries say of the plan's events; `missing` are those they do not know."""
    missing = {event.id for event in plan.events}
    states: Counter[str] = Counter()
    for delivery in platform.deliveries():
        if delivery["event_id"] in missing:
            missing.remove(delivery["event_id"])
            states[delivery["state"]] += 1
        if not missing:
            return states
    states["missing"] = len(missing)
    return states
