"""The finisher: a thread per provider that has orders due, so that none waits for another."""

from threading import Event, Thread

import structlog
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import transaction
from backend.rewards.orders.finishing import due_providers, finish_round
from backend.rewards.orders.outside import Doors
from backend.vault import Vault

#: How often it looks for orders that are due.
IDLE_SECONDS = 1.0
#: How long a finisher that is told to stop waits for calls that are under way.
PARTING_SECONDS = 15.0

log = structlog.get_logger(__name__)


class Finisher:
    """Sees to orders beside the worker's own loop, in threads that share nothing but the database."""

    def __init__(self, sessions: sessionmaker[Session], vault: Vault, doors: Doors) -> None:
        self._sessions, self._vault, self._doors = sessions, vault, doors
        self._stopped = Event()
        self._rounds: dict[str, Thread] = {}
        self._watch = Thread(target=self._run, name="orders", daemon=True)

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        """Begin no further call and wait for those under way; what is not written down by then is asked about."""
        self._stopped.set()
        for thread in (self._watch, *self._rounds.values()):
            thread.join(PARTING_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._begin_rounds()
            except Exception as error:  # a database in trouble: the orders are still waiting
                log.error("finishing_failed", exc_info=error)
            self._stopped.wait(IDLE_SECONDS)

    def _begin_rounds(self) -> None:
        with transaction(self._sessions) as tx:
            due = due_providers(tx, now=clock.now())
        self._rounds = {code: thread for code, thread in self._rounds.items() if thread.is_alive()}
        for code in due:
            if code not in self._rounds:
                self._rounds[code] = Thread(target=self._finish, args=(code,), name=f"orders-{code}", daemon=True)
                self._rounds[code].start()

    def _finish(self, code: str) -> None:
        stopping = self._stopped.is_set
        try:
            while not stopping() and finish_round(self._sessions, self._vault, self._doors, code, stopping=stopping):
                pass
        except Exception as error:  # the claims run out, and the orders are asked about
            log.error("finishing_failed", provider=code, exc_info=error)
