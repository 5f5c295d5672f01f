"""A donation goes back with its act, in every way an act can go: see tests/backend/settlement/effects.py."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from backend import ledger
from backend.activities import ActivityKey
from backend.forest import StepDonations, planting, save_project
from backend.forest.effect import transaction_of
from backend.forest.models import ForestDonation
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from tests.backend.settlement.effects import WAYS, Case, Trial, goes_back_whole
from tests.backend.world import World


def derive(tx: Session, keys: Sequence[ActivityKey], now: datetime) -> None:
    """Steps of these acts' members, donated: each pays for a tree and a half."""
    for holder_id, activity_id in keys:
        key = f"steps:{activity_id}"
        given = (Transfer("issuer.steps", "steps.available", 3_000),)
        ledger.post(tx, [Transaction(new_id(), holder_id, "members", "steps.counted", key, given)], now=now)
        adopter = planting.hold_adopter(tx, holder_id, "grove", is_team=False)
        donation = ForestDonation(
            holder_id=holder_id,
            id=new_id(),
            programme="members",
            project="grove",
            adopter_id=holder_id,
            steps=3_000,
            planted=0,
            state=planting.STANDING,
            activity_id=activity_id,
            transaction_id=new_id(),
            act_ended=False,
            donated_at=now,
            withdrawn_at=None,
        )
        ledger.post(tx, [transaction_of(donation)], now=now)
        adopter.gathered += donation.steps
        tx.add(donation)
        tx.flush()
        planting.plant(tx, adopter, now=now)


CASE = Case(
    StepDonations(),
    derive,
    {
        # What was walked stays walked; the steps are there to be donated again.
        "balances": "amount <> 0 AND account <> 'steps.available'",
        "forest_adopters": "gathered <> 0",
        "forest_donations": "state = 'standing'",
        "forest_trees": "state = 'adopted'",
        "forest_tree_parts": "tree_id IN (SELECT id FROM forest_trees WHERE state = 'adopted')",
    },
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_donation_goes_back_in_every_way_an_act_can_go(world: World, way: Callable[[Trial], None]) -> None:
    with world.house.transaction() as tx:
        texts = dict.fromkeys(("title", "place", "species", "organisation"), "林 / forest")
        how = {"programme": "members", "steps_per_tree": 2_000, "trees_offered": 100, "opens_on": date(2026, 1, 1)}
        save_project(tx, code="grove", **texts, **how)
    goes_back_whole(world, CASE, way)
