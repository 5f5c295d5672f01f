"""What a run stands on, and what a scenario is."""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend import House
from backend.safe_http import OutsideUnavailable
from backend.sandbox import running
from backend.sandbox.platform import Platform, Reply

#: How long we wait for somebody to answer, in seconds.
PATIENCE_S = 90.0


@dataclass
class Ground:
    """One database with its house, the address of the web processes, and chance.

    `over` is set when whoever goes on until the end shall stop. `seconds`: about how long the run is to last.
    `orders`: how many redemptions at a platform outside.
    """

    house: House
    url: str
    seed: int
    events: int
    seconds: float
    orders: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def chance(self, what: str) -> random.Random:
        """Chance for one purpose: the same seed gives the same again."""
        return random.Random(f"{self.seed} {what}")

    def platform(self, code: str) -> "PatientPlatform":
        """A partner at the running server."""
        known = running.platform(self.house, self.url, code)
        return PatientPlatform(known.url, known.code, known.secret, known.signing_key)


class Scenario(Protocol):
    """One thing that goes on during a run. Each method runs once, in this order, `play` in a thread of its own."""

    name: str

    def environment(self) -> dict[str, str]:
        """What the product's processes have to be told."""

    def prepare(self, ground: Ground) -> None:
        """Make what is needed, before anything is killed."""

    def play(self, ground: Ground) -> None:
        """Do it, while processes are killed: to its end, or until `ground.over`."""

    def faults(self, ground: Ground) -> list[str]:
        """A sentence for everything that is not as it must be, when all is settled and nothing is killed any more."""

    def figures(self) -> dict[str, Any]:
        """What the report shows of it."""


class PatientPlatform(Platform):
    """A partner that repeats what got no answer for as long as a killed server needs to come back."""

    def send(self, *arguments: Any, **how: Any) -> Reply:
        tries, ends = 0, time.monotonic() + PATIENCE_S
        while True:
            try:
                reply = super().send(*arguments, **how)
                return Reply(reply.status, reply.document, reply.tries + tries)
            except OutsideUnavailable:
                tries += 1
                if time.monotonic() > ends:
                    raise
                time.sleep(random.uniform(0.2, 1.0))
