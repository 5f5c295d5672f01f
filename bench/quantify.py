"""`methodologies.quantify_batch` on a mixed batch of every methodology, against the same formulas by hand
(`bench.by_hand`).

Every round quantifies fresh acts, so that nothing is answered from memory but what repeats in life too. Both must
credit the same for every act.
"""

import random
from functools import partial
from typing import Any

import methodologies
from bench.acts import PLAUSIBLE, make
from bench.by_hand import FORMULAS, credits_of
from bench.report import Progress, Rounds, seconds
from methodologies import Quantification, Request

COUNTS, ROUNDS = (20_000, 100_000), 5
TARGET = 0.25


def run() -> None:
    """Measure and report."""
    _require_all()
    progress = Progress("quantify", len(COUNTS) * (ROUNDS + 1))
    for count in COUNTS:
        rounds = Rounds(count)
        for number in range(ROUNDS + 1):
            progress.step(f"{count} acts, round {number} of {ROUNDS}" if number else f"{count} acts, warming up")
            acts = make(count, random.Random(count + number))
            ours: list[Any] = []
            theirs: list[dict[str, int]] = []
            our_seconds = seconds(partial(_quantify, acts, ours))
            their_seconds = seconds(partial(_by_hand, acts, theirs))
            _require_same(acts, ours, theirs)
            if number:
                rounds.add(our_seconds, their_seconds)
        rounds.report("quantify", TARGET, unit="acts/s", acts=count, methodologies=len(FORMULAS))


def _quantify(acts: list[Request], into: list[Any]) -> None:
    into.extend(methodologies.quantify_batch(acts))


def _by_hand(acts: list[Request], into: list[dict[str, int]]) -> None:
    into.extend([credits_of(code, data, day) for code, data, day, _, _ in acts])


def _require_all() -> None:
    """A mixed batch is one of every methodology there is."""
    codes = set(methodologies.library().codes)
    if not codes == set(FORMULAS) == set(PLAUSIBLE):
        raise AssertionError(f"not in the batch, or not by hand: {codes ^ (set(FORMULAS) & set(PLAUSIBLE))}")


def _require_same(acts: list[Request], ours: list[Any], theirs: list[dict[str, int]]) -> None:
    for act, done, expected in zip(acts, ours, theirs, strict=True):
        if not isinstance(done, Quantification) or done.credits != expected:
            raise AssertionError(f"{act}: {done}, by hand {expected}")
