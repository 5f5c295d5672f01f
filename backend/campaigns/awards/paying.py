"""Paying awards: page by page, each page a transaction, so that a killed worker's successor goes on behind it.

An award is paid under its own id, and marked in the transaction that pays it. Before it is paid it is judged once more
by what the member's acts come to now, with the award held: whoever takes an act back holds the same row, so one of the
two sees what the other did.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import points
from backend.campaigns import reading
from backend.campaigns.awards.keeping import kept
from backend.campaigns.awards.models import CampaignAward
from backend.campaigns.awards.proposing import last_day
from backend.campaigns.reading import CampaignView
from backend.lists import recordset, update_rows
from backend.points import GrantNotCovered, NewGrant, NoPointsRule

PAGE = 500
#: What a reward is called in the books, behind the title of its campaign.
TITLE = "奖励 / reward"

log = structlog.get_logger(__name__)


def pay(tx: Session, *, now: datetime, limit: int = PAGE) -> int:
    """Pay the next planned awards of one campaign. Returns how many were settled, paid or withheld.

    A campaign whose budget would not do is passed over until there is more in it.
    """
    award = CampaignAward.__table__.c
    for code in list(tx.scalars(select(award.campaign).where(award.state == "planned").distinct())):
        campaign = reading.campaign(tx, code, now=now)
        savepoint = tx.begin_nested()
        try:
            done = _pay_page(tx, campaign, now, limit)
        except (GrantNotCovered, NoPointsRule) as refusal:
            savepoint.rollback()
            log.warning("campaign_awards_not_covered", campaign=code, **refusal.facts)
            continue
        savepoint.commit()
        if done:
            return done
    return 0


def _pay_page(tx: Session, campaign: CampaignView, now: datetime, limit: int) -> int:
    award = CampaignAward.__table__.c
    query = select(CampaignAward.__table__).where(award.campaign == campaign.code, award.state == "planned")
    page = tx.execute(query.order_by(award.holder_id, award.id).limit(limit)).all()
    points.hold_for_grants(tx, [_grant(campaign, row) for row in page])
    held = _hold(tx, [(row.holder_id, row.id) for row in page])
    stands = kept(tx, campaign, held, now=now)
    points.grant(tx, [_grant(campaign, row) for row in held if row.id in stands], now=now)
    _write(tx, [row for row in held if row.id in stands], {"state": "paid", "paid_at": now})
    ended(tx, [row for row in held if row.id not in stands], "withheld", now)
    return len(page)


def _hold(tx: Session, keys: Sequence[tuple[UUID, UUID]]) -> list[Any]:
    """Those of these awards (holder, award) that are still planned, held until commit in the order of their keys."""
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, sorted(keys))
    award = CampaignAward.__table__.c
    query = (
        select(CampaignAward.__table__)
        .join(given, (award.holder_id == given.c.holder_id) & (award.id == given.c.id))
        .where(award.state == "planned")
        .order_by(award.holder_id, award.id)
    )
    return list(tx.execute(query.with_for_update(of=CampaignAward.__table__)))


def ended(tx: Session, rows: Sequence[Any], state: str, now: datetime) -> None:
    """Write that awards which are held are `withheld` or `taken_back`."""
    _write(tx, rows, {"state": state, "ended_at": now})


def _write(tx: Session, rows: Sequence[Any], change: dict[str, Any]) -> None:
    changes = [{"holder_id": row.holder_id, "id": row.id, **change} for row in rows]
    update_rows(tx, CampaignAward, changes, key=("holder_id", "id"))


def _grant(campaign: CampaignView, row: Any) -> NewGrant:
    zh, _, en = campaign.title.partition(" / ")
    words = TITLE.partition(" / ")
    title = f"{zh}{words[0]} / {en or zh}: {words[2]}"
    where = {"programme": campaign.programme, "campaign": campaign.code, "day": last_day(campaign)}
    return NewGrant(holder_id=row.holder_id, id=row.id, points=row.points, title=title, **where)
