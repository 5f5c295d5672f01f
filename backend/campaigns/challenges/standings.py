"""Standings: what the sides of a running PK have come to so far.

Two persons are looked up as they are asked for. Teams and departments may be thousands of people whom thousands look at
at the same moment, so they are counted once a minute and kept.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.campaigns import reading
from backend.campaigns.challenges import counting
from backend.campaigns.challenges.models import CampaignChallenge, CampaignChallengeStanding
from backend.campaigns.challenges.policy import PERSON, SIDES, Side
from backend.campaigns.models import Campaign
from backend.campaigns.reading import CampaignView
from backend.database import retried, transaction
from backend.lists import upsert_rows


def refresh(sessions: sessionmaker[Session]) -> None:
    """Count the teams and departments of every PK that runs or waits for late acts."""
    with transaction(sessions) as tx:
        running = _running(tx, clock.now())
    for challenge_id in running:
        retried(sessions, partial(_keep, challenge_id=challenge_id, now=clock.now()))


def standing(
    tx: Session, campaign: CampaignView, row: CampaignChallenge, *, now: datetime
) -> tuple[dict[str, Side], datetime]:
    """Both sides of a PK that is not final, and of when that is."""
    kept = None if row.kind == PERSON else tx.get(CampaignChallengeStanding, row.id)
    if kept is None:
        return counting.standing(tx, campaign, row), now
    return {side: Side(*(getattr(kept, f"{side}_{name}") for name in Side._fields)) for side in SIDES}, kept.as_of


def _running(tx: Session, now: datetime) -> list[UUID]:
    row = CampaignChallenge
    query = select(row.id).join(Campaign, Campaign.code == row.campaign).where(Campaign.cancelled_at.is_(None))
    query = query.where(row.accepted_at.is_not(None), row.withdrawn_at.is_(None), row.final_at.is_(None))
    return list(tx.scalars(query.where(row.kind != PERSON, row.first_day <= clock.day_of(now)).order_by(row.id)))


def _keep(tx: Session, challenge_id: UUID, now: datetime) -> None:
    row = tx.get_one(CampaignChallenge, challenge_id)
    sides = counting.standing(tx, reading.campaign(tx, row.campaign, now=now), row)
    counts = {f"{side}_{name}": value for side in SIDES for name, value in sides[side]._asdict().items()}
    upsert_rows(
        tx, CampaignChallengeStanding, [{"challenge_id": row.id, "as_of": now, **counts}], key=("challenge_id",)
    )
