"""What the days of a campaign come to, counted again from pledges and acts by a job: nobody's request waits for it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import activities, clock
from backend.campaigns.car_free import policy
from backend.campaigns.car_free.models import CampaignPledge, CarFreeDay
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import PERSON
from backend.campaigns.reading import CampaignView, counted
from backend.lists import upsert_rows

#: How old a count may be: of days around now, and of others, whose evidence comes late.
LATELY, RARELY = timedelta(minutes=5), timedelta(hours=1)
#: Days around today that are counted often.
_AROUND = timedelta(days=1)
_PAGE = 10_000


def count_due(tx: Session, *, now: datetime) -> int:
    """Count one day again whose count is too old, of the campaigns that take pledges. Returns whether there was one."""
    for campaign in counted(tx):
        if not policy.takes_pledges(campaign):
            continue
        known = {row.day: row for row in tx.scalars(select(CarFreeDay).where(CarFreeDay.campaign == campaign.code))}
        for day in campaign.days:
            row = known.get(day)
            allowed = LATELY if abs(day - clock.day_of(now)) <= _AROUND else RARELY
            if row is None or now - row.counted_at >= allowed:
                count_day(tx, campaign, day, now=now)
                return 1
    return 0


def count_day(tx: Session, campaign: CampaignView, day: date, *, now: datetime) -> None:
    """Count a day from scratch: the same acts and pledges give the same figures."""
    pledged = kept = parked = reduction_g = 0
    for holder_ids in _participants(tx, campaign):
        promised = _pledged(tx, campaign, day, holder_ids)
        pledged += len(promised)
        asked = [(holder_id, day) for holder_id in holder_ids] if day <= clock.day_of(now) else []
        acts = policy.acts_of(activities.issued_on(tx, asked), campaign.programme)
        kept += sum(holder_id in promised for holder_id, _ in acts)
        cars = [car for mine in acts.values() for car in mine if car.methodology == policy.CAR_FREE]
        parked += len({car.holder_id for car in cars})
        reduction_g += sum(car.reduction_g for car in cars)
    figures = {"pledged": pledged, "kept": kept, "parked": parked, "reduction_g": reduction_g, "counted_at": now}
    upsert_rows(tx, CarFreeDay, [{"campaign": campaign.code, "day": day, **figures}], key=("campaign", "day"))


def _participants(tx: Session, campaign: CampaignView) -> Iterator[Sequence[UUID]]:
    """Everybody who takes part, in pages."""
    row, after = CampaignParticipant.__table__.c, None
    there = (row.campaign == campaign.code, row.left_at.is_(None), row.kind == PERSON)
    while True:
        query = select(row.holder_id).where(*there).order_by(row.holder_id).limit(_PAGE)
        page = list(tx.scalars(query if after is None else query.where(row.holder_id > after)))
        if page:
            yield page
        if len(page) < _PAGE:
            return
        after = page[-1]


def _pledged(tx: Session, campaign: CampaignView, day: date, page: Sequence[UUID]) -> set[UUID]:
    """Who of a page pledged; a page is a range of ids."""
    row = CampaignPledge.__table__.c
    this = (row.campaign == campaign.code, row.day == day, row.holder_id.between(page[0], page[-1]))
    return set(tx.scalars(select(row.holder_id).where(*this))).intersection(page)
