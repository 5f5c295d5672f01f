"""Awarding: the lots that credited acts earn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend.ids import new_id
from backend.ledger import Transfer
from backend.lists import insert_rows
from backend.points.lots import LotKey
from backend.points.models import Lot
from backend.points.policy import Rule, available_at, expires_at, rule_on
from backend.points.rules import rules


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
                "reserved": 0,
                "expired": 0,
                "stage": "pending",
                "available_at": ripe,
                "expires_at": expires_at(ripe, rule),
            }
        )
    insert_rows(tx, Lot, rows)
    return awards
