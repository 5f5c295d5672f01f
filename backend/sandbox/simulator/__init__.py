"""A partner that can be started: ten thousand events with everything that goes wrong on the way, and what must come of
them.

`plan` (what happened, in order) and `faults` (how it arrives) are pure: the same seed gives the same list.
"""

from backend.sandbox.simulator.faults import Attempt, Disorder, disorderly
from backend.sandbox.simulator.plan import Plan, PlannedEvent, make_plan
from backend.sandbox.simulator.report import Report
from backend.sandbox.simulator.running import simulate
from backend.sandbox.simulator.sending import Sent, send_all

__all__ = [
    "Attempt",
    "Disorder",
    "Plan",
    "PlannedEvent",
    "Report",
    "Sent",
    "disorderly",
    "make_plan",
    "send_all",
    "simulate",
]
