"""A number behind an act was corrected: what its member sees of it."""

import pytest

from backend import settlement
from tests.backend.corrected import corrected
from tests.miniprogram_api.world import cancellation, trip


@pytest.fixture
def rider(world, acted_at):
    """A member whose ride of 12.4 km was issued as 579 grams and restated to 496."""
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    less = corrected("metro_ride", "reduction_per_km", "0.04")
    list(settlement.restate(world.house.sessions, "metro_ride", "V01", library=less))
    return member


def test_the_activity_and_the_account_show_what_stands(rider):
    (listed,) = rider.get("/activities").json["items"]
    detail = rider.get(f"/activities/{listed['id']}").json
    assert listed["reduction_g"] == detail["reduction_g"] == rider.account()["reduction_g"] == 496
    assert rider.account()["points"]["pending"] == 579
    (restated,) = detail["restatements"]
    assert restated["previous"] == {"reduction_g": 579, "offset_g": 0, "eac_wh": 0}
    assert restated["credits"] == {"reduction_g": 496, "offset_g": 0, "eac_wh": 0}
    assert [restated["entry_id"], restated["restated_at"]] == [detail["entry_ids"][1], "2026-06-08T04:00:00Z"]


def test_each_entry_has_its_receipt(rider):
    restated, issued = rider.entries()
    assert (restated["kind"], issued["kind"]) == ("restatement", "issue")
    told = rider.receipt(issued["id"])
    assert told["sentence_zh"] == (
        "乘坐地铁 12.4 公里 × 每公里减排 46.7 克 = 579.08 克，入账 579 克减排量，获得 579 积分，6 月 7 日起可用。"
        "因公布的数字更正，已于 6 月 8 日重述为 496 克减排量。"
    )
    assert [item["entry_id"] for item in told["restatements"]] == [restated["id"]]
    told = rider.receipt(restated["id"])
    assert told["sentence_zh"] == (
        "公布的数字已更正，2026 年 6 月 5 日“乘坐地铁”由 579 克减排量重述为 496 克减排量，已得积分不变。"
    )
    new, old = told["quantification"], told["previous_quantification"]
    assert [made["factors"][0]["value"] for made in (new, old)] == ["0.04", "0.0467"]
    assert [made["confirmed"] for made in (new, old)] == [True, True]


def test_a_cancellation_gives_back_all_of_it(world, rider, acted_at):
    world.send("transit", cancellation("alice", "T1", acted_at))
    world.settle()
    account, (activity,) = rider.account(), rider.get("/activities").json["items"]
    assert (account["reduction_g"], account["points"]["pending"]) == (0, 0)
    assert (activity["status"], activity["reduction_g"]) == ("taken_back", 0)
    told = [rider.receipt(entry["id"]) for entry in rider.entries()[:2]]
    assert {item["reason"]["code"] for item in told} == {"CANCELLED"}
    assert any("的重述：退回 83 克减排量。原因：" in item["sentence_zh"] for item in told)
