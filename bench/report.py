"""How a benchmark says its result, and how far it is."""

import json
import sys
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter


def seconds(work: Callable[[], object]) -> float:
    """How long the work took."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


class Rounds:
    """What alternating rounds took, in seconds for `count` units of work each; the ratio is made within a round."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pairs: list[tuple[float, float]] = []

    def add(self, ours: float, reference: float) -> None:
        self._pairs.append((ours, reference))

    def report(self, name: str, target: float, **facts: object) -> None:
        """One JSON line: rates per second and their ratio, each the median of the rounds. Higher is better."""
        ratios = [reference / ours for ours, reference in self._pairs]
        rates = [self._count / middle([pair[side] for pair in self._pairs]) for side in (0, 1)]
        tell(name, rates[0], rates[1], middle(ratios), target, better="higher", rounds=ratios, **facts)


def tell(
    name: str,
    ours: float,
    reference: float,
    ratio: float,
    target: float,
    *,
    better: str,
    rounds: Sequence[float],
    **facts: object,
) -> None:
    """One JSON line. `rounds`: the ratio of each."""
    line = {
        "name": name,
        "ours": round(ours, 1),
        "reference": round(reference, 1),
        "ratio": round(ratio, 3),
        "target": target,
        "better": better,
        "rounds": [round(one, 3) for one in rounds],
    }
    _wipe()
    print(json.dumps(line | facts, ensure_ascii=False), flush=True)


def middle(values: Sequence[float]) -> float:
    """The median: rounds are short and the machine is never quiet."""
    return median(values)


class Progress:
    """A bar on a terminal, elsewhere a line per step; on standard error, because results go to standard output."""

    WIDTH = 30

    def __init__(self, name: str, steps: int) -> None:
        self._name, self._steps, self._done = name, steps, 0
        self._terminal = sys.stderr.isatty()

    def step(self, what: str) -> None:
        """Say what begins now."""
        filled = self.WIDTH * self._done // self._steps
        bar = "█" * filled + "░" * (self.WIDTH - filled)
        if self._terminal:
            print(f"\r\033[K{self._name} {bar} {what}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{self._name} {self._done}/{self._steps} {what}", file=sys.stderr, flush=True)
        self._done = min(self._done + 1, self._steps)


def _wipe() -> None:
    """Make room on a terminal that shows a bar."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
