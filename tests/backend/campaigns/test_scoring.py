"""Scores follow the acts: whatever order they come in, whatever is taken back."""

from datetime import date

import pytest
import time_machine
from sqlalchemy import select, update

from backend import clock, identity, outbox
from backend.campaigns import scoring
from backend.campaigns.models import Campaign
from backend.campaigns.policy import bucket_of, ranks
from backend.campaigns.scoring import following
from backend.campaigns.scoring.models import CampaignScore
from tests.backend.campaigns.week import CODE, Week, during

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)


@pytest.fixture
def week(database_url: str):
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ({"1": "总部/研发", "2": "总部/财务"})
        yield week


def test_a_score_is_what_the_acts_come_to_and_goes_back_with_them(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    week.ride("1", TUESDAY, "20")
    week.ride("2", TUESDAY, "12.4")
    week.follow()
    assert week.scores() == {"1": (1401, 1401, 2), "2": (579, 579, 1)}
    assert week.scores("2026-06-02") == {"1": (934, 934, 1), "2": (579, 579, 1)}
    assert week.scores("2026-W23") == week.scores()
    week.take_back("1", TUESDAY)
    week.take_back("2", TUESDAY)
    week.follow()
    assert week.scores() == {"1": (467, 467, 1)}
    assert week.scores("2026-06-02") == {}


def test_what_happened_before_or_after_does_not_count(week: Week) -> None:
    week.ride("1", date(2026, 5, 31), "10")
    week.follow()
    assert week.scores() == {}


def listed(week: Week) -> set[str]:
    numbers = {holder_id: number for number, holder_id in week.staff.items()}
    with week.house.transaction() as tx:
        rows = tx.scalars(select(CampaignScore).where(CampaignScore.listed))
        return {numbers[row.holder_id] for row in rows}


def test_nobody_under_fourteen_is_listed_from_the_moment_it_is_known_until_the_birthday(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    week.ride("2", MONDAY, "10")
    week.follow()
    assert listed(week) == {"1", "2"}
    with week.house.transaction() as tx:
        identity.state_birth_date(tx, week.staff["1"], date(2012, 6, 5), now=clock.now())
    changed = week.follow()
    assert {(item.period, item.listed) for item in changed} == {
        ("2026-06-01", False),
        ("2026-W23", False),
        ("all", False),
    }
    assert (listed(week), week.scores()["1"]) == ({"2"}, (467, 467, 1))
    with time_machine.travel(during(date(2026, 6, 5)), tick=False):
        with week.house.transaction() as tx:
            identity.purge_spent(tx, now=clock.now())
        week.follow()
        assert listed(week) == {"1", "2"}


def test_a_batch_is_as_long_as_the_days_it_counts(week: Week, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MOST_DAYS", 7)
    with week.house.transaction() as tx:
        scoring.participant_changed(tx, CODE, [week.staff["1"], week.staff["2"]], now=clock.now())
        while outbox.give_positions(tx):
            pass
    looked_at = []
    scoring.follow_all(week.house.sessions, tell=lambda followed: looked_at.append(followed.looked_at))
    assert looked_at[-1] == 0
    assert set(looked_at[-3:-1]) == {1}


def test_while_no_campaign_is_counted_nothing_needs_to_be_looked_at(week: Week) -> None:
    with week.house.transaction() as tx:
        tx.execute(update(Campaign).values(cancelled_at=clock.now()))
    week.ride("1", MONDAY, "10")
    assert week.follow() == []
    with week.house.transaction() as tx:
        assert scoring.position(tx) == outbox.last_position(tx) > 0


def test_a_tie_shares_its_place_and_leaves_the_next_one_out() -> None:
    assert ranks([9, 7, 7, 5]) == [1, 2, 2, 4]


def test_buckets_grow_with_the_score_and_leave_none_out() -> None:
    scores = [*range(5_000), *(2**n + more for n in range(13, 40) for more in (-1, 0, 1))]
    found = [bucket_of(score) for score in scores]
    assert found == sorted(found)
    assert all(bucket_of(score + 1) - bucket_of(score) in (0, 1) for score in range(100_000))
