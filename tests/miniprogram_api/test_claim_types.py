"""What no gram measures, as its member sees it: certified electricity, and taking part."""

from uuid import UUID

from tests.backend.acting import allow_every_act, settle_act


def holder_of(member):
    return UUID(member.get("/me").json["id"])


def test_certified_electricity_stands_beside_the_grams(world):
    member = world.login("alice")
    allow_every_act(world.house, holder_of(member))
    data = {"consumed_kwh": "1200.5", "cancelled_kwh": "1000"}
    settle_act(world.house, holder_of(member), "green_electricity", data)
    account = member.account()
    assert (account["reduction_g"], account["offset_g"], account["eac_wh"]) == (0, 0, 1_000_000)
    (activity,) = member.get("/activities").json["items"]
    assert (activity["status"], activity["reduction_g"], activity["eac_wh"]) == ("issued", 0, 1_000_000)
    (entry,) = member.entries()
    assert [(t["credit"], t["asset"], t["amount"]) for t in entry["transfers"]] == [
        ("eac", "eac_wh", 1_000_000),
        ("points.pending", "points", 50),
    ]
    assert entry["transfers"][0]["credit_title"]["zh"] == "绿证电量"
    receipt = member.receipt(entry["id"])
    assert receipt["quantification"]["confirmed"] is True
    assert receipt["quantification"]["credited"] == {"reduction_g": 0, "offset_g": 0, "eac_wh": 1_000_000}
    assert receipt["points"]["rule"]["fixed_points"] == 50


def test_taking_part_has_a_receipt_without_grams(world):
    member = world.login("alice")
    allow_every_act(world.house, holder_of(member))
    settle_act(world.house, holder_of(member), "learning", {"correct_answers": 10})
    settle_act(world.house, holder_of(member), "step_donation", {"steps": 5_000}, "O2")
    assert {act["methodology"]: (act["status"], act["reduction_g"]) for act in
            member.get("/activities").json["items"]} == {"learning": ("issued", 0), "step_donation": ("issued", 0)}
    (entry,) = member.entries()
    receipt = member.receipt(entry["id"])
    assert receipt["quantification"]["confirmed"] is True
    assert receipt["quantification"]["credited"] == {"reduction_g": 0, "offset_g": 0, "eac_wh": 0}
    assert (receipt["points"]["points"], member.account()["points"]["pending"]) == (20, 20)
    assert member.account()["reduction_g"] == 0
