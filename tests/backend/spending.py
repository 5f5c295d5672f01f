"""Spending points the way a redemption does: lots soonest to lapse first, every change of a lot a transfer."""

from uuid import UUID

from sqlalchemy import text

from backend import clock, ledger
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from tests.backend.world import World

#: The holder's available lots, in the order they are used up; the text comparison serves both databases.
_LOTS = """
SELECT CAST(id AS TEXT) AS id, remaining FROM points_lots
WHERE stage = 'available' AND REPLACE(CAST(holder_id AS TEXT), '-', '') = :holder ORDER BY expires_at, id
"""
#: In the order in which the house locks lots; SQLite holds its write lock from the first statement on.
_HOLD = """
SELECT id FROM points_lots
WHERE stage = 'available' AND REPLACE(CAST(holder_id AS TEXT), '-', '') = :holder ORDER BY id FOR UPDATE
"""
_USE = """
UPDATE points_lots SET remaining = remaining - :part,
       stage = CASE WHEN remaining = :part THEN 'closed' ELSE stage END
WHERE CAST(id AS TEXT) = :id
"""


def spend(world: World, holder: UUID, points: int) -> int:
    """Spend at most so many of the holder's available points; returns how many it was."""
    with world.house.transaction() as tx:
        if tx.get_bind().dialect.name == "postgresql":
            tx.execute(text(_HOLD), {"holder": holder.hex}).all()
        transfers, left = [], points
        for lot in tx.execute(text(_LOTS), {"holder": holder.hex}).all():
            part = min(left, lot.remaining)
            if part:
                transfers.append(Transfer("points.available", "spent.points", part, UUID(lot.id)))
                tx.execute(text(_USE), {"part": part, "id": lot.id})
                left -= part
        if transfers:
            act = Transaction(new_id(), holder, "members", "redeem", f"redeem:{new_id()}", tuple(transfers))
            ledger.post(tx, [act], now=clock.now())
    return points - left


def net_points(world: World, holder: UUID) -> int:
    """What the holder earned by acts that stand, wherever the points are now: to come, to spend, spent, or owed."""
    with world.house.transaction() as tx:
        spent = tx.scalar(
            text(
                "SELECT COALESCE(SUM(amount), 0) FROM ledger_transfers"
                " WHERE credit = 'spent.points' AND REPLACE(CAST(holder_id AS TEXT), '-', '') = :holder"
            ),
            {"holder": holder.hex},
        )
    held = world.balances(holder)
    return held.get("points.pending", 0) + held.get("points.available", 0) - held.get("points.debt", 0) + int(spent)
