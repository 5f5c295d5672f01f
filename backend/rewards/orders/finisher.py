"""The finisher: sees to orders at providers until their outcome is known, a thread per provider."""

from collections.abc import Collection

from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.rewards.orders.finishing import due_providers, finish_round
from backend.rewards.orders.outside import Doors
from backend.rounds import Rounds, Stopping
from backend.vault import Vault

#: How long a finisher that is told to stop waits for calls that are under way.
PARTING_SECONDS = 15.0


def finisher(sessions: sessionmaker[Session], vault: Vault, doors: Doors) -> Rounds:
    """What is not written down when it stops is asked about."""

    def work(code: str, stopping: Stopping) -> int:
        return finish_round(sessions, vault, doors, code, stopping=stopping)

    def due(tx: Session) -> Collection[str]:
        return due_providers(tx, now=clock.now())

    return Rounds("orders", sessions, due=due, work=work, parting_seconds=PARTING_SECONDS)
