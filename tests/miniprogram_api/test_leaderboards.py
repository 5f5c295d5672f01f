"""Leaderboards over HTTP: polled with tags, for members of the campaign's programme alone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from backend import clock
from backend.campaigns.models import Campaign
from backend.campaigns.terms import read_terms
from tests.backend.campaigns.places import plant
from tests.backend.campaigns.week import CODE

BOARD = f"/campaigns/{CODE}/leaderboards/person-grams-campaign"


@pytest.fixture
def campaign(world: Any) -> Any:
    """A campaign of the members, in its second day."""
    now = clock.now()
    begins = {"drafted_at": now - timedelta(days=9), "announced_at": now - timedelta(days=8)}
    ends = {"ends_at": now + timedelta(days=5), "closes_at": now + timedelta(days=7)}
    with world.house.transaction() as tx:
        terms = read_terms({"boards": ["person-grams-campaign"]}).text()
        said = {"code": CODE, "kind": "challenge", "title": "挑战 / Challenge", "terms": terms, "joining": "open"}
        tx.add(Campaign(programme="members", starts_at=now - timedelta(days=1), **said, **begins, **ends))
    return world


def test_a_board_is_polled_with_its_tag(campaign: Any, moment: Any) -> None:
    alice, bob = campaign.login("alice"), campaign.login("bob")
    assert alice.get(BOARD).json["me"] is None, "who does not take part may look"
    me = UUID(alice.get("/me").json["id"])
    plant(campaign.house, (700, 5), (900, 1), (700, 4), (20, 1), known=(me,))
    first = alice.get(f"{BOARD}?view=around&limit=3")
    assert [(entry["rank"], entry["me"]) for entry in first.json["entries"]] == [(2, False), (2, True), (4, False)]
    assert first.json["me"] == {"rank": 2, "score": 700, "listed": True, "missing_to_next": 200}
    assert first.headers["Cache-Control"] == "private, max-age=5"
    moment.shift(10)
    asked = {"headers": {"If-None-Match": first.headers["ETag"]}}
    again = alice.call("GET", f"{BOARD}?view=around&limit=3", **asked)
    assert (again.status_code, again.data) == (304, b"")
    assert bob.call("GET", f"{BOARD}?view=around&limit=3", **asked).status_code == 200, "another's page"
    plant(campaign.house, (800, 9))
    assert alice.call("GET", f"{BOARD}?view=around&limit=3", **asked).json["me"]["rank"] == 3


def test_what_is_no_board_is_refused_alike(campaign: Any, moment: Any) -> None:
    alice = campaign.login("alice")
    for path, code in (
        (f"/campaigns/{CODE}/leaderboards/person-points-campaign", "BOARD_NOT_FOUND"),
        (f"/campaigns/{CODE}/leaderboards/%00", "BOARD_NOT_FOUND"),
        ("/campaigns/other/leaderboards/person-grams-campaign", "CAMPAIGN_NOT_FOUND"),
        ("/campaigns/%00/leaderboards/person-grams-campaign", "CAMPAIGN_NOT_FOUND"),
        (f"{BOARD}?limit=101", "INVALID_REQUEST"),
        (f"{BOARD}?view=all", "INVALID_REQUEST"),
    ):
        answer = alice.get(path)
        assert (answer.json["code"], answer.status_code < 500) == (code, True), path
    with campaign.house.transaction() as tx:
        tx.get(Campaign, CODE).programme = "staff"
    moment.shift(3)
    assert alice.get(BOARD).json["code"] == "CAMPAIGN_NOT_FOUND", "a programme they are not in"
    with campaign.house.transaction() as tx:
        tx.get(Campaign, CODE).programme = "members"
        tx.get(Campaign, CODE).cancelled_at = clock.now()
    moment.shift(3)
    assert alice.get(BOARD).json["code"] == "BOARD_NOT_FOUND"
