"""Closing: the result is what the books say when late events count no more, and nothing changes it afterwards."""

import base64
import hashlib
import json
from datetime import date, datetime, timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from backend import campaigns, clock, signed_statements
from backend.campaigns.closing.models import CampaignCorrection, CampaignFinalScore
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.scoring.models import CampaignScore
from tests.backend.campaigns.week import CODE, LAST, Week, during

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
#: The instant from which on nothing that arrives counts.
CLOSED = clock.start_of_day_after(LAST, 3)


@pytest.fixture
def week(database_url: str):
    with time_machine.travel(during(), tick=False) as traveller:
        week = Week(database_url)
        week.traveller = traveller
        week.employ({"1": "总部/研发", "2": "总部/财务", "3": "总部/财务", "4": "总部/研发"})
        yield week


def closed(week: Week, at: datetime = CLOSED) -> bool:
    week.traveller.move_to(at)
    return campaigns.closing.close(week.house.sessions, week.house.vault.statement_key, CODE)


def places(week: Week) -> dict[str, tuple[int, int, bool]]:
    """Staff number → grams, rank by grams, listed."""
    numbers = {holder_id: number for number, holder_id in week.staff.items()}
    with week.house.transaction() as tx:
        rows = tx.scalars(select(CampaignFinalScore).where(CampaignFinalScore.campaign == CODE))
        return {numbers[row.holder_id]: (row.grams, row.rank_grams, row.listed) for row in rows}


def correct(week: Week) -> list[tuple[int, int, int]]:
    """Follow what was announced; the corrections there are: sequence, grams, days."""
    week.follow()
    with week.house.transaction() as tx:
        while campaigns.closing.correct_finals(tx, now=clock.now()):
            pass
        rows = tx.scalars(select(CampaignCorrection).order_by(CampaignCorrection.sequence))
        return [(row.sequence, row.grams, row.days) for row in rows]


def test_the_result_is_counted_anew_and_is_final(week: Week) -> None:
    for number, km in (("1", "10"), ("2", "20"), ("3", "20")):
        week.ride(number, MONDAY, km)
    week.ride("4", TUESDAY, "30")
    with week.house.transaction() as tx:  # whoever is not shown takes nobody's place
        hidden = CampaignParticipant.holder_id == week.staff["4"]
        tx.execute(update(CampaignParticipant).where(hidden).values(shown=False))
        tx.execute(delete(CampaignScore))  # and running scores that were lost are no matter
    with pytest.raises(campaigns.CampaignNotClosed):
        closed(week, CLOSED - timedelta(seconds=1))
    week.ride("1", TUESDAY, "10")  # late by days, and in time
    week.traveller.move_to(CLOSED)
    week.ride("2", TUESDAY, "10")  # too late, although nobody froze the result yet
    assert closed(week, CLOSED + timedelta(hours=5))
    assert places(week) == {
        "4": (1401, 1, False),
        "1": (934, 1, True),
        "2": (934, 1, True),
        "3": (934, 1, True),
    }
    assert not closed(week), "once"
    assert week.view().state(clock.now()) == "final"
    week.ride("3", TUESDAY, "10")
    assert (correct(week), places(week)["3"]) == ([], (934, 1, True))


def test_equal_scores_share_a_place_and_leave_the_next_one_out(week: Week) -> None:
    for number, km in (("1", "30"), ("2", "20"), ("3", "20"), ("4", "10")):
        week.ride(number, MONDAY, km)
    closed(week)
    assert {number: place[1] for number, place in places(week).items()} == {"1": 1, "2": 2, "3": 2, "4": 4}


def test_a_stranger_verifies_the_result(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    closed(week)
    with week.house.transaction() as tx:
        key = week.house.vault.statement_key
        document = json.loads(b"".join(campaigns.closing.statement_of(tx, key, CODE, now=clock.now()).chunks()))
    statement = json.dumps(document["statement"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(statement.encode()).hexdigest()
    assert document["signature"]["sha256"] == digest
    published = signed_statements.key_set(key.public)["keys"][0]
    public = base64.urlsafe_b64decode(published["x"] + "==")
    signature = base64.b64decode(document["signature"]["value"])
    Ed25519PublicKey.from_public_bytes(public).verify(signature, b"carbon-inclusion:statement:v1:" + digest.encode())
    (place,) = document["statement"]["sections"]["places"]
    assert (place["grams"], place["rank_grams"], document["statement"]["participants"]) == (467, 1, 4)
    assert str(week.staff["1"]) not in json.dumps(document), "nobody is named but by what others know them by"


def test_what_is_frozen_stays_and_what_changes_is_told_beside_it(week: Week) -> None:
    week.ride("1", MONDAY, "10")
    week.ride("1", TUESDAY, "20")
    closed(week)
    week.take_back("1", TUESDAY)
    assert correct(week) == [(1, 467, 1)]
    assert correct(week) == [(1, 467, 1)], "looked at again, nothing is corrected twice"
    week.take_back("1", MONDAY)
    assert correct(week) == [(1, 467, 1), (2, 0, 0)]
    assert places(week) == {"1": (1401, 1, True)}
    for table in ("campaign_finals", "campaign_final_scores", "campaign_corrections"):
        with pytest.raises(DatabaseError), week.house.transaction() as tx:
            tx.execute(text(f"UPDATE {table} SET points = 0"))


def test_what_goes_back_while_the_result_is_frozen_is_not_missed(week: Week, monkeypatch: pytest.MonkeyPatch) -> None:
    if week.house.settings.database_url.startswith("sqlite"):
        pytest.skip("nobody else writes meanwhile")
    week.ride("1", MONDAY, "10")
    counted = campaigns.closing.freezing._counted

    def and_then_it_is_gone(tx: Session, *rest: object) -> list[dict[str, object]]:
        found = counted(tx, *rest)
        week.take_back("1", MONDAY)
        return found

    monkeypatch.setattr(campaigns.closing.freezing, "_counted", and_then_it_is_gone)
    closed(week)
    assert places(week) == {"1": (467, 1, True)}
    assert correct(week) == [(1, 0, 0)]
