"""Redeeming: one piece for points, once per key; what limits it, what a person looks at first, what comes back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import event, select, text, update

from backend import clock, identity, rewards
from backend.errors import NotFound
from backend.identity import GuardianNeeded, SessionEnded
from backend.ids import new_id
from backend.points import Use
from backend.rewards import Limit, Limits, Terms, TooLateToCancel
from backend.rewards.catalogue.models import CodeBatch
from backend.rewards.catalogue.stock import pieces_left
from backend.rewards.redemptions.errors import InvalidLimits, LimitsTooEarly
from tests.backend.operating import signed_in
from tests.backend.rewards.redeeming import Redeemer, give_points
from tests.backend.rewards.stocked import PERSONAL, fill, stock_up
from tests.backend.world import World


@pytest.fixture
def moment() -> Iterator[Any]:
    """The time stands still and can be moved."""
    with time_machine.travel(clock.start_of(clock.today()) + timedelta(hours=9), tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice(moment: Any, world: World) -> Redeemer:
    stock_up(world, codes=("AAA-1", "AAA-2", "AAA-3", "AAA-4"), mugs=2, per_person=None)
    return Redeemer(world, "alice", 1_000)


def limit(world: World, **limits: int) -> None:
    with world.house.transaction() as tx:
        today = clock.today()
        rewards.save_limits(tx, "members", Limits(**limits), in_force_from=today, announced_on=today)


def test_a_voucher_is_redeemed_once_per_key_and_its_code_shown_once(alice: Redeemer) -> None:
    status, said = alice.redeem("coffee", 100, "k1")
    assert (status, said["state"], said["points"]) == (201, "confirmed", 100)
    assert alice.redeem("coffee", 100, "k1") == (status, said)
    assert alice.points == {"available": 900}
    told = alice.in_full(said["id"])
    assert [step["state"] for step in told["steps"]] == ["confirmed"]
    assert told["voucher"]["may_be_shown"] and "AAA" not in str(told)
    shown = show(alice, said["id"], "r1")
    assert shown[0].code == "AAA-1" and not shown[1]
    assert show(alice, said["id"], "r1") == (shown[0], True)
    with pytest.raises(rewards.CodeAlreadyShown):
        show(alice, said["id"], "r2")
    assert not alice.in_full(said["id"])["voucher"]["may_be_shown"]
    with alice.house.transaction() as tx:
        kept = tx.execute(text("SELECT COALESCE(answer, '') FROM idempotency_keys")).scalars().all()
        assert len(kept) == 2 and not any("AAA" in answer for answer in kept)
    with pytest.raises(NotFound):
        show(Redeemer(alice.world, "mallory"), said["id"], "r1")
    alice.world.check_books()


def show(by: Redeemer, redemption_id: str, key: str) -> tuple[Any, bool]:
    with by.house.transaction() as tx:
        asked: dict[str, Any] = {"person_id": by.holder, "holder_id": by.holder, "redemption_id": UUID(redemption_id)}
        return rewards.show_code(tx, by.house.vault, **asked, key=key, now=clock.now())


def test_a_refusal_takes_nothing_and_is_kept_under_its_key(alice: Redeemer) -> None:
    refusals = [
        alice.redeem("coffee", 99, "k1"),
        alice.redeem("nothing", 100, "k2"),
        alice.redeem("coffee", 100, "k3", recipient=rewards.recipient_of({"member": "m-1"})),
    ]
    alice.redeem("mug", 300)
    alice.redeem("mug", 300)
    refusals += [alice.redeem("mug", 300, "k4")]
    give_points(alice.world, alice.holder, 300)
    for _ in range(4):
        alice.redeem("coffee", 100)
    refusals += [alice.redeem("coffee", 100, "k5")]
    codes = [(status, said["code"]) for status, said in refusals]
    assert codes == [
        (409, "PRICE_CHANGED"),
        (404, "REWARD_NOT_FOUND"),
        (422, "RECIPIENT_NOT_NEEDED"),
        (409, "SOLD_OUT"),
        (409, "SOLD_OUT"),
    ]
    assert refusals[0][1]["price_points"] == 100
    poor = alice.redeem("coffee", 100, "k6")
    fill(alice.world, "BBB-1")
    give_points(alice.world, alice.holder, 500)
    assert alice.redeem("coffee", 100, "k5") == refusals[4], "the same key is answered as it was the first time"
    assert alice.redeem("coffee", 100, "k6") == poor
    assert alice.redeem("coffee", 100)[0] == 201
    assert alice.points == {"available": 700}
    alice.world.check_books()


def test_points_that_are_not_there_are_not_spent(alice: Redeemer) -> None:
    bob = Redeemer(alice.world, "bob", 99)
    status, said = bob.redeem("coffee", 100)
    assert (status, said["code"], said["available"], said["needed"]) == (409, "INSUFFICIENT_POINTS", 99, 100)
    with bob.house.transaction() as tx:
        identity.end_session(tx, bob.session, now=clock.now())
    with pytest.raises(SessionEnded):
        bob.redeem("coffee", 100)


def test_limits_of_person_device_day_and_reward(alice: Redeemer, moment: Any) -> None:
    limit(alice.world, points_per_day=600, person_count=3, person_minutes=10, device_count=2, device_minutes=60)
    phone = {"device": "phone-1"}
    assert alice.redeem("coffee", 100)[1]["code"] == "DEVICE_NEEDED"
    assert [alice.redeem("coffee", 100, **phone)[0] for _ in range(2)] == [201, 201]
    assert alice.redeem("coffee", 100, **phone)[1]["limit"] == "DEVICE_WINDOW"
    bob = Redeemer(alice.world, "bob", 100)
    assert bob.redeem("coffee", 100, **phone)[1]["limit"] == "DEVICE_WINDOW", "a device is counted over all its members"
    assert alice.redeem("coffee", 100, device="phone-2")[0] == 201
    assert alice.redeem("coffee", 100, device="phone-2")[1]["limit"] == "PERSON_WINDOW"
    moment.shift(timedelta(hours=2))
    refused = alice.redeem("mug", 300, device="phone-2")[1]
    assert refused.get("limit") is None, refused
    assert alice.points == {"available": 400}
    refused = alice.redeem("coffee", 100, device="phone-2")[1]
    assert (refused["limit"], refused["allowed"], refused["used"]) == ("POINTS_PER_DAY", 600, 600)
    assert refused["until"] == clock.iso(clock.start_of_day_after(clock.today(), 1))
    moment.shift(timedelta(days=1))
    with alice.house.transaction() as tx:
        today = clock.today()
        terms = Terms(today + timedelta(days=1), 100, (("members", "personal"),), per_person=Limit(1, 2))
        rewards.save_terms(tx, "coffee", terms, announced_on=today)
    assert alice.redeem("coffee", 100, device="phone-3")[0] == 201
    moment.shift(timedelta(days=1))
    refused = alice.redeem("coffee", 100, device="phone-3")[1]
    assert (refused["limit"], refused["allowed"], refused["days"]) == ("PER_PERSON", 1, 2)
    moment.shift(timedelta(days=2))
    with alice.house.transaction() as tx:
        assert rewards.forget_devices(tx, now=clock.now()) == 3


def test_what_is_unusual_goes_to_review_with_its_points_kept(alice: Redeemer, moment: Any) -> None:
    limit(alice.world, review_count=2, review_minutes=30, review_hours=48)
    alice.redeem("coffee", 100)
    alice.redeem("coffee", 100)
    waiting = [alice.redeem("mug", 300)[1], alice.redeem("coffee", 100)[1], alice.redeem("coffee", 100)[1]]
    assert {(said["state"], said["why"]["code"]) for said in waiting} == {("review", "MANY_AT_ONCE")}
    assert alice.points == {"available": 300, "reserved": 500}
    reviewer = signed_in(alice.world, "rita", identity.REVIEWER)
    with alice.house.transaction() as tx:
        assert [str(item.id) for item in rewards.in_review(tx)] == [said["id"] for said in waiting]
        ids = [UUID(said["id"]) for said in waiting]
        vault, now = alice.house.vault, clock.now()
        rewards.approve(tx, vault, ids[0], operator=reviewer, reason="known", now=now)
        rewards.refuse(tx, ids[1], operator=reviewer, reason="copy", told="请联系客服", now=now)
    assert [alice.in_full(said["id"])["state"] for said in waiting] == ["confirmed", "cancelled", "review"]
    assert alice.in_full(waiting[1]["id"])["steps"][-1]["told"] == "请联系客服"
    assert alice.points == {"available": 400, "reserved": 100}
    for verb in (rewards.refuse, lambda *a, **k: rewards.approve(a[0], alice.house.vault, *a[1:], **k)):
        with pytest.raises(rewards.RedemptionChanged), alice.house.transaction() as tx:
            verb(tx, ids[0], operator=reviewer, reason="again", now=clock.now())
    alice.cancel(waiting[2]["id"])
    alice.cancel(waiting[2]["id"])
    assert alice.points == {"available": 500}
    moment.shift(timedelta(minutes=31))
    alice.redeem("coffee", 100), alice.redeem("coffee", 100)
    late = alice.redeem("mug", 300)[1]
    moment.shift(timedelta(hours=48))
    assert rewards.expire(alice.house.sessions, clock.now()) == 1
    assert rewards.expire(alice.house.sessions, clock.now()) == 0
    assert alice.in_full(late["id"])["why"]["code"] == "REVIEW_EXPIRED"
    assert alice.points == {"available": 300}
    alice.world.check_books()
    with alice.house.transaction() as tx:
        tx.execute(text("UPDATE redemptions SET state = 'confirmed' WHERE state = 'expired'"))
        assert "released" in {found.get("points") for found in rewards.differences(tx)}


def test_a_voucher_in_review_keeps_its_code(alice: Redeemer, moment: Any) -> None:
    """What is approved is there, however empty the pool is by then; what is not goes back to it, once."""
    bob, reviewer = Redeemer(alice.world, "bob", 1_000), signed_in(alice.world, "rita", identity.REVIEWER)
    limit(alice.world, new_days=7, new_points=99, review_hours=48)
    approved, refused, late, cancelled = (alice.redeem("coffee", 100)[1]["id"] for _ in range(4))
    assert (states(alice), bob.redeem("coffee", 100)[1]["code"]) == ({"reserved": 4}, "SOLD_OUT")
    alice.world.check_books()
    asked: dict[str, Any] = {"operator": reviewer, "reason": "looked at", "now": clock.now()}
    with alice.house.transaction() as tx:
        rewards.approve(tx, alice.house.vault, UUID(approved), **asked)
        rewards.refuse(tx, UUID(refused), **asked)
    alice.cancel(cancelled)
    assert states(alice) == {"taken": 1, "free": 2, "reserved": 1}
    assert show(alice, approved, "r1")[0].code == "AAA-1"
    moment.shift(timedelta(hours=48))
    assert rewards.expire(alice.house.sessions, clock.now()) == 1
    assert alice.in_full(late)["state"] == "expired" and states(alice) == {"taken": 1, "free": 3}
    forgotten, exchanged = bob.redeem("coffee", 100)[1]["id"], alice.redeem("coffee", 100)[1]["id"]
    forget(bob)
    assert bob.in_full(forgotten)["state"] == "cancelled" and states(alice) == {"taken": 1, "free": 2, "reserved": 1}
    with alice.house.transaction() as tx:
        rewards.withdraw_batch(tx, tx.scalars(select(CodeBatch.id)).one(), now=clock.now())
    approve = {**asked, "now": clock.now()}
    with pytest.raises(rewards.SoldOut), alice.house.transaction() as tx:  # of what was withdrawn nothing is given out
        rewards.approve(tx, alice.house.vault, UUID(exchanged), **approve)
    fill(alice.world, "BBB-1")
    with alice.house.transaction() as tx:
        rewards.approve(tx, alice.house.vault, UUID(exchanged), **approve)
    assert states(alice) == {"taken": 2, "withdrawn": 3} and show(alice, exchanged, "r2")[0].code == "BBB-1"
    alice.world.check_books()


def test_a_code_that_is_kept_can_be_used_whenever_the_review_ends(alice: Redeemer) -> None:
    """Vouchers are good for seven days more when they are given out (`least_code_days`), after the review as well."""
    limit(alice.world, new_days=7, new_points=99, review_hours=48)
    with alice.house.transaction() as tx:
        rewards.withdraw_batch(tx, tx.scalars(select(CodeBatch.id)).one(), now=clock.now())
    fill(alice.world, "TOO-SOON", expires_on=clock.today() + timedelta(days=8))
    assert alice.redeem("coffee", 100)[1]["code"] == "SOLD_OUT"
    fill(alice.world, "SOON", expires_on=clock.today() + timedelta(days=9))
    assert alice.redeem("coffee", 100)[1]["state"] == "review"
    alice.world.check_books()
    with alice.house.transaction() as tx:  # a code that waits for nobody, and a review whose code is gone
        tx.execute(text("UPDATE reward_codes SET state = 'withdrawn', redemption_id = NULL WHERE state = 'reserved'"))
        lent = "UPDATE reward_codes SET state = 'reserved', redemption_id = :id WHERE expires_on = :soon"
        tx.execute(text(lent), {"id": new_id().hex, "soon": clock.today() + timedelta(days=8)})
        found = {(str(fault["fault"]), str(fault["missing"])) for fault in rewards.differences(tx)}
    assert found == {
        ("VOUCHER", "the review of the code with this id"),
        ("VOUCHER", "the code of the redemption in review with this id"),
    }


def states(by: Redeemer) -> dict[str, int]:
    """How many codes there are in each state."""
    with by.house.transaction() as tx:
        return {row[0]: row[1] for row in tx.execute(text("SELECT state, count(*) FROM reward_codes GROUP BY state"))}
def test_each_review_ends_by_itself_and_one_in_trouble_holds_up_no_other(alice: Redeemer, moment: Any) -> None:
    limit(alice.world, new_days=7, new_points=0)
    people = [alice, *(Redeemer(alice.world, name, 100) for name in ("bob", "carol"))]
    waiting = [by.redeem("coffee", 100)[1]["id"] for by in people]
    moment.shift(timedelta(hours=72))
    with alice.house.transaction() as tx:
        tx.execute(update(Use).where(Use.holder_id == people[1].holder).values(state="spent"))
    assert rewards.expire(alice.house.sessions, clock.now()) == 2
    ended = [by.in_full(redemption)["state"] for by, redemption in zip(people, waiting, strict=True)]
    assert ended == ["expired", "review", "expired"], "points that are elsewhere are nothing to be guessed about"


def test_new_accounts_and_large_redemptions(alice: Redeemer, moment: Any) -> None:
    limit(alice.world, new_days=7, new_points=200)
    assert alice.redeem("coffee", 100)[1]["state"] == "confirmed"
    assert alice.redeem("mug", 300)[1]["why"]["code"] == "NEW_ACCOUNT"
    moment.shift(timedelta(days=7))
    assert alice.redeem("mug", 300)[1]["state"] == "confirmed"


def test_what_was_not_carried_out_yet_is_cancelled_and_what_failed_refunded(alice: Redeemer) -> None:
    mug, coffee = alice.redeem("mug", 300)[1], alice.redeem("coffee", 100)[1]
    alice.cancel(mug["id"])
    assert alice.in_full(mug["id"])["state"] == "refunded"
    with pytest.raises(TooLateToCancel):
        alice.cancel(coffee["id"])
    finance = signed_in(alice.world, "finn", identity.FINANCE)
    show(alice, coffee["id"], "r1")
    with alice.house.transaction() as tx:
        asked: dict[str, Any] = {"operator": finance, "reason": "shop closed", "told": "门店已关闭", "now": clock.now()}
        rewards.refund(tx, alice.house.vault, UUID(coffee["id"]), **asked)
    assert alice.points == {"available": 1_000}
    told = alice.in_full(coffee["id"])
    assert (told["state"], told["steps"][-1]["told"]) == ("refunded", "门店已关闭")
    with pytest.raises(rewards.RedemptionChanged):
        show(alice, coffee["id"], "r1")
    with alice.house.transaction() as tx:
        assert pieces_left(tx, "mug") == 2
        states = tx.execute(text("SELECT state, count(*) FROM reward_codes GROUP BY state")).all()
        assert {row[0]: row[1] for row in states} == {"free": 3, "taken": 1}, "a code that was shown is gone"
    alice.world.check_books()


def test_who_acts_for_a_class_or_a_ward(alice: Redeemer) -> None:
    world, now = alice.world, clock.now()
    with world.house.transaction() as tx:
        identity.save_programme(
            tx, code="school", kind="school", title_zh="八一", title_en="School", profile="CN-DEFAULT"
        )
        class_id = identity.open_class_account(tx, world.house.vault, "school", now=now)
        rewards.save_reward(
            tx,
            code="trees",
            kind="class_reward",
            titles={"zh": "班级植树", "en": "Trees"},
            provider_kind="recorded",
            stock_kind="unlimited",
            now=now,
        )
        terms = Terms(clock.today(), 50, (("school", "class"),))
        rewards.save_terms(tx, "trees", terms, announced_on=clock.today())
    give_points(world, class_id, 120, programme="school")
    asked: dict[str, Any] = {"account_id": class_id, "programme": "school"}
    with pytest.raises(NotFound):
        alice.redeem("trees", 50, **asked)
    with world.house.transaction() as tx:
        identity.appoint_steward(tx, class_id, alice.holder, until=now + timedelta(days=1), now=now)
    said = alice.redeem("trees", 50, **asked)[1]
    assert (said["state"], said["account_id"]) == ("confirmed", str(class_id))
    assert alice.redeem("coffee", 100, **asked)[1]["code"] == "REWARD_NOT_FOR_ACCOUNT"
    assert alice.redeem("trees", 50)[1]["code"] == "REWARD_NOT_FOR_ACCOUNT"
    with world.house.transaction() as tx:
        identity.may_see(tx, alice.holder, class_id, now=now)
        identity.end_steward(tx, class_id, alice.holder, now=now)
    with pytest.raises(NotFound):
        alice.redeem("trees", 50, **asked)
    child = Redeemer(world, "child", 100)
    with world.house.transaction() as tx:
        identity.state_birth_date(tx, child.holder, clock.today() - timedelta(days=9 * 365), now=now)
        code = identity.invite_guardian(tx, world.house.vault, child.holder, now=now)
        code = code if isinstance(code, str) else code[0]
    with pytest.raises(GuardianNeeded):
        child.redeem("coffee", 100)
    with pytest.raises(NotFound):
        alice.redeem("coffee", 100, account_id=child.holder)
    with world.house.transaction() as tx:
        identity.accept_ward(tx, world.house.vault, alice.holder, code, now=now)
    said = alice.redeem("coffee", 100, account_id=child.holder)[1]
    assert said["state"] == "confirmed" and child.points == {}
    assert alice.in_full(said["id"], child.holder)["voucher"]["may_be_shown"]


def test_two_operators_change_the_limits_from_a_day_to_come(alice: Redeemer, moment: Any) -> None:
    one, other = (signed_in(alice.world, name, identity.FINANCE) for name in ("finn", "fay"))
    begins, now = clock.today() + timedelta(days=2), clock.now()
    asked: dict[str, Any] = {"operator": one, "reason": "abuse", "now": now}
    with alice.house.transaction() as tx:
        for wrong in ({"points_per_day": 0}, {"person_count": 2}, {"per_hour": 3}):
            with pytest.raises(InvalidLimits):
                rewards.request_limits(tx, "members", wrong, begins, **asked)
        with pytest.raises(LimitsTooEarly):
            rewards.request_limits(tx, "members", {"points_per_day": 100}, clock.today(), **asked)
        request = rewards.request_limits(tx, "members", {"points_per_day": 100}, begins, **asked)
        late = rewards.request_limits(tx, "members", {"points_per_day": 1}, begins, **asked)
        rewards.decide_limits(tx, request, operator=other, granted=True, reason="yes", now=now)
    assert alice.redeem("mug", 300)[0] == 201
    moment.shift(timedelta(days=2))
    assert alice.redeem("mug", 300)[1]["limit"] == "POINTS_PER_DAY"
    with pytest.raises(LimitsTooEarly), alice.house.transaction() as tx:
        rewards.decide_limits(tx, late, operator=other, granted=True, reason="too late", now=clock.now())


def test_who_is_forgotten_leaves_nothing_open(alice: Redeemer) -> None:
    offer_a_tree(alice.world)
    gift, mug = alice.redeem("tree", 100)[1]["id"], alice.redeem("mug", 300)[1]["id"]
    limit(alice.world, new_days=7, new_points=0)
    reviewed = alice.redeem("coffee", 100, "k1")[1]["id"]
    forget(alice)
    with alice.house.transaction() as tx:
        rewards.forget(tx, alice.holder, now=clock.now())
        assert tx.scalar(text("SELECT count(*) FROM idempotency_keys")) == 0
        told = rewards.redemptions(tx, alice.holder, programme=None, before=None, limit=5)
        assert {one["id"]: (one["state"], one["why"] and one["why"]["code"]) for one in told} == {
            reviewed: ("cancelled", "MEMBER_FORGOTTEN"),
            mug: ("refunded", "MEMBER_FORGOTTEN"),
            gift: ("confirmed", None),
        }
        waiting = [str(one.redemption_id) for one in rewards.open_handovers(tx)]
        assert waiting == [gift], "what was given to others is still carried out; nobody is left to fetch the mug"
        assert pieces_left(tx, "mug") == 2
    with pytest.raises(SessionEnded):
        alice.redeem("coffee", 100, str(new_id()))
    alice.world.check_books()


def test_a_refusal_is_not_kept_for_who_is_forgotten_meanwhile(alice: Redeemer) -> None:
    """What was refused is rolled back before the refusal is written down: in between anything may happen."""

    def forgotten_in_between(session: Any) -> None:
        forget(alice)

    event.listen(alice.house.sessions, "after_rollback", forgotten_in_between, once=True)
    with pytest.raises(SessionEnded):
        alice.redeem("coffee", 99, "k1")
    with alice.house.transaction() as tx:
        assert tx.scalar(text("SELECT count(*) FROM idempotency_keys")) == 0


def forget(by: Redeemer) -> None:
    with by.house.transaction() as tx:
        identity.forget_person(tx, by.holder, source=identity.DELETION, now=clock.now())
        rewards.forget(tx, by.holder, now=clock.now())


def offer_a_tree(world: World) -> None:
    with world.house.transaction() as tx:
        kind: dict[str, Any] = {"kind": "charity", "provider_kind": "recorded", "stock_kind": "unlimited"}
        rewards.save_reward(tx, code="tree", titles={"zh": "种一棵树", "en": "A tree"}, now=clock.now(), **kind)
        terms = Terms(clock.today(), 100, PERSONAL, delivered_amount=1, delivered_unit="trees")
        rewards.save_terms(tx, "tree", terms, announced_on=clock.today())
