"""Who wins a claim and a holder's day: pure, the same in any order, and nothing that stands contradicts another."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from backend import clock
from backend.activities import ActivityKey, canonical_data, day_rules
from backend.activities.policy import EXCLUDED_BY, Contest, decide_days, overlap, settle_contests, shut_out
from backend.activities.records import ISSUED, KEPT, KEPT_CLAIM, OUTDONE, TRANSFERRED_CLAIM, Act
from tests.backend.world import days_ago

HOLDER = UUID(int=1)
#: Methodology → whether its acts are trips, and data of one act.
KINDS = {
    "metro_ride": (True, {"distance_km": "5"}),
    "walking": (True, {"steps": 9_000}),
    "ev_trip": (True, {"distance_km": "120"}),
    "ev_charging": (False, {"charged_kwh": "60"}),
    "car_free_day": (False, {"parked_min": 1_440, "car_class": "compact"}),
    "step_donation": (False, {"steps": 7_000}),
    "online_meeting": (False, {}),
    "rail_travel": (True, {}),
}


@st.composite
def acts(draw: st.DrawFn, number: int) -> Act:
    code = draw(st.sampled_from(sorted(KINDS)))
    trip, data = KINDS[code]
    begins_at = days_ago(3) + timedelta(minutes=20 * draw(st.integers(0, 90)))
    claim = draw(st.sampled_from([TRANSFERRED_CLAIM, TRANSFERRED_CLAIM, TRANSFERRED_CLAIM, KEPT_CLAIM]))
    return Act(
        holder_id=HOLDER,
        id=UUID(int=100 + number),
        programme="members",
        partner="transit",
        order_no=f"O{number}",
        line="1",
        revision=1,
        methodology=code,
        scene="commute",
        profile="CN-DEFAULT",
        grade=draw(st.sampled_from(["E3", "E3", "E2"])),
        occurred_at=begins_at,
        day=clock.day_of(begins_at),
        started_at=begins_at if trip else None,
        ended_at=begins_at + timedelta(minutes=20 * draw(st.integers(1, 4))) if trip else None,
        pending_days=2,
        data=canonical_data(data),
        evidence="{}",
        claim=claim,
        status=draw(st.sampled_from([KEPT if claim == KEPT_CLAIM else ISSUED, OUTDONE])),
        fingerprints=draw(st.sampled_from([(b"1",), (b"2",), (b"1", b"2")])),
    )


@st.composite
def days(draw: st.DrawFn) -> list[Act]:
    return [draw(acts(number)) for number in range(draw(st.integers(2, 9)))]


OPEN, CLOSED = days_ago(3), days_ago(-3)


@settings(max_examples=150, deadline=None)
@given(days(), st.randoms(), st.sampled_from([OPEN, CLOSED]))
def test_the_order_in_which_acts_are_looked_at_decides_nothing(contending: list[Act], chance, now) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(contending)
    chance.shuffle(shuffled)
    assert decide_days(shuffled, day_rules, now=now) == decide_days(contending, day_rules, now=now)


@settings(max_examples=150, deadline=None)
@given(days())
def test_what_stands_on_an_open_day_contradicts_nothing_that_stands_and_nothing_is_refused_for_nothing(
    contending: list[Act],
) -> None:
    losses = decide_days(contending, day_rules, now=OPEN)
    assert not any(act.key in losses for act in contending if act.keeps_claim)
    standing = {act.id: act for act in contending if act.key not in losses}
    for one in standing.values():
        for other in standing.values():
            if one is not other and not one.keeps_claim:
                assert not overlap(one, other)
                assert not _exclusive(one, other)
    for act in contending:
        loss = losses.get(act.key)
        if loss is not None and loss.reason == EXCLUDED_BY:
            assert loss.excluded_by is not None
            assert _exclusive(act, standing[loss.excluded_by])


@settings(max_examples=150, deadline=None)
@given(days())
def test_a_closed_day_never_takes_a_credited_act_away_for_a_late_exclusive_one(contending: list[Act]) -> None:
    credited = {act.id for act in contending if act.status == ISSUED}
    for key, loss in decide_days(contending, day_rules, now=CLOSED).items():
        if key[1] in credited and loss.reason == EXCLUDED_BY:
            assert loss.excluded_by in credited  # two that were credited before, in spite of each other
    new = [act for act in contending if act.status == OUTDONE]
    assert not any(act.key in shut_out(new, contending, day_rules, now=CLOSED) for act in new if act.keeps_claim)


@settings(max_examples=150, deadline=None)
@given(days(), st.randoms(), st.integers(1, 3))
def test_whoever_comes_first_a_claim_is_kept_by_who_keeps_it_else_by_the_better_act(  # type: ignore[no-untyped-def]
    contending: list[Act], chance, batch: int
) -> None:
    """Also where a correction changes who keeps the claim, and takes the place of what was said before."""
    corrected, right = contending[0], KEPT_CLAIM if contending[0].claim == TRANSFERRED_CLAIM else TRANSFERRED_CLAIM
    correction = replace(corrected, id=UUID(int=99), revision=2, claim=right)
    told = [*contending[1:], correction]
    at_once = _claim_in_turn([told], ())
    shuffled = list(contending)
    chance.shuffle(shuffled)
    turns = [shuffled[begin : begin + batch] for begin in range(0, len(shuffled), batch)]
    assert _claim_in_turn([*turns, [correction]], [corrected.key]) == at_once
    for fingerprint, contest in at_once.items():
        claimants = [act for act in told if fingerprint in act.fingerprints]
        owner = next(act for act in claimants if act.key == contest.owner)
        assert owner.keeps_claim or not any(act.keeps_claim for act in claimants)


def _claim_in_turn(turns: Sequence[Sequence[Act]], gone: Collection[ActivityKey]) -> dict[bytes, Contest]:
    """The contests after each batch came; with the last one those that are `gone` leave."""
    contests: dict[bytes, Contest] = {}
    known: dict[ActivityKey, Act] = {}
    for number, new in enumerate(turns, 1):
        withdrawn = gone if number == len(turns) else ()
        # Every member still consents.
        contests = settle_contests(new, withdrawn, contests, known, known)
        known |= {act.key: act for act in new}
    return {fingerprint: contest for fingerprint, contest in contests.items() if contest.parties}


def _exclusive(one: Act, other: Act) -> bool:
    rules = day_rules(one.methodology, one.day), day_rules(other.methodology, other.day)
    return one.day == other.day and rules[0].rule_out(rules[1])
