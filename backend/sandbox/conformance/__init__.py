"""A partner's sender on trial: a difficult receiver that plays by a script, and judges what comes.

A run belongs to one partner and lives for a day. The first event that arrives is treated badly, attempt by attempt
(`script`); every other one is accepted at once. What was seen is kept (`models`), and judged whenever somebody asks
(`judging`). In the sandbox only.
"""

from backend.sandbox.conformance.observing import observe
from backend.sandbox.conformance.runs import open_run, report, second_key, take

__all__ = ["observe", "open_run", "report", "second_key", "take"]
