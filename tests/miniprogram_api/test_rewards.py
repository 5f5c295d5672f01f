"""What members see of rewards: prices by the day, announced before they change, and why not where not."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from backend import clock, rewards
from backend.rewards import Limit, Terms
from backend.rewards.catalogue.offers import offer
from backend.rewards.errors import TermsTooEarly
from tests.backend.rewards.redeeming import give_points
from tests.miniprogram_api.conftest import NOW

PERSONAL = (("members", "personal"),)
TODAY = NOW.date()


def add(world, code, price, *, kind="goods", stock="unlimited", **terms):
    with world.house.transaction() as tx:
        titles = {"zh": f"奖品{code}", "en": f"reward {code}"}
        pool = {"provider_kind": "voucher_pool" if stock == "pool" else "recorded"}
        rewards.save_reward(tx, code=code, kind=kind, titles=titles, stock_kind=stock, now=clock.now(), **pool)
        wanted = {"in_force_from": TODAY, "audiences": PERSONAL} | terms
        rewards.save_terms(tx, code, Terms(price_points=price, **wanted), announced_on=TODAY)


def announce(world, code, price, begin, **terms):
    with world.house.transaction() as tx:
        wanted = {"audiences": PERSONAL} | terms
        return rewards.save_terms(tx, code, Terms(begin, price, **wanted), announced_on=clock.today())


def seen(member, query=""):
    answer = member.get(f"/rewards?programme=members{query}")
    assert answer.status_code == 200, answer.text
    return {item["code"]: item for item in answer.json["items"]}


def test_a_price_changes_at_the_start_of_the_announced_day_in_shanghai_and_was_announced_before(world, moment):
    alice = world.login("alice")
    add(world, "tree", 100, kind="charity", delivered_amount=1, delivered_unit="trees")
    with pytest.raises(TermsTooEarly):
        announce(world, "tree", 150, TODAY)
    assert announce(world, "tree", 150, TODAY + timedelta(days=1)) == 2
    announce(world, "tree", 120, TODAY + timedelta(days=9))
    announce(world, "tree", 110, TODAY + timedelta(days=19), audiences=(("staff", "staff"),))
    for instant, price, announced in (
        (NOW, 100, (2, "2026-06-09", 150)),
        (datetime(2026, 6, 8, 23, 59, 59, tzinfo=clock.SHANGHAI), 100, (2, "2026-06-09", 150)),
        (datetime(2026, 6, 9, 0, 0, 0, tzinfo=clock.SHANGHAI), 150, (3, "2026-06-17", 120)),
        (datetime(2026, 6, 17, 0, 0, 0, tzinfo=clock.SHANGHAI), 120, (4, "2026-06-27", None)),
    ):
        moment.move_to(instant)
        alice.log_in_again()
        tree = seen(alice)["tree"]
        assert tree["price_points"] == price
        told = tree["announced"]
        assert (told and (told["version"], told["in_force_from"], told["price_points"])) == announced
        with world.house.transaction() as tx:
            found = offer(tx, "tree", programme="members", account_kind="personal", day=clock.today())
        assert (found.price_points, found.version) == (price, tree["terms_version"])


def test_what_cannot_be_redeemed_says_why(world):
    alice = world.login("alice")
    holder = alice.get("/me").json["id"]
    add(world, "cheap", 100, per_person=Limit(1, 30))
    add(world, "dear", 1_000, per_device=Limit(3))
    add(world, "later", 100, in_force_from=TODAY + timedelta(days=2))
    add(world, "mug", 100, stock="counted", terms_of_use_zh="不退换", terms_of_use_en="No returns")
    add(world, "over", 100, in_force_from=date(2026, 5, 1), last_day=TODAY - timedelta(days=1))
    add(world, "past", 100, in_force_from=date(2026, 1, 1), last_day=date(2026, 5, 1))
    add(world, "pool", 100, kind="voucher", stock="pool")
    add(world, "staff", 100, audiences=(("staff", "staff"),))
    give_points(world, UUID(holder), 150)
    found = seen(alice)
    assert {code: [reason["code"] for reason in item["reasons"]] for code, item in found.items()} == {
        "cheap": [],
        "dear": ["INSUFFICIENT_POINTS"],
        "later": ["REWARD_NOT_YET"],
        "mug": ["SOLD_OUT"],
        "over": ["REWARD_ENDED"],
        "pool": ["SOLD_OUT"],
    }
    assert found["dear"]["reasons"][0]["zh"] == "还差 850 积分。"
    assert found["later"]["reasons"][0]["en"] == "This reward can be redeemed from 2026-06-10 on."
    assert found["cheap"]["redeemable"] and found["cheap"]["per_person"] == {"count": 1, "days": 30}
    assert found["dear"]["per_device"] == {"count": 3, "days": None} and found["cheap"]["pieces_left"] is None

    pages, after = [], ""
    while after is not None:
        answer = alice.get(f"/rewards?programme=members&limit=4{after and f'&after={after}'}").json
        pages.append([item["code"] for item in answer["items"]])
        after = answer["next_after"]
    assert pages == [["cheap", "dear", "later", "mug"], ["over", "pool"]]

    give_points(world, UUID(holder), 150)
    wish = {"reward": "cheap", "programme": "members", "expected_price_points": 100}
    assert alice.call("POST", "/redemptions", json=wish, headers={"Idempotency-Key": "k1"}).status_code == 201
    assert [reason["code"] for reason in seen(alice)["cheap"]["reasons"]] == ["REDEMPTION_LIMIT"]

    with world.house.transaction() as tx:
        rewards.change_stock(tx, "mug", 250, kind="restock", reason="came", operator_id=None, now=NOW)
        rewards.retire_reward(tx, "cheap", now=NOW)
    measured = world.client.get("/metrics").text
    assert 'reward_pieces_left{reward="mug"} 250.0' in measured and 'reward_pieces_left{reward="pool"} 0.0' in measured
    mug = alice.get("/rewards/mug?programme=members").json
    assert (mug["redeemable"], mug["pieces_left"]) == (True, 100)
    assert mug["terms_of_use"] == {"zh": "不退换", "en": "No returns"}
    for path, code in (
        ("/rewards/staff?programme=members", "REWARD_NOT_FOUND"),
        ("/rewards/cheap?programme=members", "REWARD_NOT_FOUND"),
        ("/rewards/nothing?programme=members", "REWARD_NOT_FOUND"),
        ("/rewards/%00?programme=members", "REWARD_NOT_FOUND"),
        (f"/rewards?programme=members&account_id={world.login('bob').get('/me').json['id']}", "NOT_FOUND"),
        ("/rewards?programme=staff", "NOT_ENROLLED"),
        ("/rewards?programme=nowhere", "UNKNOWN_PROGRAMME"),
        ("/rewards", "INVALID_REQUEST"),
        ("/rewards?programme=members&limit=101", "INVALID_REQUEST"),
    ):
        assert alice.get(path).json["code"] == code, path
