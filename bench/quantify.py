"""`methodologies.quantify_batch` on a mixed batch, against the same formulas by hand (`bench.by_hand`).

Every round quantifies fresh acts, so that nothing is answered from memory but what repeats in life too. Both must
credit the same grams for every act.
"""

import random
from datetime import date, timedelta
from functools import partial
from typing import Any

import methodologies
from bench.by_hand import APPLIANCE_G, DEVICE_G, FORMULAS, credits_of
from bench.report import Progress, Rounds, seconds
from methodologies import Quantification, Request

COUNTS, ROUNDS = (20_000, 100_000), 5
TARGET = 0.25


def run() -> None:
    """Measure and report."""
    progress = Progress("quantify", len(COUNTS) * (ROUNDS + 1))
    for count in COUNTS:
        rounds = Rounds(count)
        for number in range(ROUNDS + 1):
            progress.step(f"{count} acts, round {number} of {ROUNDS}" if number else f"{count} acts, warming up")
            acts = _acts(count, random.Random(count + number))
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
    into.extend([credits_of(code, data) for code, data, _, _, _ in acts])


def _require_same(acts: list[Request], ours: list[Any], theirs: list[dict[str, int]]) -> None:
    for act, done, expected in zip(acts, ours, theirs, strict=True):
        if not isinstance(done, Quantification) or done.credits != expected:
            raise AssertionError(f"{act}: {done}, by hand {expected}")


def _acts(count: int, chance: random.Random) -> list[Request]:
    codes = list(FORMULAS)
    begun = date(2024, 6, 1)
    made = []
    for _ in range(count):
        code = chance.choice(codes)
        day = begun + timedelta(days=chance.randrange(500))
        made.append(Request(code, _data(code, chance), day, "CN-DEFAULT"))
    return made


def _data(code: str, chance: random.Random) -> dict[str, str]:
    """Plausible decimal texts, as a partner sends them."""
    match code:
        case "metro_ride":
            return {"distance_km": f"{chance.randrange(500, 50_000) / 1000:.3f}"}
        case "bicycle_ride":
            return {"distance_km": f"{chance.randrange(300, 15_000) / 1000:.3f}"}
        case "device_reuse":
            return {"category": chance.choice(list(DEVICE_G)), "quantity": "1"}
        case "appliance_recycling":
            return {"category": chance.choice(list(APPLIANCE_G)), "quantity": "1"}
        case "clothes_donation":
            return {"weight_kg": f"{chance.randrange(50, 3_000) / 100:.2f}"}
        case "book_donation":
            return {"quantity": str(chance.randrange(1, 60))}
        case _:
            base, product = chance.randrange(2_000, 5_000) / 10, chance.randrange(1_500, 3_500) / 10
            data = {"baseline_footprint_kg": f"{base:.1f}", "product_footprint_kg": f"{product:.1f}"}
            return data | {"retired_kg": str(500 * chance.randrange(3)), "quantity": "1"}
