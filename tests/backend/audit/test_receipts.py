"""Receipts for what the API cannot yet bring about: spent points, gone formulas, kinds of entries nobody knows."""

from datetime import timedelta
from uuid import UUID

import pytest

from backend import activities, audit, clock, identity, ledger, points
from backend.activities import reading
from backend.errors import NotFound
from backend.ids import new_id
from methodologies import MethodologyError
from tests.miniprogram_api.world import cancellation, trip


@pytest.fixture
def ridden(world, acted_at):
    """A member, and the entries of one metro ride."""
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    return member, UUID(member.get("/me").json["id"])


def latest(world, holder_id):
    """The receipt of the holder's newest entry."""
    with world.house.transaction() as tx:
        (entry,) = ledger.entries(tx, holder_id, limit=1)
        return audit.receipt(tx, holder_id, entry.transaction.id)


def spend(world, holder_id, amount):
    """Use points of the holder's only lot, as a redemption will."""
    with world.house.transaction() as tx:
        (activity,) = activities.acts_of(tx, holder_id)
        (lot,) = points.lots_of(tx, holder_id, activity.id)
        lot.remaining -= amount
        transfer = ledger.Transfer("points.available", "spent.points", amount, lot.id)
        act = ledger.Transaction(new_id(), holder_id, "members", "redeem", "test", (transfer,))
        ledger.post(tx, [act], now=clock.now())


def test_an_entry_of_an_unknown_kind_is_told_transfer_by_transfer(world, ridden, moment):
    _, holder_id = ridden
    moment.shift(timedelta(days=1))
    world.ripen()
    spend(world, holder_id, 100)
    receipt = latest(world, holder_id)
    assert receipt["sentence_zh"] == "从“可用积分”转入“已兑换积分” 100 积分。"
    assert (receipt["activity"], receipt["points"], receipt["quantification"]) == (None, None, None)


def test_points_spent_before_a_reversal_are_told_as_debt_and_paid_by_the_next(world, ridden, moment, acted_at):
    _, holder_id = ridden
    moment.shift(timedelta(days=1))
    world.ripen()
    spend(world, holder_id, 100)
    world.send("transit", cancellation("alice", "T1", acted_at))
    world.settle()
    receipt = latest(world, holder_id)
    assert receipt["sentence_zh"] == (
        "冲正 2026 年 6 月 5 日“乘坐地铁”的入账：收回 579 克减排量、479 积分，另有 100 积分已被使用，记为待扣回。"
        "原因：订单已取消。"
    )
    world.send("transit", trip("alice", 2, acted_at + timedelta(hours=2)))
    world.settle()
    world.ripen()
    assert latest(world, holder_id)["sentence_zh"] == (
        "2026 年 6 月 5 日“乘坐地铁”获得的 579 积分已生效，其中 100 积分用于抵扣待扣回积分。"
    )


def test_when_the_formula_is_gone_the_record_still_speaks_and_says_it_is_unconfirmed(
    world, ridden, monkeypatch
):
    def gone(*_):
        raise MethodologyError("FORMULA_CHANGED", "公式与记录时不同", "the formula is not the one that was recorded")

    _, holder_id = ridden
    monkeypatch.setattr(reading, "recompute", gone)
    receipt = latest(world, holder_id)
    made = receipt["quantification"]
    assert made["confirmed"] is False
    assert made["emissions"]["reduction_g"] == "14477/25"
    assert made["credited"]["reduction_g"] == 579
    assert made["factors"][0]["value"] == "0.0467"
    assert receipt["sentence_zh"] == "乘坐地铁，入账 579 克减排量，获得 579 积分，6 月 7 日起可用。"


def test_an_act_that_earned_no_points_says_so(world, acted_at):
    """A programme without a points rule still credits grams."""
    with world.house.transaction() as tx:
        identity.save_programme(
            tx, code="quiet", kind="consumer", title_zh="无积分计划", title_en="No points", profile="CN-DEFAULT"
        )
    member = world.login("carol")
    asked = {"ticket": world.ticket("transit", "carol"), "programme": "quiet"}
    assert member.call("POST", "/me/partner-links", json=asked).status_code == 201
    member.consent("transit", "commute")
    world.send("transit", trip("carol", 1, acted_at))
    world.settle()
    receipt = member.receipt(member.entries()[0]["id"])
    assert receipt["points"] is None
    assert receipt["sentence_zh"].endswith("入账 579 克减排量，不产生积分。")


def test_an_act_credited_again_after_it_lost_for_a_while_has_two_issues(world, ridden, acted_at):
    """An earlier overlapping trip displaces the ride; when it is cancelled, the ride comes to its right again."""
    member, _ = ridden
    world.send("transit", trip("alice", 2, acted_at - timedelta(minutes=10)))
    world.settle()
    displaced = {e["kind"]: e for e in member.entries() if e["kind"] == "issue.reversed"}["issue.reversed"]
    assert "重叠" in member.receipt(displaced["id"])["sentence_zh"]
    world.send("transit", cancellation("alice", "T2", acted_at))
    world.settle()
    ride = [e for e in reversed(member.entries()) if e["activity_id"] == displaced["activity_id"]]
    assert [e["kind"] for e in ride] == ["issue", "issue.reversed", "issue"]
    first, undone, again = (member.receipt(e["id"]) for e in ride)
    assert (first["reversed_by"], again["reversed_by"]) == (undone["entry"]["id"], None)
    assert undone["reason"]["code"] == "OVERLAPPING_TRIP"
    assert first["points"]["lot"]["id"] != again["points"]["lot"]["id"]
    assert (first["points"]["lot"]["stage"], again["points"]["lot"]["stage"]) == ("closed", "pending")


def test_a_reversal_keeps_the_reason_it_was_posted_for(world, ridden, acted_at):
    """The ride lost to an earlier trip; that its order is cancelled afterwards is another story."""
    member, _ = ridden
    world.send("transit", trip("alice", 2, acted_at - timedelta(minutes=10)))
    world.settle()
    world.send("transit", cancellation("alice", "T1", acted_at))
    world.settle()
    (displaced,) = (e for e in member.entries() if e["kind"] == "issue.reversed")
    receipt = member.receipt(displaced["id"])
    assert receipt["reason"]["code"] == "OVERLAPPING_TRIP"
    assert "取消" not in receipt["sentence_zh"]


def test_somebody_elses_entry_has_no_receipt(world, ridden):
    _, holder_id = ridden
    with world.house.transaction() as tx:
        (entry,) = ledger.entries(tx, holder_id, limit=1)
        for holder, wanted in ((new_id(), entry.transaction.id), (holder_id, new_id())):
            with pytest.raises(NotFound):
                audit.receipt(tx, holder, wanted)
