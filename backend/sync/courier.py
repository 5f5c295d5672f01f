"""The courier: a thread per destination that has something to do, so that none waits for another."""

from collections.abc import Collection
from threading import Event, Thread

import structlog
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import transaction
from backend.sync.comparing import compare_step
from backend.sync.delivering import deliver_round, due_destinations
from backend.vault import Vault

#: How often it looks for destinations with something to do.
IDLE_SECONDS = 1.0
#: How long a courier that is told to stop waits for calls that are under way.
PARTING_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Courier:
    """Delivers notices beside the worker's own loop, in threads that share nothing but the database."""

    def __init__(self, sessions: sessionmaker[Session], vault: Vault, allowed_hosts: Collection[str] = ()) -> None:
        self._sessions, self._vault, self._allowed_hosts = sessions, vault, allowed_hosts
        self._stopped = Event()
        self._rounds: dict[str, Thread] = {}
        self._watch = Thread(target=self._run, name="sync", daemon=True)

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        """Begin no further call and wait for those under way; what is not written down by then goes out again."""
        self._stopped.set()
        for thread in (self._watch, *self._rounds.values()):
            thread.join(PARTING_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._begin_rounds()
            except Exception as error:  # a database in trouble: the notices are still waiting
                log.error("sync_failed", exc_info=error)
            self._stopped.wait(IDLE_SECONDS)

    def _begin_rounds(self) -> None:
        with transaction(self._sessions) as tx:
            due = due_destinations(tx, now=clock.now())
        self._rounds = {code: thread for code, thread in self._rounds.items() if thread.is_alive()}
        for code in due:
            if code not in self._rounds:
                self._rounds[code] = Thread(target=self._deliver, args=(code,), name=f"sync-{code}", daemon=True)
                self._rounds[code].start()

    def _deliver(self, code: str) -> None:
        try:
            while not self._stopped.is_set() and self._work(code):
                pass
        except Exception as error:  # the claim runs out, and the notices go out again
            log.error("sync_failed", destination=code, exc_info=error)

    def _work(self, code: str) -> int:
        """A round of notices and a page of the comparison, if there is one; returns how much there was to do."""
        hosts = self._allowed_hosts
        done = deliver_round(self._sessions, self._vault, code, allowed_hosts=hosts, stopping=self._stopped.is_set)
        if not self._stopped.is_set():
            done += compare_step(self._sessions, self._vault, code, allowed_hosts=hosts)
        return done
