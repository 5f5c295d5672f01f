"""Pledging to leave the car on a day, taking it back, and what a member is told of the days."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import activities
from backend.campaigns.car_free import policy
from backend.campaigns.car_free.errors import NoPledge, PledgesNotTaken, PledgeTooLate
from backend.campaigns.car_free.models import CampaignPledge, CarFreeDay
from backend.campaigns.errors import NotTakingPart
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import SMALLEST_GROUP
from backend.campaigns.reading import CampaignView
from backend.holdings import Held, held_rows
from backend.lists import insert_rows


def pledge(tx: Session, campaign: CampaignView, holder_id: UUID, day: date, *, now: datetime) -> None:
    """Pledge to leave the car on a day; twice is the same as once.

    Raises PledgesNotTaken, NotTakingPart, PledgeTooLate.
    """
    _require_day(campaign, day, now)
    participant = tx.get(CampaignParticipant, (holder_id, campaign.code), with_for_update={"read": True})
    if participant is None or participant.left_at is not None:
        raise NotTakingPart(campaign=campaign.code)
    row = {"holder_id": holder_id, "campaign": campaign.code, "day": day, "pledged_at": now}
    insert_rows(tx, CampaignPledge, [row], on_conflict=("holder_id", "campaign", "day"))


def withdraw(tx: Session, campaign: CampaignView, holder_id: UUID, day: date, *, now: datetime) -> None:
    """Take a pledge back while its day is not over. Raises PledgesNotTaken, PledgeTooLate, NoPledge."""
    _require_day(campaign, day, now)
    mine = (CampaignPledge.holder_id == holder_id, CampaignPledge.campaign == campaign.code)
    gone = delete(CampaignPledge).where(*mine, CampaignPledge.day == day).returning(CampaignPledge.day)
    if tx.scalar(gone.execution_options(synchronize_session=False)) is None:
        raise NoPledge


def _require_day(campaign: CampaignView, day: date, now: datetime) -> None:
    if not policy.takes_pledges(campaign):
        raise PledgesNotTaken(campaign=campaign.code)
    days = policy.days_to_pledge(campaign, now)
    if day not in days:
        raise PledgeTooLate(days=[one.isoformat() for one in days])


def days_told(tx: Session, campaign: CampaignView, holder_id: UUID, *, now: datetime) -> dict[str, Any]:
    """The days of a campaign: what everybody came to when it was counted last, and the member's own pledge.

    What fewer than five people did is told to nobody but themselves. Raises PledgesNotTaken.
    """
    if not policy.takes_pledges(campaign):
        raise PledgesNotTaken(campaign=campaign.code)
    counted = {row.day: row for row in tx.scalars(select(CarFreeDay).where(CarFreeDay.campaign == campaign.code))}
    mine = _own(tx, campaign, holder_id, now)
    days = [_told(day, counted.get(day)) | {"mine": mine.get(day)} for day in campaign.days]
    newest = max((row.counted_at for row in counted.values()), default=None)
    return {"campaign": campaign.code, "as_of": newest, "days": days}


def _told(day: date, counted: CarFreeDay | None) -> dict[str, Any]:
    """What everybody is told of a day."""
    told: dict[str, Any] = {"day": day, "pledged": 0, "kept": None, "parked": None, "reduction_g": None}
    if counted is None:
        return told
    told["pledged"] = counted.pledged
    if counted.kept >= SMALLEST_GROUP:
        told["kept"] = counted.kept
    if counted.parked >= SMALLEST_GROUP:
        told |= {"parked": counted.parked, "reduction_g": counted.reduction_g}
    return told


def _own(tx: Session, campaign: CampaignView, holder_id: UUID, now: datetime) -> Mapping[date, dict[str, Any]]:
    """The member's pledges, and how they kept them."""
    mine = (CampaignPledge.holder_id == holder_id, CampaignPledge.campaign == campaign.code)
    rows = list(tx.scalars(select(CampaignPledge).where(*mine)))
    acts = policy.acts_of(activities.issued_on(tx, [(holder_id, row.day) for row in rows]), campaign.programme)
    found = {}
    for row in rows:
        by = policy.kept_by(acts.get((holder_id, row.day), ()))
        found[row.day] = {"pledged_at": row.pledged_at, "state": policy.state_of(campaign, by, now), "by": by}
    return found


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this member."""
    return {CampaignPledge.__tablename__: held_rows(tx, CampaignPledge, holder_id)}


def forget(tx: Session, holder_id: UUID) -> None:
    """Forget what a member pledged."""
    mine = CampaignPledge.holder_id == holder_id
    tx.execute(delete(CampaignPledge).where(mine).execution_options(synchronize_session=False))
