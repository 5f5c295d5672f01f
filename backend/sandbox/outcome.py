"""What came of the recorded day, as platforms and members see it over HTTP.

Platforms learn from the deliveries what became of each line when it was settled; what stands now (an act may have been
cancelled, corrected or outdone since) is what the members find in their accounts.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.progress import Progress
from backend.sandbox.member_client import MemberClient
from backend.sandbox.platform import Platform
from backend.sandbox.recording import Recorded, by_partner

POLL_S = 0.3
#: An event that failed is tried again after seconds, then minutes: we do not wait for that.
PATIENCE_S = 60.0

Delivery = dict[str, Any]


@dataclass(slots=True)
class Standing:
    """What a member's act counts for now."""

    methodology: str
    title: str
    status: str
    reason: str | None
    reduction_g: int
    offset_g: int
    eac_wh: int = 0
    points: int = 0


@dataclass(slots=True)
class Scenario:
    """The acts of one methodology that count."""

    title: str
    acts: int = 0
    reduction_g: int = 0
    offset_g: int = 0
    eac_wh: int = 0
    points: int = 0

    def add(self, other: "Standing | Scenario", acts: int = 1) -> None:
        self.acts += acts
        self.reduction_g += other.reduction_g
        self.offset_g += other.offset_g
        self.eac_wh += other.eac_wh
        self.points += other.points


@dataclass(slots=True)
class Outcome:
    """`parked` counts events by what they wait for; `not_counted` lines by reason; `withdrawing` the lines that took
    another one back; `unfinished` events that are still waiting or dead letters."""

    events: int = 0
    scenarios: dict[str, Scenario] = field(default_factory=dict)
    parked: Counter[str] = field(default_factory=Counter)
    not_counted: Counter[str] = field(default_factory=Counter)
    withdrawing: int = 0
    unfinished: Counter[str] = field(default_factory=Counter)


def wait_until_settled(
    day: Sequence[Recorded], platforms: Mapping[str, Platform], look_after: Callable[[], None]
) -> list[Delivery]:
    """The deliveries of the day's events once none of them waits for the worker (or our patience ends)."""
    found = {code: _deliveries_of(platforms[code], events) for code, events in by_partner(day).items()}
    progress = Progress("入账 settle", sum(map(len, found.values())))
    ends = time.monotonic() + PATIENCE_S
    while True:
        waiting = {code: sum(item["state"] == "waiting" for item in items) for code, items in found.items()}
        progress.show(sum(map(len, found.values())) - sum(waiting.values()))
        if not any(waiting.values()) or time.monotonic() > ends:
            progress.end()
            return [item for items in found.values() for item in items]
        time.sleep(POLL_S)
        look_after()
        for code, events in by_partner(day).items():
            if waiting[code]:
                found[code] = _deliveries_of(platforms[code], events)


def _deliveries_of(platform: Platform, events: Iterable[Recorded]) -> list[Delivery]:
    wanted = {event.id for event in events}
    return [item for item in platform.deliveries() if item["event_id"] in wanted]


def standings(url: str, members: Iterable[str], look_after: Callable[[], None]) -> dict[str, Standing]:
    """What every act of these members counts for now, by activity id."""
    found: dict[str, Standing] = {}
    for name in members:
        look_after()
        member = MemberClient(url, name)
        for act in member.activities():
            reason = act["reason"]["code"] if act["reason"] else None
            credits = act["reduction_g"], act["offset_g"], act["eac_wh"]
            found[act["id"]] = Standing(act["methodology"], act["title"]["zh"], act["status"], reason, *credits)
        for entry in member.entries():
            if entry["activity_id"] in found:
                found[entry["activity_id"]].points += sum(map(_points, entry["transfers"]))
        member.log_out()
    return found


def _points(transfer: Mapping[str, Any]) -> int:
    """Points that a transfer gives, or takes back."""
    given: int = transfer["amount"] * ((transfer["debit"] == "issuer.points") - (transfer["credit"] == "issuer.points"))
    return given


def summarise(deliveries: Iterable[Delivery], standing: Mapping[str, Standing]) -> Outcome:
    """Count what came of these events, line by line."""
    outcome = Outcome()
    for delivery in deliveries:
        outcome.events += 1
        if delivery["state"] == "parked":
            outcome.parked[delivery["lines"][0]["code"]] += 1
        elif delivery["state"] != "done":
            outcome.unfinished[delivery["state"]] += 1
        else:
            for line in delivery["lines"]:
                _count(outcome, line, standing.get(line.get("activity_id", "")))
    return outcome


def _count(outcome: Outcome, line: Mapping[str, Any], act: Standing | None) -> None:
    status, code = (act.status, act.reason) if act else (line["status"], line["code"])
    if act is not None and status == "issued":
        outcome.scenarios.setdefault(act.methodology, Scenario(act.title)).add(act)
    elif status == "cancelled":
        outcome.withdrawing += 1
    else:
        outcome.not_counted[code or status] += 1
