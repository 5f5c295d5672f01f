"""What is proven of a bank: one account, everything at one moment, and everything from the first transaction on."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend import database, ledger, points
from backend.sandbox.member_client import MemberClient
from bench.chaos.checks import NEVER, rows_of

#: Of one account: everything moved, against what is stored and what its lots hold.
_ACCOUNT = """
    WITH moved AS (
        SELECT t.programme, side.account, sum(side.sign * m.amount) AS amount
        FROM ledger_transactions t
        JOIN ledger_transfers m ON m.holder_id = t.holder_id AND m.transaction_id = t.id
        CROSS JOIN LATERAL (VALUES (m.debit, -1), (m.credit, 1)) AS side (account, sign)
        WHERE t.holder_id = :holder GROUP BY 1, 2),
    lots AS (
        SELECT programme, 'points.' || stage AS account, sum(remaining) AS amount FROM points_lots
        WHERE holder_id = :holder AND stage <> 'closed' GROUP BY 1, 2
        UNION ALL SELECT programme, 'points.reserved', sum(reserved) FROM points_lots
        WHERE holder_id = :holder GROUP BY 1, 2 HAVING sum(reserved) > 0)
    SELECT b.account, b.amount, m.amount AS moved, l.amount AS lots FROM balances b
    LEFT JOIN moved m USING (programme, account) LEFT JOIN lots l USING (programme, account)
    WHERE b.holder_id = :holder AND (b.amount <> coalesce(m.amount, 0) OR b.account IN
        ('points.pending', 'points.available', 'points.reserved') AND b.amount <> coalesce(l.amount, 0))
"""
#: Every balance against everything that was ever moved; members of the bank are in one programme.
_BALANCES = """
    SELECT holder_id FROM (
        SELECT holder_id, debit AS account, -amount AS amount FROM ledger_transfers
        UNION ALL SELECT holder_id, credit, amount FROM ledger_transfers
        UNION ALL SELECT holder_id, account, -amount FROM balances) moved
    JOIN ledger_accounts a ON a.name = moved.account AND NOT a.system
    GROUP BY holder_id, account HAVING sum(amount) <> 0
"""
#: What uses say was spent, against what was moved to `spent.points`.
_SPENT = """
    SELECT holder_id FROM (
        SELECT holder_id, CASE WHEN credit = 'spent.points' THEN amount ELSE -amount END AS points
        FROM ledger_transfers WHERE 'spent.points' IN (debit, credit)
        UNION ALL SELECT holder_id, -points FROM points_uses WHERE state = 'spent') spent
    GROUP BY holder_id HAVING sum(points) <> 0
"""
#: Each lot against everything that was moved in it.
_LOTS = """
    SELECT l.id FROM points_lots l LEFT JOIN (
        SELECT holder_id, lot_id,
            sum(CASE WHEN credit IN ('points.pending', 'points.available') THEN amount ELSE 0 END
              - CASE WHEN debit IN ('points.pending', 'points.available') THEN amount ELSE 0 END) AS remaining,
            sum(CASE WHEN credit = 'points.reserved' THEN amount WHEN debit = 'points.reserved' THEN -amount ELSE 0 END)
                AS reserved,
            sum(CASE WHEN credit = 'expired.points' THEN amount ELSE 0 END) AS expired
        FROM ledger_transfers WHERE lot_id IS NOT NULL GROUP BY holder_id, lot_id) m
    ON m.holder_id = l.holder_id AND m.lot_id = l.id
    WHERE (l.remaining, l.reserved, l.expired)
        IS DISTINCT FROM (coalesce(m.remaining, 0), coalesce(m.reserved, 0), coalesce(m.expired, 0))
"""
EACH_LOOK = {
    "a balance is not the sum of its transfers": _BALANCES,
    "what was spent is not what uses say": _SPENT,
    "a lot is not what was moved in it": _LOTS,
    "somebody owes points and has points": NEVER["somebody owes points and has points"],
}


def account(engine: Engine, holder: UUID) -> list[str]:
    """What does not add up in one account, at one moment."""
    with engine.connect() as connection:
        rows = connection.execute(text(_ACCOUNT), {"holder": holder}).all()
    return [f"an account does not add up: {holder} {tuple(row)}" for row in rows]


def told(client: MemberClient, programme: str) -> list[str]:
    """What does not add up in what a member is told over HTTP: by state, by day, and lot by lot."""
    (found,) = (item for item in client.get("/me/points")["programmes"] if item["programme"] == programme)
    faults = []
    if found["debt"] and found["available"]:
        faults.append(f"a member is told of points and a debt: {found}")
    for state, days in (("pending", "ripening"), ("available", "lapsing")):
        listed = sum(due["points"] for due in found[days])
        if listed > found[state] or (len(found[days]) < 31 and listed != found[state]):
            faults.append(f"the days of a member's points do not add up: {found}")
    for lot in client.get("/me/points/lots?limit=50")["items"]:
        if lot["amount"] != sum(lot[name] for name in ("remaining", "reserved", "spent", "expired", "returned")):
            faults.append(f"a lot does not add up: {lot}")
    return faults


def look(engine: Engine) -> list[str]:
    """Everything of one moment: every balance, lot and use against everything that was ever moved."""
    with Session(engine) as tx:
        database.read_one_moment(tx)
        found = {fault: rows_of(tx.connection(), query) for fault, query in EACH_LOOK.items()}
        faults = [f"{fault}: {', '.join(rows)}" for fault, rows in found.items() if rows]
        return faults + [f"points: {row}" for row in points.differences(tx)]


def everything(tx: Session) -> list[str]:
    """As `look`, with the trial balance of the house: each transaction against its hash as well."""
    found = {fault: rows_of(tx.connection(), query) for fault, query in EACH_LOOK.items()}
    faults = [f"{fault}: {', '.join(rows)}" for fault, rows in found.items() if rows]
    return faults + [f"trial balance: {row}" for row in (*ledger.differences(tx), *points.differences(tx))]


def forgotten(engine: Engine, journals: Iterable[Path]) -> list[str]:
    """What a clerk was told is done, and the books do not know."""
    said = [line for path in journals for line in path.read_text().splitlines() if line[:1] not in ("", "#")]
    query = text("SELECT idempotency_key FROM ledger_transactions WHERE kind = ANY(:kinds)")
    kinds = ["reserve", "spend", "confirm", "release", "refund"]
    with engine.connect() as connection:
        known: set[Any] = set(connection.scalars(query, {"kinds": kinds}))
    lost = [line for line in said if line not in known]
    return [f"{len(lost)} acknowledged operations are not in the books: {lost[:3]}"] if lost else []
