"""Following the books: scores are brought up to date from what was announced, in batches, by one process at a time."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import outbox
from backend.campaigns import reading
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.counting import Changed, recount
from backend.campaigns.scoring.models import CampaignFollower
from backend.lists import insert_rows
from backend.outbox import Announcement

NAME = "scores"
BATCH = 500
#: An act is worth more or less than before.
ACTS_CHANGED = ("reduction.issued", "reduction.reversed", "reduction.restated")
#: A participant joined, left, shows or hides, is in another team, city or department: all of their days are counted.
PARTICIPANT_CHANGED = "campaign.participant_changed"


@dataclass(frozen=True, slots=True)
class Followed:
    """One batch: the announcements between these positions, and every score they changed."""

    after: int
    up_to: int
    looked_at: int
    changed: Sequence[Changed]


def participant_changed(tx: Session, campaign: str, holder_ids: Sequence[UUID], *, now: datetime) -> None:
    """Announce that these participants are to be counted again, in the transaction that changes something of them."""
    news = [Announcement(PARTICIPANT_CHANGED, holder_id, {"campaign": campaign}) for holder_id in holder_ids]
    outbox.announce(tx, news, now=now)


def hold_follower(tx: Session, name: str = NAME) -> CampaignFollower:
    """Hold a follower until commit; whoever writes scores does so under that of the scores."""
    insert_rows(tx, CampaignFollower, [{"name": name, "position": 0}], on_conflict=("name",))
    query = select(CampaignFollower).where(CampaignFollower.name == name)
    return tx.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def follow(tx: Session, *, now: datetime, limit: int = BATCH) -> Followed:
    """Count again what the next announcements are about. `looked_at` is 0 when there is nothing to follow."""
    follower = hold_follower(tx)
    rows = outbox.read_after(tx, follower.position, limit=limit)
    after = follower.position
    if not rows:
        return Followed(after, after, 0, ())
    changed: list[Changed] = []
    for campaign, days in _touched(reading.counted(tx), rows):
        changed += recount(tx, campaign, days, now=now)
    follower.position = rows[-1].position
    tx.flush()
    return Followed(after, follower.position, len(rows), changed)


def _touched(
    campaigns: Sequence[CampaignView], rows: Sequence[Any]
) -> list[tuple[CampaignView, set[tuple[UUID, date]]]]:
    """The (holder, day) of each campaign that these announcements are about."""
    days_of = {campaign.code: set(campaign.days) for campaign in campaigns}
    found: dict[str, set[tuple[UUID, date]]] = defaultdict(set)
    for row in rows:
        if row.holder_id is None:
            continue
        if row.topic in ACTS_CHANGED:
            facts: Mapping[str, Any] = json.loads(row.payload)
            day = date.fromisoformat(facts["day"])
            for campaign in campaigns:
                if campaign.programme == facts["programme"] and day in days_of[campaign.code]:
                    found[campaign.code].add((row.holder_id, day))
        elif row.topic == PARTICIPANT_CHANGED:
            code = json.loads(row.payload)["campaign"]
            found[code] |= {(row.holder_id, day) for day in days_of.get(code, ())}
    return [(campaign, found[campaign.code]) for campaign in campaigns if found[campaign.code]]
