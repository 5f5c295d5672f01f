"""Points: awarding lots, taking them back, letting them ripen and lapse. Every change of a lot is a transfer."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, select, update
from sqlalchemy.orm import Session

from backend import ledger
from backend.database import Amount
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import Columns, insert_rows, recordset
from backend.points.models import Lot, PointsRule
from backend.points.policy import Rule, available_at, expires_at, rule_on

LotKey = tuple[UUID, UUID]  # holder, lot


@dataclass(frozen=True, slots=True)
class Earning:
    """An act that was credited and earns points by the rule of its day. Grams and watt-hours are whole.

    `engagement`: its methodology claims taking part, so that it earns points without any of them.
    """

    holder_id: UUID
    activity_id: UUID
    programme: str
    methodology: str
    day: date
    pending_days: int
    reduction_g: int
    offset_g: int
    eac_wh: int
    engagement: bool

    def points_by(self, rule: Rule) -> int:
        """What the act earns by this rule."""
        credits = self.reduction_g, self.offset_g, self.eac_wh
        return rule.points_for(self.methodology, *credits, engagement=self.engagement)


@dataclass(frozen=True, slots=True)
class Award:
    """The lot an act earned."""

    lot_id: UUID
    points: int
    rule_version: int
    available_at: datetime

    @property
    def transfer(self) -> Transfer:
        return Transfer("issuer.points", "points.pending", self.points, self.lot_id)


def save_rule(
    tx: Session,
    *,
    programme: str,
    version: int,
    in_force_from: date,
    points_per_gram: str = "1",
    fixed_points: Mapping[str, int] | None = None,
    expires_after_days: int = 730,
    note: str = "",
) -> None:
    """Publish a version of a programme's points rule. A version that exists already is left as it is."""
    row = {
        "programme": programme,
        "version": version,
        "in_force_from": in_force_from,
        "points_per_gram": points_per_gram,
        "fixed_points": json.dumps(fixed_points or {}, sort_keys=True),
        "expires_after_days": expires_after_days,
        "note": note,
    }
    insert_rows(tx, PointsRule, [row], on_conflict=("programme", "version"))


def rules(tx: Session) -> list[Rule]:
    """Every version of every programme's rule."""
    return [
        Rule.parse(
            row.programme,
            row.version,
            row.in_force_from,
            row.points_per_gram,
            row.fixed_points,
            row.expires_after_days,
            row.note,
        )
        for row in tx.scalars(select(PointsRule).order_by(PointsRule.programme, PointsRule.version))
    ]


def award(tx: Session, earnings: Sequence[Earning]) -> dict[LotKey, Award]:
    """Open a lot for each act that earns points; the caller posts the awards' transfers. Keyed by holder, activity."""
    known = rules(tx) if earnings else []
    awards: dict[LotKey, Award] = {}
    rows = []
    for earning in earnings:
        rule = rule_on(known, earning.programme, earning.day)
        points = earning.points_by(rule) if rule else 0
        if rule is None or points == 0:
            continue
        ripe = available_at(earning.day, earning.pending_days)
        granted = Award(new_id(), points, rule.version, ripe)
        awards[earning.holder_id, earning.activity_id] = granted
        rows.append(
            {
                "holder_id": earning.holder_id,
                "id": granted.lot_id,
                "programme": earning.programme,
                "activity_id": earning.activity_id,
                "rule_version": rule.version,
                "amount": points,
                "remaining": points,
                "expired": 0,
                "stage": "pending",
                "available_at": ripe,
                "expires_at": expires_at(ripe, rule),
            }
        )
    insert_rows(tx, Lot, rows)
    return awards


def take_back(tx: Session, awards: Mapping[LotKey, str]) -> dict[LotKey, list[Transfer]]:
    """Plan taking whole lots back (holder, lot → programme): the transfers per lot, for the caller to post.

    What is left of the lot goes back first; what was spent is paid from the holder's other available lots, soonest to
    lapse first; what remains becomes debt. What lapsed was never used and is not owed.
    """
    lots = _open_lots(tx, awards)
    transfers: dict[LotKey, list[Transfer]] = {key: [] for key in awards}
    owed: dict[LotKey, int] = {}
    for key in sorted(awards):
        lot = lots[key]
        owed[key] = lot.amount - lot.remaining - lot.expired
        if lot.remaining:
            transfers[key].append(Transfer(f"points.{lot.stage}", "issuer.points", lot.remaining, lot.id))
        lot.remaining, lot.stage = 0, "closed"
    for key, amount in sorted(owed.items()):
        others = [
            lot
            for lot in lots.values()
            if lot.holder_id == key[0] and lot.programme == awards[key] and lot.stage == "available"
        ]
        for lot in sorted(others, key=lambda item: (item.expires_at, item.id)):
            part = min(amount, lot.remaining)
            if part:
                transfers[key].append(Transfer("points.available", "issuer.points", part, lot.id))
                _use(lot, part)
                amount -= part
        if amount:
            transfers[key].append(Transfer("owed.points", "points.debt", amount))
    _save(tx, list(lots.values()))
    return transfers


