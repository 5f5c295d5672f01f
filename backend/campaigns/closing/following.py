"""Corrections: what becomes of scores after the final, followed through what the books announce.

The final is never changed. Who takes an act back later changes what its member would have come to, and that is written
beside the final, so that whoever reads a place can also read what stands today.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import outbox
from backend.campaigns import reading, scoring
from backend.campaigns.closing.models import CampaignCorrection, CampaignFinalScore
from backend.campaigns.models import Campaign
from backend.campaigns.policy import total
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import participants_of
from backend.lists import insert_rows, recordset

NAME = "finals"
BATCH = 1_000
_AMOUNTS = ("grams", "points", "acts", "days")

Amounts = Mapping[str, int]


def hold_finals(tx: Session) -> Any:
    """Hold who follows the finals until commit: results are frozen and corrected by one transaction at a time."""
    return scoring.hold_follower(tx, NAME)


def correct_finals(tx: Session, *, now: datetime, limit: int = BATCH) -> int:
    """Write the corrections that the next announcements ask for. Returns how many of these were looked at."""
    follower = hold_finals(tx)
    rows = outbox.read_after(tx, follower.position, limit=limit)
    if not rows:
        return 0
    for campaign, holder_ids in _touched(finals(tx), rows):
        correct(tx, campaign, holder_ids, now=now)
    follower.position = rows[-1].position
    tx.flush()
    return len(rows)


def finals(tx: Session) -> list[CampaignView]:
    """The campaigns whose result is frozen."""
    query = select(Campaign.__table__).where(Campaign.final_at.is_not(None)).order_by(Campaign.code)
    return [reading.view(row) for row in tx.execute(query)]


def correct(tx: Session, campaign: CampaignView, holder_ids: Collection[UUID], *, now: datetime) -> None:
    """Count these members again, and write down what is otherwise than it stood. The caller holds `hold_finals`."""
    participants = participants_of(tx, campaign.code, holder_ids)
    stood, today = standing(tx, campaign.code, participants), counted_today(tx, campaign, participants)
    rows = []
    for holder_id in sorted(participants):
        sequence, before = stood.get(holder_id, (0, dict.fromkeys(_AMOUNTS, 0)))
        if today[holder_id] != before:
            named = {"holder_id": holder_id, "campaign": campaign.code, "sequence": sequence + 1}
            named |= {"participant_id": participants[holder_id].id, "corrected_at": now}
            rows.append(named | today[holder_id])
    insert_rows(tx, CampaignCorrection, rows)


def counted_today(tx: Session, campaign: CampaignView, holder_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """What the acts of these members come to today: grams, points, acts and days."""
    days = [(holder_id, day) for holder_id in sorted(holder_ids) for day in campaign.days]
    of_holder: dict[UUID, list[Any]] = defaultdict(list)
    for (holder_id, _), score in scoring.count_acts(tx, campaign, days).items():
        of_holder[holder_id].append(score)
    found = {}
    for holder_id in holder_ids:
        score = total(of_holder[holder_id])
        days_counted = len(of_holder[holder_id])
        found[holder_id] = {"grams": score.grams, "points": score.points, "acts": score.acts, "days": days_counted}
    return found


def standing(tx: Session, code: str, holder_ids: Collection[UUID]) -> dict[UUID, tuple[int, dict[str, int]]]:
    """The sequence of the last correction of each of these members (0: the final itself) and what it says; of those
    who have either."""
    if not holder_ids:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in sorted(set(holder_ids))])
    found: dict[UUID, tuple[int, dict[str, int]]] = {}
    final, correction = CampaignFinalScore.__table__.c, CampaignCorrection.__table__.c
    frozen = select(final.holder_id, *(final[name] for name in _AMOUNTS)).join(
        given, (final.holder_id == given.c.holder_id) & (final.campaign == code)
    )
    for row in tx.execute(frozen):
        found[row.holder_id] = 0, {name: getattr(row, name) for name in _AMOUNTS}
    later = select(CampaignCorrection.__table__).join(
        given, (correction.holder_id == given.c.holder_id) & (correction.campaign == code)
    )
    for row in tx.execute(later.order_by(correction.sequence)):
        found[row.holder_id] = row.sequence, {name: getattr(row, name) for name in _AMOUNTS}
    return found


def _touched(campaigns: Sequence[CampaignView], rows: Sequence[Any]) -> list[tuple[CampaignView, set[UUID]]]:
    """The members of each campaign whose acts these announcements are about."""
    days_of = {campaign.code: set(campaign.days) for campaign in campaigns}
    found: dict[str, set[UUID]] = defaultdict(set)
    for row in rows if campaigns else ():
        if row.holder_id is not None and row.topic in scoring.ACTS_CHANGED:
            facts = json.loads(row.payload)
            for campaign in campaigns:
                if (
                    campaign.programme == facts["programme"]
                    and date.fromisoformat(facts["day"]) in days_of[campaign.code]
                ):
                    found[campaign.code].add(row.holder_id)
    return [(campaign, found[campaign.code]) for campaign in campaigns if found[campaign.code]]
