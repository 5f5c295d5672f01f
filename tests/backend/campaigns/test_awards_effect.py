"""A campaign's reward goes back with the acts that earned it: see tests/backend/settlement/effects.py."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.activities import ActivityKey
from backend.campaigns import awards, closing, reading
from backend.campaigns.awards.models import CampaignAward
from backend.campaigns.closing.models import CampaignFinal
from backend.campaigns.models import Campaign
from backend.campaigns.terms import read_terms
from backend.ids import new_id
from tests.backend.settlement.effects import WAYS, Case, Trial, goes_back_whole
from tests.backend.world import World

TERMS = {
    "boards": ["person-grams-campaign"],
    "budget_points": 1_000_000,
    "rewards": [{"kind": "rank", "points": 77, "board": "person-grams-campaign", "first": 1, "last": 1}],
}


def derive(tx: Session, keys: Sequence[ActivityKey], now: datetime) -> None:
    """A campaign in which the members of these acts came first, by all they had done until then."""
    code = f"week-{tx.scalar(select(func.count()).select_from(Campaign))}"
    first, last = clock.day_of(now - timedelta(days=30)), clock.day_of(now)
    days = {"starts_at": clock.start_of(first), "ends_at": clock.start_of_day_after(last, 1)}
    days |= {"closes_at": clock.start_of_day_after(last, 1), "drafted_at": now, "announced_at": now, "final_at": now}
    texts = {"programme": "members", "kind": "challenge", "title": "周 / week", "joining": "open"}
    tx.add(Campaign(code=code, terms=read_terms(TERMS).text(), **texts, **days))
    tx.flush()
    sums = dict.fromkeys(("participants", "scored", "listed", "grams", "points"), 1)
    tx.add(CampaignFinal(campaign=code, frozen_at=now, **sums, scores_sha256="", statement_sha256="", signature="{}"))
    tx.flush()
    holders = {holder_id for holder_id, _ in keys}
    for holder_id, reached in closing.counted_today(tx, reading.campaign(tx, code, now=now), holders).items():
        told = {"run": 1, "reward": 0, "challenge": "", "points": 77, "least": reached["grams"], "state": "planned"}
        tx.add(CampaignAward(holder_id=holder_id, id=new_id(), campaign=code, **told, planned_at=now))
    tx.flush()
    assert awards.pay(tx, now=now) == len(holders)


HISTORY = ("campaigns", "campaign_finals", "points_grants")
CASE = Case(awards.CampaignAwards(), derive, {"campaign_awards": "state = 'paid'"} | dict.fromkeys(HISTORY, "1 = 0"))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_reward_goes_back_in_every_way_an_act_can_go(world: World, way: Callable[[Trial], None]) -> None:
    goes_back_whole(world, CASE, way)
