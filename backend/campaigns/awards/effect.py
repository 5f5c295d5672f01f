"""What hangs on a member's acts and goes back with them: the rewards of campaigns that are over."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import activities, points
from backend.activities import ActivityKey
from backend.campaigns import reading
from backend.campaigns.awards.keeping import kept
from backend.campaigns.awards.models import CampaignAward
from backend.campaigns.awards.paying import ended
from backend.lists import recordset

#: Why the points of a reward went back.
REASON = "REWARD_NOT_KEPT"


class CampaignAwards:
    """Takes rewards back with the acts that earned them: see `settlement.DerivedEffect`."""

    name = "campaign_awards"

    def take_back(self, tx: Session, activity_keys: Sequence[ActivityKey], *, now: datetime) -> None:
        by_campaign: dict[str, list[Any]] = defaultdict(list)
        for row in _touched(tx, sorted({holder_id for holder_id, _ in activity_keys})):
            by_campaign[row.campaign].append(row)
        for code, rows in sorted(by_campaign.items()):
            campaign = reading.campaign(tx, code, now=now)
            stands = kept(tx, campaign, rows, now=now)
            lost = [row for row in rows if row.id not in stands]
            ended(tx, [row for row in lost if row.state == "planned"], "withheld", now)
            paid = [row for row in lost if row.state == "paid"]
            ended(tx, paid, "taken_back", now)
            points.revoke(tx, [(row.holder_id, row.id) for row in paid], reason=REASON, now=now)
            if points.owes_and_has(tx, {(row.holder_id, campaign.programme) for row in paid}):
                raise activities.Contended


def _touched(tx: Session, holder_ids: Sequence[UUID]) -> list[Any]:
    """The awards that may be lost with acts of these members, theirs and those of the PKs they won together, held in
    the order of their keys."""
    award = CampaignAward.__table__.c
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(holder_id,) for holder_id in holder_ids])
    open_ = award.state.in_(("planned", "paid"))
    mine = tx.execute(select(award.challenge).join(given, award.holder_id == given.c.holder_id).where(open_)).all()
    if not mine:
        return []
    together = sorted({row.challenge for row in mine if row.challenge})
    theirs = award.holder_id.in_(holder_ids) | award.challenge.in_(together)
    query = select(CampaignAward.__table__).where(open_, theirs).order_by(award.holder_id, award.id)
    return list(tx.execute(query.with_for_update()))
