"""The simulated partner: what it plans, what it makes of it, and what must come of it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest

import methodologies
from backend import audit, clock, ledger, points
from backend.partners.adapters import transit
from backend.sandbox.platform import Platform, Reply
from backend.sandbox.running import platform
from backend.sandbox.simulator import Disorder, Plan, disorderly, make_plan, simulate
from backend.sandbox.simulator.contents import CONTENTS
from backend.sandbox.simulator.faults import FAULTS
from backend.sandbox.simulator.sending import judge
from tests.backend.sandbox.serving import serving

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


def test_every_wrong_answer_is_a_deviation() -> None:
    plan = make_plan("transit", "run", events=20, seed=1, today=TODAY)
    attempts = disorderly(plan, Disorder(duplicates=50, corrupted=50), seed=1)
    taken, seen = Reply(202, {"status": "accepted"}), set()
    answers = []
    for attempt in attempts:
        if attempt.fault:
            answers.append((attempt, Reply(attempt.fault.status, {"code": attempt.fault.code})))
        else:
            again = attempt.event_id in seen
            answers.append((attempt, Reply(200, {"status": "duplicate"}) if again else taken))
            seen.add(attempt.event_id)
    sent = judge(answers)
    assert (sent.accepted, sent.duplicates, sent.deviations) == (20, 10, [])
    wrong = [taken, Reply(200, {"status": "duplicate"}), Reply(401, {"code": "NO_SUCH_CODE"}), Reply(500, {})]
    for position, (attempt, right) in enumerate(answers):
        for reply in wrong:
            if (reply.status, reply.code) != (right.status, right.code):
                altered = judge([*answers[:position], (attempt, reply), *answers[position + 1 :]])
                assert altered.deviations, (attempt, reply)


def by_the_library(plan: Plan, sender: Platform) -> Iterator[int]:
    """The grams of every ride that stands, straight from the formula."""
    told = {event.id: json.loads(event.body)["data"] for event in plan.events}
    for delivery in sender.deliveries():
        for line in delivery["lines"]:
            if line.get("standing") == "issued":
                ride = told[delivery["event_id"]]
                methodology, quantities = transit.MODES[ride["mode"]]
                began, ended = (datetime.fromisoformat(ride[name]) for name in ("started_at", "ended_at"))
                data = {name: ride[name] for name in quantities if name in ride}
                data |= {"duration_s": int((ended - began).total_seconds())}
                yield methodologies.quantify(methodology, data, began.date(), "CN-DEFAULT").credits["REDUCTION"]


def test_disorder_comes_to_the_same_grams_and_points_as_the_clean_list(postgresql_url: str) -> None:
    with serving(postgresql_url) as (house, url):
        plan = make_plan("transit", "run", events=240, seed=1, today=clock.today())
        disorder = Disorder(corrupted=10)
        given = {"seed": 1, "settings": house.settings}
        sender = platform(house, url, "transit")
        report = simulate(sender, plan, disorder, **given)
        assert report.conforms, report.as_text()
        assert json.loads(report.as_json())["accepted"] == 240
        total = sum(balance.reduction_g for balance in report.found.values())
        assert 0 < total == sum(by_the_library(plan, sender))
        with house.transaction() as tx:
            assert [*ledger.differences(tx), *points.differences(tx), *audit.replay(tx).differences] == []
        # What differs is said, member by member.
        member = plan.members[0]
        less = replace(report.found[member], reduction_g=report.found[member].reduction_g - 1)
        other = replace(report, found={**report.found, member: less})
        assert not other.conforms and member in other.as_text()
