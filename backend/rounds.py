"""Rounds outside of transactions: a thread per platform that has something to do, so that none waits for another."""

from collections.abc import Callable, Collection
from threading import Event, Thread

import structlog
from sqlalchemy.orm import Session, sessionmaker

from backend.database import transaction

#: How often it is looked for platforms with something to do.
IDLE_SECONDS = 1.0

log = structlog.get_logger(__name__)

Stopping = Callable[[], bool]


class Rounds:
    """Works beside the worker's own loop, in threads that share nothing but the database.

    `due(tx)` names the platforms with something to do; `work(code, stopping)` does a round for one and returns how much
    there was to do. Both may fail: whatever they had claimed runs out, and is taken up again.
    """

    def __init__(
        self,
        name: str,
        sessions: sessionmaker[Session],
        *,
        due: Callable[[Session], Collection[str]],
        work: Callable[[str, Stopping], int],
        parting_seconds: float,
    ) -> None:
        self._name, self._sessions, self._due, self._work = name, sessions, due, work
        self._parting_seconds = parting_seconds
        self._stopped = Event()
        self._threads: dict[str, Thread] = {}
        self._watch = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        """Begin no further call and wait a while for those under way; what is not written down by then comes again."""
        self._stopped.set()
        for thread in (self._watch, *self._threads.values()):
            thread.join(self._parting_seconds)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._begin()
            except Exception as error:  # a database in trouble: what is due is still waiting
                log.error("rounds_failed", name=self._name, exc_info=error)
            self._stopped.wait(IDLE_SECONDS)

    def _begin(self) -> None:
        with transaction(self._sessions) as tx:
            due = self._due(tx)
        self._threads = {code: thread for code, thread in self._threads.items() if thread.is_alive()}
        for code in due:
            if code not in self._threads:
                name = f"{self._name}-{code}"
                self._threads[code] = Thread(target=self._go, args=(code,), name=name, daemon=True)
                self._threads[code].start()

    def _go(self, code: str) -> None:
        stopping = self._stopped.is_set
        try:
            while not stopping() and self._work(code, stopping):
                pass
        except Exception as error:
            log.error("rounds_failed", name=self._name, code=code, exc_info=error)
