"""A member reads how their points stand, when they ripen and lapse, and each lot's history in numbers that add up."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from backend import clock, points
from backend.ids import new_id
from tests.backend.spending import use
from tests.miniprogram_api.world import World, cancellation, trip

KM = {1: "10", 2: "12.4", 3: "20"}


def standing(member: Any) -> dict[str, Any]:
    (found,) = member.get("/me/points").json["programmes"]
    numbers: dict[str, Any] = found
    return numbers


def lots(member: Any, **query: Any) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    items: list[dict[str, Any]] = member.get(f"/me/points/lots?{asked}").json["items"]
    for lot in items:
        parts = ("remaining", "reserved", "spent", "expired", "returned")
        assert lot["amount"] == sum(lot[name] for name in parts)
    return items


def step(world: World, verb: str, **asked: Any) -> None:
    with world.house.transaction() as tx:
        getattr(points, verb)(tx, **({"now": clock.now()} | asked))


def test_points_by_state_by_day_and_by_lot(world, acted_at, moment):
    rider = world.active_member("alice")
    holder = UUID(rider.get("/me").json["id"])
    empty = standing(rider)
    assert (empty["available"], empty["ripening"], empty["lapsing"], empty["notices"]) == (0, [], [], [])
    assert empty["ever"] == {"earned": 0, "spent": 0, "expired": 0}
    for number, days in ((1, 2), (2, 1), (3, 0)):
        began = acted_at - timedelta(days=days)
        world.send("transit", trip("alice", number, began, km=KM[number]))
    world.settle()
    earned = {lot["activity_id"]: lot["amount"] for lot in lots(rider)}
    first, second, third = sorted(earned.values())
    before = standing(rider)
    assert (before["pending"], before["available"]) == (first + second + third, 0)
    assert [due["points"] for due in before["ripening"]] == [first, second, third]
    moment.shift(timedelta(days=4))
    world.ripen()
    rider.log_in_again()
    found = standing(rider)
    assert (found["pending"], found["available"], found["ripening"]) == (0, first + second + third, [])
    last = clock.day_of(acted_at) + timedelta(days=2 + 730 - 3)
    assert found["lapsing"][0] == {
        "last_day": last.isoformat(),
        "expires_at": clock.iso(clock.start_of_day_after(last, 1)),
        "points": first,
    }
    kept, spent = new_id(), use(holder, 40)
    step(world, "reserve", **use(holder, first + 5, use_id=kept))
    step(world, "spend", **spent)
    found = standing(rider)
    assert (found["available"], found["reserved"]) == (second + third - 45, first + 5)
    assert [lot["state"] for lot in lots(rider)] == ["available", "available", "reserved"]
    moved = lots(rider, state="available")[1]
    assert (moved["reserved"], moved["spent"], moved["day"]) == (
        5,
        40,
        clock.day_of(acted_at - timedelta(days=1)).isoformat(),
    )
    assert lots(rider, state="available", programme="staff") == []
    world.send("transit", cancellation("alice", "T2", acted_at))
    world.settle()
    world.send("transit", cancellation("alice", "T3", acted_at))
    world.settle()
    found = standing(rider)
    assert (found["available"], found["debt"]) == (0, 45)
    assert found["ever"] == {"earned": first, "spent": 40, "expired": 0}
    assert found["debt_sentence"]["zh"].startswith("您有 45 积分待扣回")
    step(world, "release", holder_id=holder, use_id=kept, reason="CANCELLED")
    assert standing(rider)["debt"] == 0
    assert [(lot["state"], lot["returned"]) for lot in lots(rider)] == [
        ("taken_back", third),
        ("taken_back", second - 40),
        ("available", 40),
    ]
    told = {entry["kind"]: rider.receipt(entry["id"])["sentence_zh"] for entry in rider.entries()}
    assert told["reserve"] == f"兑换已提交，{first + 5} 积分为您保留，完成后扣除。"
    assert told["spend"] == "兑换完成，已使用 40 积分。"
    assert told["release"] == (f"兑换未完成，为您保留的 {first + 5} 积分已退回原批次，其中 45 积分用于抵扣待扣回积分。")


def test_what_lapses_is_told_at_once_and_within_thirty_days_before(world, acted_at, moment):
    rider = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    moment.shift(timedelta(days=4))
    world.ripen()
    rider.log_in_again()
    (lapsing,) = standing(rider)["lapsing"]
    ends = clock.parse_instant(lapsing["expires_at"])
    assert clock.start_of(clock.day_of(ends)) == ends
    for before, soon, available in (
        (timedelta(days=30, seconds=1), 0, 579),
        (timedelta(days=30), 579, 579),
        (timedelta(seconds=1), 579, 579),
        (timedelta(0), 0, 0),
    ):
        moment.move_to(ends - before)
        rider.log_in_again()
        found = standing(rider)
        assert (found["lapsing_within_30_days"], found["available"]) == (soon, available)
    (early,) = lots(rider, state="expired")
    assert (early["remaining"], early["expired"]) == (0, 579), "told as lapsed although the job has not come by yet"
    world.ripen()
    assert lots(rider, state="expired") == [early]
    assert standing(rider)["ever"] == {"earned": 579, "spent": 0, "expired": 579}


def test_a_lot_that_was_used_in_part_and_then_lapsed_is_told_as_both(world, acted_at, moment):
    rider = world.active_member("alice")
    holder = UUID(rider.get("/me").json["id"])
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    moment.shift(timedelta(days=4))
    world.ripen()
    step(world, "spend", **use(holder, 79))
    moment.shift(timedelta(days=800))
    rider.log_in_again()
    (early,) = lots(rider, state="used_and_expired")
    assert (early["remaining"], early["spent"], early["expired"]) == (0, 79, 500)
    assert early["sentence"]["zh"] == "共 579 积分：已使用 79，已过期 500。"
    assert early["sentence"]["en"] == "579 points: 79 spent, 500 lapsed."
    world.ripen()
    assert (lots(rider), lots(rider, state="expired")) == ([early], [])
    assert standing(rider)["ever"] == {"earned": 579, "spent": 79, "expired": 500}


def test_lots_come_in_pages(world, acted_at):
    rider = world.active_member("alice")
    for number in range(5):
        world.send("transit", trip("alice", number, acted_at + timedelta(hours=number)))
    world.settle()
    seen, path = [], "/me/points/lots?limit=2"
    while path:
        found = rider.get(path).json
        seen += [item["id"] for item in found["items"]]
        path = found["next_cursor"] and f"/me/points/lots?limit=2&cursor={found['next_cursor']}"
    assert (len(seen), seen) == (5, sorted(seen, reverse=True))
    cursor = rider.get("/me/points/lots?limit=2").json["next_cursor"]
    refused = rider.get(f"/me/points/lots?limit=2&state=used&cursor={cursor}")
    assert (refused.status_code, refused.json["code"]) == (400, "INVALID_CURSOR")
    assert rider.get("/me/points/lots?programme=none").json["code"] == "UNKNOWN_PROGRAMME"
    assert rider.get("/me/points/lots?state=gone").status_code == 422
