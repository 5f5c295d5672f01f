"""What hangs on activities and goes back with them: a certificate, an adoption, a campaign's reward, a rank.

Whoever derives something from an issued act registers how it is taken back, once, where the house is built. The
effects travel with the house's sessions, so that no caller of `settle` or `reverse` can forget them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session, sessionmaker

from backend.activities import Act, ActivityKey
from backend.errors import Misconfigured

_INFO = "derived_effects"


class DerivedEffect(Protocol):
    """One kind of thing that is derived from issued acts. `name` tells it from the others and never changes."""

    @property
    def name(self) -> str: ...

    def take_back(self, tx: Session, activity_keys: Sequence[ActivityKey], *, now: datetime) -> None:
        """Take back whatever was derived from these acts, in the transaction that takes the acts back.

        The keys are sorted; rows are to be locked in their order. Acts nothing was derived from are among them, and
        an act that comes to its right again may lose it once more, so taking back nothing is no fault. The books are
        posted already. What it raises undoes the whole transaction: no act goes back without what hangs on it.
        """
        ...


def register_effects(sessions: sessionmaker[Session], effects: Iterable[DerivedEffect]) -> None:
    """From now on, transactions of these sessions take these effects back, in this order. Misconfigured when two share
    a name."""
    known = tuple(effects)
    names = [effect.name for effect in known]
    if len(set(names)) < len(names):
        raise Misconfigured(f"derived effects share a name: {', '.join(sorted(names))}")
    sessions.configure(info={_INFO: known})


def take_back(tx: Session, acts: Iterable[Act], *, now: datetime) -> None:
    """Let every registered effect take back what it derived from these acts."""
    effects: Sequence[DerivedEffect] = tx.info.get(_INFO, ())
    keys = sorted({act.key for act in acts})
    for effect in effects if keys else ():
        effect.take_back(tx, keys, now=now)
