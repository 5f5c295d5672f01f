"""Granting: points that rest on no act but on what two operators agreed to give, a reward of a campaign for instance.

A grant lives in a lot like every other: it ripens, lapses, is spent and is drawn from the budgets that cover its
campaign. The lot names the grant where others name their act, and its methodology is empty (`GRANTED`): no rule gave
it, so no cap counts it. A grant is given whole or not at all, and taken back whole.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import ledger
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import insert_rows, recordset
from backend.points.budgets.drawing import Drawn, Wanted, draw, give_back, hold_covering
from backend.points.errors import GrantNotCovered, NoPointsRule
from backend.points.lots import LotKey
from backend.points.models import GRANTED, Grant, Lot
from backend.points.policy import Rule, expires_at
from backend.points.rules import rules
from backend.points.settling import to_budgets
from backend.points.taking_back import take_back

GRANT = "grant"
#: What a granted lot names as the partner it came from.
SOURCE = "house:grants"


@dataclass(frozen=True, slots=True)
class NewGrant:
    """Points (> 0) to be given to a member under an id of the caller's; `title` says for what, `中文 / English`.

    `campaign` and `day` choose the budgets they are drawn from, as they do for bonuses.
    """

    holder_id: UUID
    id: UUID
    programme: str
    campaign: str
    day: date
    points: int
    title: str


def hold_for_grants(tx: Session, grants: Sequence[NewGrant]) -> None:
    """Hold the budgets and balances that these grants will change, so that a caller may hold its own rows behind them,
    where settlement holds what hangs on acts."""
    hold_covering(tx, [_wanted(item) for item in grants])
    ledger.hold_balances(tx, {(item.holder_id, item.programme) for item in grants}, ("points.pending",))


def grant(tx: Session, grants: Sequence[NewGrant], *, now: datetime) -> None:
    """Give all of these, in this transaction. They are available as soon as lots ripen.

    Raises NoPointsRule where no rule says how long points live, GrantNotCovered where a budget would not do: then
    nothing of the list may be committed.
    """
    if not grants:
        return
    found = {item.programme: rule_for_grants(tx, item.programme, item.day) for item in grants}
    drawn = draw(tx, [_wanted(item) for item in grants])
    for answer, item in zip(drawn, grants, strict=True):
        if answer.points < item.points:
            assert answer.cut is not None
            raise GrantNotCovered(budget=answer.cut.budget, title=answer.cut.title, why=answer.cut.why)
    lots = [_lot(item, answer, found[item.programme], now) for item, answer in zip(grants, drawn, strict=True)]
    rows = [_row(item, lot["id"], now) for item, lot in zip(grants, lots, strict=True)]
    insert_rows(tx, Lot, lots)
    insert_rows(tx, Grant, rows)
    ledger.post(tx, [_posted(row) for row in rows], now=now, in_savepoint=False)


def revoke(tx: Session, keys: Collection[LotKey], *, reason: str, now: datetime) -> list[LotKey]:
    """Take grants (holder, grant) back whole; returns those taken back now. What was spent of them becomes debt.

    The caller holds something that keeps two from taking back the same grant, and asks `owes_and_has` afterwards.
    """
    rows = _standing(tx, keys)
    returned = take_back(tx, {(row.holder_id, row.lot_id): row.programme for row in rows}, now=now) if rows else {}
    give_back(tx, to_budgets(tx, returned))
    reversals = [
        ledger.reversal(
            _posted(row._asdict()),
            id=new_id(),
            transfers=tuple(returned[row.holder_id, row.lot_id]),
            reason=reason,
        )
        for row in rows
        if returned[row.holder_id, row.lot_id]  # points that all lapsed leave nothing to take back
    ]
    ledger.post(tx, reversals, now=now, in_savepoint=False)
    return [(row.holder_id, row.id) for row in rows]


def rule_for_grants(tx: Session, programme: str, day: date) -> Rule:
    """The rule by which granted points lapse. Raises NoPointsRule."""
    begun = [rule for rule in rules(tx) if rule.programme == programme and rule.in_force_from <= day]
    if not begun:
        raise NoPointsRule(programme=programme, day=day.isoformat())
    return max(begun, key=lambda rule: (rule.in_force_from, rule.version))


def _standing(tx: Session, keys: Collection[LotKey]) -> list[Any]:
    """The rows of these grants that were not taken back, in the order of their keys."""
    if not keys:
        return []
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, sorted(set(keys)))
    row, lot = Grant.__table__.c, Lot.__table__.c
    query = (
        select(Grant.__table__)
        .join(given, (row.holder_id == given.c.holder_id) & (row.id == given.c.id))
        .join(Lot.__table__, (lot.holder_id == row.holder_id) & (lot.id == row.lot_id))
        .where(lot.taken_back_at.is_(None))
    )
    return list(tx.execute(query.order_by(row.holder_id, row.id)))


def _wanted(item: NewGrant) -> Wanted:
    return Wanted(item.programme, None, item.campaign, item.day, item.points)


def _lot(item: NewGrant, drawn: Drawn, rule: Rule, now: datetime) -> dict[str, Any]:
    return {
        "holder_id": item.holder_id,
        "id": new_id(),
        "programme": item.programme,
        "activity_id": item.id,
        "partner": SOURCE,
        "methodology": GRANTED,
        "day": item.day,
        "rule_version": rule.version,
        "campaign": None,
        "multiplier_version": None,
        "drawn_from": drawn.drawn_from,
        "amount": item.points,
        "remaining": item.points,
        "reserved": 0,
        "expired": 0,
        "stage": "pending",
        "available_at": now,
        "expires_at": expires_at(now, rule),
    }


def _row(item: NewGrant, lot_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "holder_id": item.holder_id,
        "id": item.id,
        "programme": item.programme,
        "campaign": item.campaign,
        "title": item.title,
        "points": item.points,
        "lot_id": lot_id,
        "transaction_id": new_id(),
        "granted_at": now,
    }


def _posted(row: dict[str, Any]) -> Transaction:
    """How a grant stands in the books: under its own id, where credits stand under that of their act."""
    return Transaction(
        row["transaction_id"],
        *(row["holder_id"], row["programme"], GRANT, f"{GRANT}:{row['id']}"),
        transfers=(Transfer("issuer.points", "points.pending", row["points"], row["lot_id"]),),
        activity_id=row["id"],
    )
