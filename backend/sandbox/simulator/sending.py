"""Sending the attempts of a run over several connections, and judging each answer."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from backend.progress import Progress
from backend.sandbox.platform import Platform, Reply
from backend.sandbox.simulator.faults import Attempt

#: How often, in seconds, whoever waits looks whether the run was given up.
LOOK_S = 0.2


@dataclass(slots=True)
class Sent:
    """What the house answered. `refused` counts by fault and answer; `repeated` are the requests without a whole
    answer, or with one of 5xx, that were made again. `deviations` says what should not have been.
    """

    attempts: int = 0
    accepted: int = 0
    duplicates: int = 0
    repeated: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    deviations: list[str] = field(default_factory=list)


def send_all(
    platform: Platform,
    attempts: Sequence[Attempt],
    *,
    connections: int = 8,
    rate: float | None = None,
    look_after: Callable[[], None] = lambda: None,
) -> Sent:
    """Make every attempt, in this order but several at once; at most `rate` a second, as fast as it goes where none is
    given. `look_after` is called now and then and may raise. Raises what a connection raises, e.g. OutsideUnavailable.
    """
    answers: list[tuple[Attempt, Reply]] = []
    progress = Progress("发送 send", len(attempts))
    for answer in _Connections(platform, attempts, rate).answers(connections, look_after):
        answers.append(answer)
        progress.show(len(answers))
    progress.end()
    return judge(answers)


def judge(answers: Sequence[tuple[Attempt, Reply]]) -> Sent:
    """Count the answers and say which of them are wrong."""
    sent = Sent(attempts=len(answers))
    accepted: Counter[str] = Counter()
    unsure = {attempt.event_id for attempt, reply in answers if reply.tries > 1}
    for attempt, reply in answers:
        sent.repeated += reply.tries - 1
        got = f"{reply.status} {reply.code or reply.document.get('status', '')}".strip()
        if attempt.fault is not None:
            sent.refused[attempt.fault.name, got] += 1
            if got != attempt.fault.answer:
                expected = f"{attempt.fault.answer} expected"
                sent.deviations.append(f"{attempt.event_id}, {attempt.fault.name}: {expected}, got {got}")
        elif reply.ok:
            sent.duplicates += reply.duplicate
            sent.accepted += not reply.duplicate
            accepted[attempt.event_id] += not reply.duplicate
        else:
            sent.deviations.append(f"{attempt.event_id}: accepted or duplicate expected, got {got}")
    for event_id, times in sorted(accepted.items()):
        # Where an answer was lost, the attempt that was taken in may never have been told so.
        if times > 1 or (times == 0 and event_id not in unsure):
            sent.deviations.append(f"{event_id}: accepted once expected, got {times} times")
    return sent


class _Connections:
    """Threads that take attempts from one queue."""

    def __init__(self, platform: Platform, attempts: Sequence[Attempt], rate: float | None) -> None:
        self._platform, self._rate = platform, rate
        self._begun = time.monotonic()
        self._total = len(attempts)
        self._queue: queue.SimpleQueue[tuple[int, Attempt]] = queue.SimpleQueue()
        for numbered in enumerate(attempts):
            self._queue.put(numbered)
        self._answers: queue.SimpleQueue[tuple[Attempt, Reply] | Exception] = queue.SimpleQueue()
        #: Set once the sound event was answered.
        self._answered = {attempt.event_id: threading.Event() for attempt in attempts}
        self._given_up = threading.Event()

    def answers(self, connections: int, look_after: Callable[[], None]) -> Iterator[tuple[Attempt, Reply]]:
        """Each attempt with its answer, as they come."""
        for _ in range(connections):
            # Daemons: nobody waits for them when the run is stopped half-way.
            threading.Thread(target=self._send, daemon=True).start()
        told = 0
        try:
            while told < self._total:
                look_after()
                try:
                    answer = self._answers.get(timeout=LOOK_S)
                except queue.Empty:
                    continue
                if isinstance(answer, Exception):
                    raise answer
                told += 1
                yield answer
        finally:
            self._given_up.set()

    def _send(self) -> None:
        try:
            while not self._given_up.is_set():
                number, attempt = self._queue.get_nowait()
                self._wait_for_turn(number, attempt)
                reply = self._try(attempt)
                if attempt.fault is None:
                    self._answered[attempt.event_id].set()
                self._answers.put((attempt, reply))
        except queue.Empty:
            pass
        except Exception as error:
            self._answers.put(error)

    def _wait_for_turn(self, number: int, attempt: Attempt) -> None:
        if self._rate is not None:
            time.sleep(max(0.0, self._begun + number / self._rate - time.monotonic()))
        if attempt.fault is not None and attempt.fault.after_accepted:
            while not (self._answered[attempt.event_id].wait(LOOK_S) or self._given_up.is_set()):
                pass

    def _try(self, attempt: Attempt) -> Reply:
        skew = timedelta(seconds=attempt.skew_s)
        fault = attempt.fault
        if fault is None:
            return self._platform.send(attempt.event_id, attempt.body, skew=skew)
        return self._platform.send(
            attempt.event_id,
            fault.spoil(attempt.body),
            signed=fault.signed,
            skew=timedelta(seconds=fault.skew_s),
            on_the_way=fault.on_the_way,
        )
