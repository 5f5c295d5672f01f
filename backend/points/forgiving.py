"""What was written off is forgiven once: points of the same cause that come back later pay it back first.

A programme that writes a debt off has given those points away. When the act that caused the debt is credited again, or
what its points were spent on comes back, the member would have them a second time; so these points, and no others, go
to the issuer until what was forgiven is made up for. It ends as it would have, had they come back before the write-off.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from backend import ledger
from backend.ids import new_id
from backend.ledger import Move, Transaction, Transfer
from backend.points.models import Lot

_AVAILABLE, _DEBT = "points.available", "points.debt"
WRITTEN_OFF, _OWED = "written_off.points", "owed.points"


class Forgiven:
    """What stands written off of one holder, by programme, and how much of it each act may still have caused."""

    def __init__(self, moves: Iterable[Move]) -> None:
        self._standing: dict[str, int] = defaultdict(int)
        self._caused: dict[UUID | None, int] = defaultdict(int)
        for move in moves:
            if move.credit == WRITTEN_OFF:
                self._standing[move.programme] += move.amount
            elif move.debit == WRITTEN_OFF:
                self._standing[move.programme] -= move.amount
                self._caused[move.activity_id] -= move.amount
            elif (move.debit, move.credit) == (_OWED, _DEBT):
                self._caused[move.activity_id] += move.amount

    @property
    def points(self) -> int:
        """All programmes together."""
        return sum(self._standing.values())

    def take(self, lot: Lot, most: int) -> int:
        """How many of at most so many points of this lot pay back; they are counted as paid back."""
        points = max(0, min(most, self._standing[lot.programme], self._caused[lot.activity_id]))
        self._standing[lot.programme] -= points
        self._caused[lot.activity_id] -= points
        return points


def forgiven(tx: Session, holder_id: UUID) -> Forgiven:
    """What stands written off of this holder, whose debts the caller holds."""
    return Forgiven(ledger.moves_of(tx, holder_id, (WRITTEN_OFF, _OWED)))


def paid_back(lot: Lot, points: int, when: str) -> Transaction:
    """The transaction by which available points of a lot make up for what was written off; `when`: names the moment."""
    transfers = Transfer(_AVAILABLE, "issuer.points", points, lot.id), Transfer(WRITTEN_OFF, _OWED, points)
    key = f"write_off.recovered:{lot.id}:{when}"
    kind = "write_off.recovered"
    return Transaction(new_id(), lot.holder_id, lot.programme, kind, key, transfers, activity_id=lot.activity_id)
