"""Replaying the recorded day: each platform sends its own events in order, all platforms at once."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from backend.progress import Progress
from backend.sandbox.platform import Platform, Reply
from backend.sandbox.recording import Recorded, by_partner

#: How often, in seconds, we look whether we shall stop and whether web and worker are alive.
LOOK_S = 0.2


@dataclass(slots=True)
class Received:
    """What the house answered. `refused` counts by HTTP status and problem code."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)

    def count(self, reply: Reply) -> None:
        self.sent += 1
        if reply.duplicate:
            self.duplicates += 1
        elif reply.ok:
            self.accepted += 1
        else:
            self.refused[reply.status, reply.code] += 1


def replayed_before(day: Sequence[Recorded], platforms: Mapping[str, Platform]) -> bool:
    """Whether the last event of every platform has come already."""
    return all(platforms[code].delivery(events[-1].id) for code, events in by_partner(day).items())


def replay(day: Sequence[Recorded], platforms: Mapping[str, Platform], look_after: Callable[[], None]) -> Received:
    """Send the whole day and count the answers; `look_after` is called now and then and may raise."""
    answers: queue.SimpleQueue[Reply | Exception] = queue.SimpleQueue()
    for code, events in by_partner(day).items():
        # Daemons: nobody waits for them when the run is stopped half-way.
        threading.Thread(target=_send_all, args=(platforms[code], events, answers), daemon=True).start()
    received = Received()
    progress = Progress("回放 replay", len(day))
    while received.sent < len(day):
        look_after()
        try:
            answer = answers.get(timeout=LOOK_S)
        except queue.Empty:
            continue
        if isinstance(answer, Exception):
            progress.end()
            raise answer
        received.count(answer)
        progress.show(received.sent)
    progress.end()
    return received


def _send_all(platform: Platform, events: Sequence[Recorded], answers: "queue.SimpleQueue[Reply | Exception]") -> None:
    try:
        for event in events:
            answers.put(platform.send(event.id, event.body, signed=event.signed))
    except Exception as error:
        answers.put(error)
