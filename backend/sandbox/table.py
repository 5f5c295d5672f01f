"""The short table at the end of a replay."""

from backend.activities import sentence
from backend.columns import aligned
from backend.sandbox.outcome import Outcome, Scenario
from backend.sandbox.recording import DAY, DAY_TITLE
from backend.sandbox.replay import Received


def table(received: Received | None, outcome: Outcome) -> str:
    """Everything a visitor wants to know; `received` is None when the day was replayed before."""
    lines = ["", f"{DAY.isoformat()} {DAY_TITLE} 合作平台事件 / partner events of the recorded day", ""]
    lines += aligned(_events(received, outcome), right=(1,))
    lines += ["", *aligned(_scenarios(outcome), right=(2, 3, 4, 5, 6))]
    lines += _reasons("等待中的事件 / events that wait", outcome.parked)
    lines += _reasons("未计入的行 / lines that do not count", outcome.not_counted)
    return "\n".join([*lines, ""])


def _events(received: Received | None, outcome: Outcome) -> list[tuple[str, str]]:
    if received is None:
        rows = [("本次重发 sent now", "0"), ("此前收下 accepted before", f"{outcome.events}")]
    else:
        rows = [
            ("收到 received", f"{received.sent}"),
            ("收下 accepted", f"{received.accepted}"),
            ("重复 duplicate", f"{received.duplicates}"),
        ]
        refused = sorted(received.refused.items())
        rows += [(f"拒收 refused {status} {code}", f"{count}") for (status, code), count in refused]
    rows.append(("撤销 withdrawn lines", f"{outcome.withdrawing}"))
    rows += [(f"未处理完 {state}", f"{count}") for state, count in sorted(outcome.unfinished.items())]
    return rows


def _scenarios(outcome: Outcome) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("场景 scenario", "", "入账 acts", "减排 g", "补偿 g", "绿电 Wh", "积分 points")]
    total = Scenario("合计 total")
    for code, scenario in sorted(outcome.scenarios.items()):
        rows.append(_scenario(scenario, code))
        total.add(scenario, scenario.acts)
    return [*rows, _scenario(total, "")]


def _scenario(scenario: Scenario, code: str) -> tuple[str, ...]:
    amounts = (scenario.acts, scenario.reduction_g, scenario.offset_g, scenario.eac_wh, scenario.points)
    return (scenario.title, code, *(f"{amount:,}" for amount in amounts))


def _reasons(title: str, counts: dict[str, int]) -> list[str]:
    if not counts:
        return []
    rows = []
    for code, count in sorted(counts.items()):
        said = sentence(code)
        rows.append((code, f"{count}", said["zh"] if said else ""))
    return ["", title, *aligned(rows, right=(1,))]
