"""The conformance report at the end of a run: what was expected, what came, and every deviation."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backend.columns import aligned
from backend.sandbox.simulator.balances import Balance
from backend.sandbox.simulator.faults import FAULTS, Attempt, Fault
from backend.sandbox.simulator.plan import Plan
from backend.sandbox.simulator.sending import Sent

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A run and what came of it. `states`: events by what the deliveries say of them; `missing` is one."""

    plan: Plan
    seed: int
    attempts: Sequence[Attempt]
    sent: Sent
    states: Mapping[str, int]
    expected: Mapping[str, Balance]
    found: Mapping[str, Balance]

    @property
    def deviations(self) -> list[str]:
        """Everything that is not as it should be, a sentence each."""
        unsettled = [f"{count} events are {state}" for state, count in self.states.items() if state != "done"]
        other = [
            f"{member}: {balance} expected, got {self.found[member]}"
            for member, balance in self.expected.items()
            if self.found[member] != balance
        ]
        return [*self.sent.deviations, *unsettled, *other]

    @property
    def conforms(self) -> bool:
        return not self.deviations

    def as_json(self) -> str:
        """Everything, for programs."""
        members = {
            name: {"expected": asdict(self.expected[name]), "got": asdict(self.found[name])} for name in self.found
        }
        document: dict[str, Any] = {
            "partner": self.plan.partner,
            "run": self.plan.run,
            "seed": self.seed,
            "events": len(self.plan.events),
            "requests": self.sent.attempts,
            "accepted": self.sent.accepted,
            "duplicates": self.sent.duplicates,
            "repeated": self.sent.repeated,
            "refused": [
                {"fault": fault.name, "expected": {due: count}, "got": came}
                for fault, due, count, came in self._refused()
            ],
            "states": dict(self.states),
            "members": members,
            "deviations": self.deviations,
            "conforms": self.conforms,
        }
        return json.dumps(document, ensure_ascii=False, indent=2)

    def as_text(self) -> str:
        """The report for a terminal."""
        events, sound = len(self.plan.events), sum(attempt.fault is None for attempt in self.attempts)
        counts: list[Row] = [("", "预期 expected", "实际 got")]
        counts += [
            ("请求 requests", f"{len(self.attempts):,}", f"{self.sent.attempts:,}"),
            ("收下 accepted", f"{events:,}", f"{self.sent.accepted:,}"),
            ("重复 duplicate", f"{sound - events:,}", f"{self.sent.duplicates:,}"),
            ("重试 repeated", "", f"{self.sent.repeated:,}"),
            ("入账完成 settled", f"{events:,}", f"{self.states.get('done', 0):,}"),
        ]
        refused: list[Row] = [("拒收 refused", "预期 expected", "实际 got")]
        for fault, answer, count, came in self._refused():
            got = ", ".join(f"{times} × {other}" for other, times in came.items())
            refused.append((fault.name, f"{count} × {answer}", got))
        title = f"合作平台仿真 / simulated partner {self.plan.partner}, run {self.plan.run}, seed {self.seed}"
        lines = ["", title, "", *aligned(counts, right=(1, 2)), ""]
        lines += [*aligned(refused), "", *aligned(self._balances(), right=(1, 2)), ""]
        lines += [f"  偏差 deviation: {deviation}" for deviation in self.deviations]
        return "\n".join([*lines, "符合约定 / conforms" if self.conforms else "不符合约定 / does not conform"])

    def _refused(self) -> Iterator[tuple[Fault, str, int, dict[str, int]]]:
        """Each fault of the run, the answer that was due, how often, and how often which answer came."""
        due = Counter(attempt.fault.name for attempt in self.attempts if attempt.fault)
        for fault in FAULTS:
            if due[fault.name]:
                came = {answer: n for (name, answer), n in sorted(self.sent.refused.items()) if name == fault.name}
                yield fault, fault.answer, due[fault.name], came

    def _balances(self) -> list[Row]:
        wanted, got = (sum(side.values(), Balance()) for side in (self.expected, self.found))
        equal = sum(self.found[name] == balance for name, balance in self.expected.items())
        rows: list[Row] = [("全部会员合计 all members", "预期 expected", "实际 got")]
        titles = {"reduction_g": "减排 g", "offset_g": "补偿 g", "eac_wh": "绿电 Wh", "points": "积分 points"}
        for name, title in titles.items():
            rows.append((title, f"{getattr(wanted, name):,}", f"{getattr(got, name):,}"))
        return [*rows, ("逐人相符 members alike", f"{len(self.expected):,}", f"{equal:,}")]
