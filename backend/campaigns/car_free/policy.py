"""When a campaign takes pledges, and when one is kept: pure rules."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from backend import clock
from backend.activities import CountedAct
from backend.campaigns import policy
from backend.campaigns.reading import CampaignView

CAR_FREE = "car_free_day"
#: Journeys of that day that show how somebody went without the car.
TRANSIT = ("metro_ride", "bus_ride")
PARKED, RODE = "parked", "transit"
OPEN, KEPT, MISSED = "open", "kept", "missed"


def takes_pledges(campaign: CampaignView) -> bool:
    """Whether it is a car-free day, or a week whose terms name car-free days among what counts."""
    named = campaign.terms.counting.methodologies
    return campaign.kind == policy.CAR_FREE_DAY or (named is not None and CAR_FREE in named)


def days_to_pledge(campaign: CampaignView, now: datetime) -> list[date]:
    """The days for which a pledge can be made or taken back: those that are not over."""
    if campaign.cancelled_at is not None:
        return []
    return [day for day in campaign.days if day >= clock.day_of(now)]


def acts_of(acts: Iterable[CountedAct], programme: str) -> dict[tuple[UUID, date], list[CountedAct]]:
    """(Holder, day) → their issued acts in the programme that show a day without the car; only where there are any."""
    found: dict[tuple[UUID, date], list[CountedAct]] = {}
    for act in acts:
        if act.programme == programme and act.methodology in (CAR_FREE, *TRANSIT):
            found.setdefault((act.holder_id, act.day), []).append(act)
    return found


def kept_by(acts: Iterable[CountedAct]) -> str | None:
    """How a member went without the car, by the acts of a day that show it; None where none does.

    A car that stood and rides never count both, since one excludes the other (`activities`).
    """
    codes = {act.methodology for act in acts}
    if CAR_FREE in codes:
        return PARKED
    return RODE if codes else None


def state_of(campaign: CampaignView, by: str | None, now: datetime) -> str:
    """Where a pledge stands. Evidence may come late, so none is missed before the campaign closes."""
    if by is not None:
        return KEPT
    return MISSED if now >= campaign.closes_at else OPEN
