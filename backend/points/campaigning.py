"""What an announced campaign adds to what acts earn: its multiplier, and the budget of its bonuses and rewards.

Two operators agreed on it where the campaign was announced. It counts from a day behind that, as every change.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend.points.budgets.funding import LARGEST, NewBudget, open_budget
from backend.points.changing import require_factor
from backend.points.coming_into_force import require_later
from backend.points.errors import InvalidBudget, RuleChangedMeanwhile
from backend.points.policy import announced_on
from backend.points.rules import multipliers, save_multiplier


@dataclass(frozen=True, slots=True)
class CampaignPoints:
    """What a campaign (`title`: `中文 / English`) does to points from its first to its last day.

    `factor`: what it multiplies points by, exact, as text; None: nothing. `methodologies`: whose acts, None for all.
    `budget_points`: what bonuses and rewards may cost together, also behind the last day; None: not limited.
    """

    programme: str
    campaign: str
    title: str
    first_day: date
    last_day: date
    factor: str | None = None
    methodologies: Collection[str] | None = None
    budget_points: int | None = None


def check_campaign(tx: Session, campaign: CampaignPoints, *, now: datetime) -> None:
    """Whether this can be announced now.

    Raises InvalidRule, InvalidBudget, RuleTooLate, RuleChangedMeanwhile where the campaign multiplies already.
    """
    require_later(campaign.first_day, now)
    if campaign.budget_points is not None and not 0 < campaign.budget_points <= LARGEST:
        raise InvalidBudget(wrong=["points"])
    if campaign.factor is not None:
        require_factor(campaign.factor)
        if any(item.campaign == campaign.campaign for item in multipliers(tx, campaign.programme)):
            raise RuleChangedMeanwhile(campaign=campaign.campaign)


def announce_campaign(tx: Session, campaign: CampaignPoints, *, approval_id: UUID, now: datetime) -> None:
    """Write the multiplier and open the budget. Raises as `check_campaign`."""
    check_campaign(tx, campaign, now=now)
    announced: dict[str, Any] = {"announced_on": announced_on(now), "approval_id": approval_id}
    if campaign.factor is not None:
        names = ("programme", "campaign", "title", "first_day", "last_day", "factor", "methodologies")
        if not save_multiplier(tx, **{name: getattr(campaign, name) for name in names}, **announced):
            raise RuleChangedMeanwhile(campaign=campaign.campaign)
    if campaign.budget_points is not None:
        scope = (campaign.programme, "campaign", campaign.campaign, campaign.title)
        budget = NewBudget(*scope, campaign.first_day, None, campaign.budget_points)
        open_budget(tx, budget, now=now, for_rewards=True, **announced)


def end_campaign(tx: Session, programme: str, campaign: str, *, approval_id: UUID, now: datetime) -> date | None:
    """Let the campaign multiply no longer than today; returns the last day, None where it did not go on anyway."""
    today = announced_on(now)
    for item in multipliers(tx, programme):
        if item.campaign != campaign or item.last_day <= today:
            continue
        names = ("programme", "campaign", "title", "first_day", "methodologies")
        ended: dict[str, Any] = {name: getattr(item, name) for name in names}
        ended |= {"factor": str(item.factor), "last_day": today, "announced_on": today, "version": item.version + 1}
        if not save_multiplier(tx, **ended, approval_id=approval_id):
            raise RuleChangedMeanwhile(campaign=campaign)
        return today
    return None