def _open_lots(tx: Session, awards: Collection[LotKey]) -> dict[LotKey, Lot]:
    """The lots to take back and every open lot of their holders, locked in key order."""
    holders = sorted({holder_id for holder_id, _ in awards})
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(holder_id,) for holder_id in holders])
    query = (
        select(Lot)
        .join(given, Lot.holder_id == given.c.holder_id)
        .where((Lot.stage != "closed") | Lot.id.in_([lot_id for _, lot_id in awards]))
        .order_by(Lot.holder_id, Lot.id)
        .with_for_update(of=Lot)
        .execution_options(populate_existing=True)
    )
    found = {(lot.holder_id, lot.id): lot for lot in tx.scalars(query)}
    for lot in found.values():
        tx.expunge(lot)
    return found


def _use(lot: Lot, amount: int) -> None:
    lot.remaining -= amount
    if lot.remaining == 0:
        lot.stage = "closed"


def _save(tx: Session, lots: Sequence[Lot]) -> None:
    """Write the changed amounts and stages of lots."""
    if not lots:
        return
    types: Columns = {"holder_id": Uuid(), "id": Uuid(), "remaining": Amount, "expired": Amount, "stage": Text()}
    rows = [tuple(getattr(lot, name) for name in types) for lot in lots]
    given = recordset(tx, "given", types, rows)
    tx.execute(
        update(Lot)
        .values({name: given.c[name] for name in ("remaining", "expired", "stage")})
        .where(Lot.holder_id == given.c.holder_id, Lot.id == given.c.id)
        .execution_options(synchronize_session=False)
    )


def ripen(tx: Session, *, now: datetime, limit: int = 500) -> int:
    """Make pending lots whose time has come available, paying debts from them first. Returns how many lots ripened."""
    lots = _due(tx, "pending", Lot.available_at <= now, limit)
    debts = _debts(tx, lots)
    transactions = []
    for lot in lots:
        transfers = [Transfer("points.pending", "points.available", lot.remaining, lot.id)]
        lot.stage = "available"
        paid = min(debts[lot.holder_id, lot.programme], lot.remaining)
        if paid:
            debts[lot.holder_id, lot.programme] -= paid
            transfers.append(Transfer("points.available", "issuer.points", paid, lot.id))
            transfers.append(Transfer("points.debt", "owed.points", paid))
            _use(lot, paid)
        transactions.append(_lot_transaction(lot, "ripen", f"ripen:{lot.id}", tuple(transfers)))
    _save(tx, lots)
    ledger.post(tx, transactions, now=now)
    return len(lots)


def lapse(tx: Session, *, now: datetime, limit: int = 500) -> int:
    """Close available lots whose life is over. Returns how many lapsed."""
    lots = _due(tx, "available", Lot.expires_at <= now, limit)
    transactions = []
    for lot in lots:
        transfer = Transfer("points.available", "expired.points", lot.remaining, lot.id)
        key = f"lapse:{lot.id}:{lot.expires_at:%Y-%m-%d}"
        transactions.append(_lot_transaction(lot, "lapse", key, (transfer,)))
        lot.expired, lot.remaining, lot.stage = lot.expired + lot.remaining, 0, "closed"
    _save(tx, lots)
    ledger.post(tx, transactions, now=now)
    return len(lots)


def _due(tx: Session, stage: str, condition: Any, limit: int) -> list[Lot]:
    """Lots of this stage whose time has come, locked; those another process works on are left to it."""
    ordered = (
        select(Lot.holder_id, Lot.id)
        .where(Lot.stage == stage, condition)
        .order_by(Lot.holder_id, Lot.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    keys = [(row.holder_id, row.id) for row in tx.execute(ordered)]
    if not keys:
        return []
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, keys)
    query = (
        select(Lot)
        .join(given, (Lot.holder_id == given.c.holder_id) & (Lot.id == given.c.id))
        .order_by(Lot.holder_id, Lot.id)
        .execution_options(populate_existing=True)
    )
    lots = list(tx.scalars(query))
    for lot in lots:
        tx.expunge(lot)
    return lots


def _debts(tx: Session, lots: Sequence[Lot]) -> dict[tuple[UUID, str], int]:
    """What the holders of these lots owe, held until commit."""
    found: dict[tuple[UUID, str], int] = defaultdict(int)
    # Held with what ripening changes: a debt that arises at this moment waits for it, or is seen here.
    accounts = ("points.available", "points.debt", "points.pending")
    held = ledger.hold_balances(tx, {(lot.holder_id, lot.programme) for lot in lots}, accounts)
    for (holder_id, programme, account), amount in held.items():
        if account == "points.debt":
            found[holder_id, programme] = amount
    return found


def _lot_transaction(lot: Lot, kind: str, key: str, transfers: tuple[Transfer, ...]) -> Transaction:
    return Transaction(new_id(), lot.holder_id, lot.programme, kind, key, transfers, activity_id=lot.activity_id)
