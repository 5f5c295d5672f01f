"""Scores that were spoilt are found by comparing, and right again after rebuilding, without an act being touched."""

from datetime import date

import pytest
import time_machine
from sqlalchemy import delete, select, text, update

from backend.campaigns import CampaignNotCounted, scoring
from backend.campaigns.models import Campaign
from backend.campaigns.scoring.models import CampaignBucket, CampaignComparison, CampaignGroupScore, CampaignScore
from backend.ids import new_id
from tests.backend.campaigns.week import CODE, Week, during

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
TABLES = ("campaign_scores", "campaign_group_scores", "campaign_buckets", "campaign_heads")


@pytest.fixture
def week(database_url: str):
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ({str(n): f"总部/{'研发' if n <= 6 else '财务'}" for n in range(1, 12)})
        for number, km in (("1", "10"), ("2", "20"), ("7", "30")):
            week.ride(number, MONDAY, km)
        week.ride("1", TUESDAY, "12.4")
        week.follow()
        yield week


def everything(week: Week) -> list[list[tuple[object, ...]]]:
    with week.house.transaction() as tx:
        return [sorted(map(tuple, tx.execute(text(f"SELECT * FROM {table}"))), key=str) for table in TABLES]


def differences(week: Week) -> set[str]:
    return {item.what for _, found in scoring.compare(week.house.reading, CODE) for item in found}


def test_what_was_spoilt_is_found_and_rebuilt(week: Week) -> None:
    before = everything(week)
    assert differences(week) == set()
    with week.house.transaction() as tx:
        tx.execute(update(CampaignScore).where(CampaignScore.holder_id == week.staff["1"]).values(grams=1))
        tx.execute(delete(CampaignScore).where(CampaignScore.holder_id == week.staff["2"]))
        tx.execute(update(CampaignGroupScore).values(grams=CampaignGroupScore.grams + 5))
        tx.execute(delete(CampaignBucket).where(CampaignBucket.measure == "points"))
        stray = tx.execute(select(CampaignScore.__table__).limit(1)).one()._asdict()
        tx.add(CampaignScore(**stray | {"period": "2026-05-01", "participant_id": new_id()}))
    assert differences(week) == {"score", "group", "bucket", "stray"}
    assert scoring.compare_all(week.house.sessions) > 0
    assert everything(week) == before
    assert scoring.compare_all(week.house.sessions) == 0
    with week.house.transaction() as tx:
        noted = tx.scalars(select(CampaignComparison)).one()
        assert (noted.participants, noted.differences) == (11, 0)


def test_what_is_announced_and_not_followed_yet_is_no_difference(week: Week) -> None:
    week.ride("2", TUESDAY, "10")
    week.take_back("1", MONDAY)
    assert differences(week) == set()
    (*_, (looked_at, _)) = list(scoring.rebuild(week.house.sessions, CODE))
    assert looked_at == 11
    assert week.scores() == {"1": (579, 579, 1), "2": (1401, 1401, 2), "7": (1401, 1401, 1)}
    assert week.follow() == []


def test_a_campaign_that_is_over_is_not_counted_again(week: Week) -> None:
    with week.house.transaction() as tx:
        tx.execute(update(Campaign).values(cancelled_at=during()))
    with pytest.raises(CampaignNotCounted):
        list(scoring.rebuild(week.house.sessions, CODE))
    assert scoring.compare_all(week.house.sessions) == 0
