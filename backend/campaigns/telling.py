"""What members are told of campaigns: what one is about, what counts, and how they take part themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import activities, identity
from backend.bilingual import halves
from backend.campaigns import joining, reading
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.policy import ANNOUNCED, PERSON, RUNNING, display_name
from backend.campaigns.reading import CampaignView
from backend.campaigns.terms import Reward
from backend.identity import NotEnrolled

#: How many campaigns of a programme are shown, the latest ones.
MOST_SHOWN = 50
#: Why nobody joins (any more), whoever they are.
OVER = "over"


def account_kind(tx: Session, programme: str, holder_id: UUID) -> str:
    """Which kind of account this is in a programme. Raises NotEnrolled."""
    for row in identity.enrolments(tx, holder_id):
        if row.programme == programme:
            return row.account_kind
    raise NotEnrolled


def campaigns_of(tx: Session, programme: str, holder_id: UUID, *, now: datetime) -> list[dict[str, Any]]:
    """The announced campaigns of a programme, the latest first, and in which of them this account takes part.

    Raises UnknownProgramme, NotEnrolled.
    """
    identity.require_programme(tx, programme)
    account_kind(tx, programme, holder_id)
    query = select(Campaign).where(Campaign.programme == programme, Campaign.announced_at.is_not(None))
    found = [reading.view(row) for row in tx.scalars(query.order_by(Campaign.starts_at.desc()).limit(MOST_SHOWN))]
    taking = CampaignParticipant.holder_id == holder_id, CampaignParticipant.left_at.is_(None)
    mine = set(tx.scalars(select(CampaignParticipant.campaign).where(*taking)))
    return [{**told_briefly(campaign, now), "taking_part": campaign.code in mine} for campaign in found]


def campaign_for(tx: Session, code: str, holder_id: UUID, *, now: datetime) -> dict[str, Any]:
    """A campaign in full, with how this account takes part in it or why it cannot join.

    Raises CampaignNotFound, NotEnrolled.
    """
    campaign = reading.campaign(tx, code, now=now)
    kind = account_kind(tx, campaign.programme, holder_id)
    row, because = joining.participant(tx, code, holder_id), None
    if row is None:
        open_now = campaign.state(now) in (ANNOUNCED, RUNNING)
        because = joining.why_not(tx, campaign, holder_id, kind, now=now) if open_now else OVER
    me = None if row is None else told_participant(tx, row, now=now)
    return told(campaign, now) | {"me": me, "may_join": row is None and because is None, "because": because}


def told_participant(tx: Session, row: CampaignParticipant, *, now: datetime) -> dict[str, Any]:
    """How somebody takes part, as they themselves see it. `listed`: whether others see their place."""
    minor = row.kind == PERSON and bool(identity.minors_among(tx, [row.holder_id], now=now))
    names = ("kind", "shown", "takes_challenges", "city", "team_id", "joined_at", "name", "name_passed")
    return {name: getattr(row, name) for name in names} | {
        "participant_id": row.id,
        "display_name": display_name(row.id, row.name, row.name_passed),
        "listed": row.shown and row.kind == PERSON and not minor,
    }


def told_briefly(campaign: CampaignView, now: datetime) -> dict[str, Any]:
    """What stands in a list of campaigns."""
    names = ("code", "programme", "kind", "joining", "starts_at", "ends_at", "closes_at", "final_at")
    stated = {name: getattr(campaign, name) for name in names}
    return stated | {"title": halves(campaign.title), "state": campaign.state(now)}


def told(campaign: CampaignView, now: datetime) -> dict[str, Any]:
    """Everything that everybody in the programme may know of a campaign."""
    terms, counting = campaign.terms, campaign.terms.counting
    return told_briefly(campaign, now) | {
        "counts": {
            "methodologies": _titled(counting.methodologies),
            "grades": None if counting.grades is None else sorted(counting.grades),
            "daily_acts": [{**_methodology(code), "most": most} for code, most in sorted(counting.daily_acts.items())],
            "daily_cap_g": counting.daily_cap_g,
            "daily_cap_points": counting.daily_cap_points,
        },
        "boards": [board.name for board in terms.boards],
        "departments": list(terms.departments),
        "cities": [{"code": code, "title": halves(title)} for code, title in sorted(terms.cities.items())],
        "teams": terms.teams,
        "team_size": terms.team_size if terms.teams else None,
        "pk": terms.pk,
        "multiplier": None
        if terms.multiplier is None
        else {"factor": terms.multiplier, "methodologies": _titled(terms.multiplied)},
        "budget_points": terms.budget_points,
        "rewards": [_reward(item) for item in terms.rewards],
    }


def _titled(codes: frozenset[str] | Sequence[str] | None) -> list[dict[str, Any]] | None:
    return None if codes is None else [_methodology(code) for code in sorted(codes)]


def _methodology(code: str) -> dict[str, Any]:
    return {"code": code, "title": activities.methodology_title(code)}


def _reward(item: Reward) -> dict[str, Any]:
    return {name: getattr(item, name) for name in Reward.__dataclass_fields__}
