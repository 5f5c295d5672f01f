"""What can be posted: a transaction of transfers, and the transaction that takes another one back."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move `amount` (> 0) from `debit` to `credit`, two accounts of the chart that hold the same asset.

    `lot_id` names the points lot that the transfer changes, if it changes one.
    """

    debit: str
    credit: str
    amount: int
    lot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One act to be posted: its transfers stand or fall together.

    `idempotency_key` is unique per holder. Posting the same act again changes nothing; the same key with another input
    is IdempotencyConflict.
    """

    id: UUID
    holder_id: UUID
    programme: str
    kind: str
    idempotency_key: str
    transfers: tuple[Transfer, ...]
    activity_id: UUID | None = None
    reverses_id: UUID | None = None
    reason: str | None = None

    def input_hash(self) -> bytes:
        """SHA-256 over everything the act says, but not its id: a retry may come with a fresh one."""
        said = [self.programme, self.kind, str(self.activity_id), str(self.reverses_id), str(self.reason)]
        said += [f"{t.debit}>{t.credit}:{t.amount}:{t.lot_id}" for t in self.transfers]
        return hashlib.sha256("\n".join(said).encode()).digest()


def reversal(
    original: Transaction, *, id: UUID, transfers: tuple[Transfer, ...], reason: str | None = None
) -> Transaction:
    """The transaction that takes `original` back by the given transfers; an original can be reversed once."""
    return replace(
        original,
        id=id,
        kind=f"{original.kind}.reversed",
        idempotency_key=f"reverse:{original.id}",
        transfers=transfers,
        reverses_id=original.id,
        reason=reason,
    )
