"""Results of campaigns through the API: a member's place and rewards, and the document anybody verifies."""

import hashlib
import json
from datetime import timedelta
from uuid import UUID

from backend import campaigns, clock
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.terms import read_terms
from backend.ids import new_id
from tests.miniprogram_api.world import World


def held(world: World, code: str, member_id: str) -> None:
    """A campaign of yesterday, which has closed, and a member who took part in it."""
    start = clock.start_of(clock.today()) - timedelta(days=1)
    terms = {"boards": ["person-grams-campaign"]}
    days = {"starts_at": start, "ends_at": start + timedelta(days=1), "closes_at": start + timedelta(days=1)}
    texts = {"programme": "members", "kind": "challenge", "title": "周 / week", "joining": "open"}
    who = {"kind": "person", "shown": True, "takes_challenges": True, "name": None, "name_passed": False}
    who |= {"city": None, "team_id": None, "joined_at": start, "left_at": None}
    with world.house.transaction() as tx:
        row = Campaign(code=code, terms=read_terms(terms).text(), **texts, **days, drafted_at=start, announced_at=start)
        tx.add(row)
        tx.flush()
        tx.add(CampaignParticipant(holder_id=UUID(member_id), campaign=code, id=new_id(), **who))


def test_a_member_reads_what_a_campaign_came_to_and_gets_the_signed_result(world: World) -> None:
    lin = world.login("lin")
    held(world, "week", lin.get("/me").json["id"])
    assert lin.get("/campaigns/nothing/awards").json["code"] == "CAMPAIGN_NOT_FOUND"
    for path in ("awards", "result"):
        answer = lin.get(f"/campaigns/week/{path}")
        assert (answer.status_code, answer.json["code"]) == (409, "CAMPAIGN_NOT_FINAL")
    assert campaigns.closing.close_due(world.house.sessions, world.house.vault.statement_key) == 1
    told = lin.get("/campaigns/week/awards").json
    assert (told["result"], told["corrected"], told["awards"]) == (None, None, [])
    document = json.loads(lin.get("/campaigns/week/result").data)
    statement = json.dumps(document["statement"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(statement.encode()).hexdigest() == told["statement_sha256"]
    assert document["signature"]["sha256"] == told["statement_sha256"]
