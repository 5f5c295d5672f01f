"""The conformance report at the end of a run: what was expected, what came, and every deviation."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backend.columns import aligned
from backend.sandbox.simulator.balances import Balance
from backend.sandbox.simulator.faults import FAULTS, Attempt
from backend.sandbox.simulator.plan import Plan
from backend.sandbox.simulator.sending import Sent

Row = tuple[str, ...]


@dataclass(slots=True)
class Report:
    """A run and what came of it. `states`: events by what the deliveries say of them; `missing` is one."""

    plan: Plan
    seed: int
    attempts: Sequence[Attempt]
    sent: Sent
    states: Counter[str]
    expected: Mapping[str, Balance]
    found: Mapping[str, Balance]
    deviations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deviations += self.sent.deviations
        self.deviations += [f"{count} events are {state}" for state, count in self.states.items() if state != "done"]
        for member, balance in self.expected.items():
            if (got := self.found[member]) != balance:
                self.deviations.append(f"{member}: {balance} expected, got {got}")

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
            "refused": [dict(zip(("fault", "expected", "got"), row, strict=True)) for row in self._refused()],
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
            ("入账完成 settled", f"{events:,}", f"{self.states['done']:,}"),
        ]
        refused: list[Row] = [("拒收 refused", "预期 expected", "实际 got"), *self._refused()]
        title = f"合作平台仿真 / simulated partner {self.plan.partner}, run {self.plan.run}, seed {self.seed}"
        lines = ["", title, "", *aligned(counts, right=(1, 2)), ""]
        lines += [*aligned(refused), "", *aligned(self._balances(), right=(1, 2)), ""]
        lines += [f"  偏差 deviation: {deviation}" for deviation in self.deviations]
        return "\n".join([*lines, "符合约定 / conforms" if self.conforms else "不符合约定 / does not conform"])

    def _refused(self) -> list[Row]:
        """One row per fault and answer: what went wrong, how often which refusal was due, and which came."""
        due = Counter(attempt.fault.name for attempt in self.attempts if attempt.fault)
        rows: list[Row] = []
        for fault in FAULTS:
            came = {
                f"{status} {code}": n for (name, status, code), n in self.sent.refused.items() if name == fault.name
            }
            if due[fault.name] or came:
                got = ", ".join(f"{count} × {answer}" for answer, count in sorted(came.items()))
                rows.append((fault.name, f"{due[fault.name]} × {fault.status} {fault.code}", got))
        return rows

    def _balances(self) -> list[Row]:
        wanted, got = (sum(side.values(), Balance()) for side in (self.expected, self.found))
        equal = sum(self.found[name] == balance for name, balance in self.expected.items())
        rows: list[Row] = [("全部会员合计 all members", "预期 expected", "实际 got")]
        titles = {"reduction_g": "减排 g", "offset_g": "补偿 g", "eac_wh": "绿电 Wh", "points": "积分 points"}
        for name, title in titles.items():
            rows.append((title, f"{getattr(wanted, name):,}", f"{getattr(got, name):,}"))
        return [*rows, ("逐人相符 members alike", f"{len(self.expected):,}", f"{equal:,}")]
