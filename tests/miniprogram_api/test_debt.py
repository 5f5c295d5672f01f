"""A member who owes points reads so in words, until they are paid or written off."""

from datetime import timedelta
from uuid import UUID

from backend import clock, identity, points
from tests.backend.spending import spend
from tests.miniprogram_api.world import cancellation, trip


def test_debt_is_told_in_words_and_its_end_too(world, acted_at, moment):
    rider = world.active_member("alice")
    holder = UUID(rider.get("/me").json["id"])
    world.send("transit", trip("alice", 1, acted_at))
    world.settle()
    assert rider.account()["points"]["debt_sentence"] is None
    moment.shift(timedelta(days=3))
    world.ripen()
    spend(world, holder, 579)
    world.send("transit", cancellation("alice", "T1", acted_at))
    world.settle()
    rider.log_in_again()
    owed = rider.account()["points"]
    assert owed["debt"] == 579
    assert owed["debt_sentence"]["zh"].startswith("您有 579 积分待扣回")
    assert owed["debt_sentence"]["en"].startswith("You owe 579 points")
    with world.house.transaction() as tx:
        zhao, sun = (identity.add_operator(tx, name, "finance", now=clock.now())[0] for name in ("zhao", "sun"))
        how = {"reason": "合作方失误", "limit": 1_000, "now": clock.now()}
        asked = points.request_write_off(tx, holder, "members", 579, operator=zhao, **how)
        points.decide_write_off(tx, asked, operator=sun, granted=True, **how)
    assert rider.account()["points"]["debt_sentence"] is None
    entry = rider.entries()[0]
    assert entry["kind"] == "write_off"
    assert rider.receipt(entry["id"])["sentence_zh"].startswith("经审批，您的 579 待扣回积分已核销")
