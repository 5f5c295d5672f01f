"""The simulated partner: what it plans, what it makes of it, and what must come of it."""

import json
from collections import Counter
from datetime import date

import pytest

from backend.sandbox.simulator import Disorder, disorderly, make_plan
from backend.sandbox.simulator.contents import CONTENTS
from backend.sandbox.simulator.faults import FAULTS

TODAY = date(2026, 6, 30)


@pytest.mark.parametrize("partner", CONTENTS)
def test_a_plan_is_a_matter_of_its_seed_and_arrives_with_everything_that_goes_wrong(partner: str) -> None:
    plan = make_plan(partner, "run", events=800, seed=1, today=TODAY)
    assert plan == make_plan(partner, "run", events=800, seed=1, today=TODAY)
    assert plan.events != make_plan(partner, "run", events=800, seed=2, today=TODAY).events
    told = [json.loads(event.body) for event in plan.events]
    assert [event["timestamp"] for event in told] == sorted(event["timestamp"] for event in told)
    assert len({event.id for event in plan.events}) == 800
    kinds = Counter(event["type"] for event in told)
    assert kinds["order.cancelled"] == 40 and sum(event.follows is not None for event in plan.events) == 80

    attempts = disorderly(plan, Disorder(), seed=1)
    assert attempts == disorderly(plan, Disorder(), seed=1)
    sound = [attempt for attempt in attempts if attempt.fault is None]
    assert len(sound) == 800 + 160
    assert {(attempt.event_id, attempt.body) for attempt in sound} == {(event.id, event.body) for event in plan.events}
    faults = Counter(attempt.fault for attempt in attempts if attempt.fault)
    assert set(faults) == set(FAULTS) and faults.total() == 40
    first = {attempt.event_id: position for position, attempt in reversed(list(enumerate(sound)))}
    early = [event for event in plan.events if event.follows and first[event.id] < first[event.follows]]
    assert len(early) >= 8
    for position, attempt in enumerate(attempts):
        if attempt.fault and attempt.fault.after_accepted:
            assert any(a.event_id == attempt.event_id and a.fault is None for a in attempts[:position])
        if attempt.fault and not attempt.fault.after_accepted:
            assert any(a.event_id == attempt.event_id and a.fault is None for a in attempts[position:])


def test_a_tidy_partner_sends_its_plan() -> None:
    plan = make_plan("transit", "run", events=100, seed=1, today=TODAY, cancellations=0, corrections=0)
    tidy = disorderly(plan, Disorder(duplicates=0, reordering=0, corrupted=0, clock_skew=0), seed=1)
    assert [(attempt.event_id, attempt.body) for attempt in tidy] == [(event.id, event.body) for event in plan.events]
    assert not any(attempt.skew_s or attempt.fault for attempt in tidy)
