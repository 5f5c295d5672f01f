"""The courier: delivers notices and compares balances, a thread per destination."""

from collections.abc import Collection

from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.rounds import Rounds, Stopping
from backend.sync.comparing import compare_step
from backend.sync.delivering import deliver_round, due_destinations
from backend.vault import Vault

#: How long a courier that is told to stop waits for calls that are under way.
PARTING_SECONDS = 10.0


def courier(sessions: sessionmaker[Session], vault: Vault, allowed_hosts: Collection[str] = ()) -> Rounds:
    """What is not written down when it stops goes out again."""

    def work(code: str, stopping: Stopping) -> int:
        """A round of notices and a page of the comparison, if there is one."""
        done = deliver_round(sessions, vault, code, allowed_hosts=allowed_hosts, stopping=stopping)
        if not stopping():
            done += compare_step(sessions, vault, code, allowed_hosts=allowed_hosts)
        return done

    def due(tx: Session) -> Collection[str]:
        return due_destinations(tx, now=clock.now())

    return Rounds("sync", sessions, due=due, work=work, parting_seconds=PARTING_SECONDS)
