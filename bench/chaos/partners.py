"""Scenario: the sandbox's partners send ten thousand events in disorder, and everybody ends with what the clean list,
settled once and in order in another database, gives them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from backend import clock
from backend.sandbox.simulator import Attempt, Disorder, Plan, Sent, balances, disorderly, make_plan, send_all
from bench.chaos.ground import Ground, PatientPlatform

#: How the events are divided among the partners, of a hundred.
SHARES = {"transit": 40, "dangdang": 25, "zhuanzhuan": 25, "shop": 10}
CONNECTIONS = 3


@dataclass
class _Run:
    """One partner's part of it."""

    platform: PatientPlatform
    plan: Plan
    attempts: list[Attempt]
    expected: dict[str, balances.Balance]
    sent: Sent | None = None


class Partners:
    name = "partners"

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def environment(self) -> dict[str, str]:
        return {}

    def prepare(self, ground: Ground) -> None:
        for code, share in SHARES.items():
            events = max(20, ground.events * share // 100)
            plan = make_plan(code, f"chaos{code}", events=events, seed=ground.seed, today=clock.today())
            platform = ground.platform(code)
            attempts = disorderly(plan, Disorder(), seed=ground.seed)
            expected = balances.expected(plan, ground.house.settings, _go_on)
            balances.join(platform, plan, _go_on)
            self._runs.append(_Run(platform, plan, attempts, expected))

    def play(self, ground: Ground) -> None:
        def send(run: _Run) -> None:
            rate = len(run.attempts) / ground.seconds
            run.sent = send_all(run.platform, run.attempts, connections=CONNECTIONS, rate=rate)

        with ThreadPoolExecutor(len(self._runs)) as pool:
            list(pool.map(send, self._runs))

    def faults(self, ground: Ground) -> list[str]:
        found = []
        for run in self._runs:
            assert run.sent is not None
            found += run.sent.deviations
            states = {delivery["event_id"]: delivery["state"] for delivery in run.platform.deliveries()}
            found += [f"{e.id} is {states.get(e.id)}" for e in run.plan.events if states.get(e.id) != "done"]
            got = balances.found(run.platform, run.plan, _go_on)
            found += [
                f"{member}: {expected} expected, got {got[member]}"
                for member, expected in run.expected.items()
                if got[member] != expected
            ]
        return found

    def figures(self) -> dict[str, Any]:
        sent = [run.sent for run in self._runs if run.sent is not None]
        totals = sum((balance for run in self._runs for balance in run.expected.values()), balances.Balance())
        return {
            "events": sum(len(run.plan.events) for run in self._runs),
            "requests": sum(one.attempts for one in sent),
            "requests repeated": sum(one.repeated for one in sent),
            "duplicates": sum(one.duplicates for one in sent),
            "refused": sum(sum(one.refused.values()) for one in sent),
            "members compared": sum(len(run.expected) for run in self._runs),
            "grams reduced": totals.reduction_g,
            "points": totals.points,
        }


def _go_on() -> None:
    """Nobody asked us to stop."""
