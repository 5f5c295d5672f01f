"""Spending points through the verbs of a redemption, and what a member earned altogether."""

from datetime import datetime
from uuid import UUID

from backend import clock, ledger, points
from backend.ids import new_id
from backend.points import InsufficientPoints
from tests.backend.world import World


def spend(world: World, holder: UUID, wanted: int) -> int:
    """Spend at most so many of the holder's available points; returns how many it was."""
    while wanted:
        try:
            with world.house.transaction() as tx:
                points.spend(tx, **use(holder, wanted))
            return wanted
        except InsufficientPoints as refusal:
            wanted = int(str(refusal.facts["available"]))
    return 0


def use(holder: UUID, wanted: int, *, use_id: UUID | None = None, now: datetime | None = None) -> dict[str, object]:
    """What `points.reserve` and `points.spend` are asked with."""
    named = {"holder_id": holder, "programme": "members", "use_id": use_id or new_id(), "points": wanted}
    return named | {"now": now or clock.now()}


def net_points(world: World, holder: UUID) -> int:
    """What the holder earned by acts that stand, wherever the points are now: to come, to spend, spent, or owed."""
    with world.house.transaction() as tx:
        entries = ledger.entries(tx, holder, limit=100_000)
    moves = [transfer for entry in entries for transfer in entry.transaction.transfers]
    spent = sum(transfer.amount for transfer in moves if transfer.credit == "spent.points")
    spent -= sum(transfer.amount for transfer in moves if transfer.debit == "spent.points")
    held = world.balances(holder)
    kept = sum(held.get(f"points.{stage}", 0) for stage in ("pending", "available", "reserved"))
    return kept - held.get("points.debt", 0) + spent
