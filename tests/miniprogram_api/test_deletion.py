"""Deleting the account: the person is forgotten, the books are not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from backend import audit, clock, identity, ledger, partners, points
from backend.identity.models import Consent, ConsentChange, LoginSession, PartnerLink, PersonIdentity, PersonKey
from backend.partners.models import InboxEvent
from tests.miniprogram_api.world import API, cancellation, order, trip


def ask(member):
    answer = member.call("POST", "/me/deletion-requests")
    assert answer.status_code == 201, answer.text
    return answer.json["confirmation"]


def delete(member, confirmation):
    return member.call("DELETE", f"/me?confirmation={confirmation}")


def check_books(world):
    with world.house.transaction() as tx:
        assert list(ledger.differences(tx)) == []
        assert list(points.differences(tx)) == []
        found = audit.replay(tx)
        assert found.differences == []
        return found.activities


def rows(world, model, holder_id):
    with world.house.transaction() as tx:
        found = list(tx.scalars(select(model).where(model.holder_id == UUID(holder_id))))
        tx.expunge_all()
        return found


@pytest.fixture
def busy(world, acted_at):
    """A member with credits, an event that waits for a consent, and one that is not looked at yet."""
    member = world.active_member("alice")
    member.consent("dangdang", "device", granted=False)
    world.send("transit", trip("alice", 1, acted_at))
    world.send("zhuanzhuan", order("device.traded_in", "alice", "Z1", acted_at, {"category": "phone", "serial": "S"}))
    world.send("dangdang", order("device.recycled", "alice", "D1", acted_at, {"category": "fridge", "serial": "F"}))
    world.settle()
    return member


def test_nothing_is_deleted_by_asking_and_the_answer_says_what_will_be(busy):
    answer = busy.call("POST", "/me/deletion-requests")
    assert answer.json["expires_in"] == 600
    assert any("微信" in text["zh"] for text in answer.json["erases"])
    assert any("账目" in item["what"]["zh"] and "平衡" in item["why"]["zh"] for item in answer.json["keeps"])
    assert busy.account()["reduction_g"] > 579


def test_the_person_is_forgotten_and_the_books_hold(world, busy, acted_at):
    holder = busy.get("/me").json["id"]
    account = busy.account()
    answer = delete(busy, ask(busy))
    assert answer.status_code == 200, answer.text
    assert answer.json["deleted_at"] == "2026-06-08T04:00:00Z"
    assert answer.json["kept"] and answer.json["erased"]

    (key,) = rows(world, PersonKey, holder)
    assert key.wrapped_key is None
    assert rows(world, PersonIdentity, holder) == []
    links = rows(world, PartnerLink, holder)
    assert {(link.ended_at is None, link.sealed_user_ref, link.user_ref_index) for link in links} == {(False, b"", b"")}
    assert not any(consent.granted for consent in rows(world, Consent, holder))
    assert {change.granted for change in rows(world, ConsentChange, holder)} == {True, False}
    assert all(session.ended_at for session in rows(world, LoginSession, holder))
    with pytest.raises(identity.SessionEnded), world.house.transaction() as tx:
        identity.person_sealer(tx, world.house.vault, key.holder_id)

    assert check_books(world) == 2
    with world.house.transaction() as tx:
        kept = ledger.all_balances(tx, ("reduction",))
    assert kept[key.holder_id, "members", "reduction"] == account["reduction_g"]


def test_what_waited_ends_and_is_erased(world, busy):
    holder = busy.get("/me").json["id"]
    (waiting,) = [event for event in rows(world, InboxEvent, holder) if event.state == "parked"]
    assert waiting.sealed_body
    delete(busy, ask(busy))
    (ended,) = [event for event in rows(world, InboxEvent, holder) if event.id == waiting.id]
    assert (ended.state, ended.sealed_body, ended.user_ref_index) == ("done", None, None)
    with world.house.transaction() as tx:
        (line,) = partners.deliveries(tx, "dangdang", event_id=ended.event_id)[0]["lines"]
    assert line["code"] == "MEMBER_FORGOTTEN"


def test_events_that_come_later_credit_nobody_and_stop_no_other(world, busy, acted_at):
    bob = world.active_member("bob")
    world.send("transit", trip("alice", 7, acted_at + timedelta(hours=3)))  # taken in before, looked at after
    delete(busy, ask(busy))
    world.send("transit", trip("alice", 8, acted_at + timedelta(hours=5)))
    world.send("transit", trip("bob", 9, acted_at))
    world.settle()
    assert bob.account()["reduction_g"] == 579
    assert check_books(world) == 3


def test_a_cancellation_still_takes_the_credit_back(world, busy, acted_at):
    holder = busy.get("/me").json["id"]
    delete(busy, ask(busy))
    world.send("zhuanzhuan", cancellation("alice", "Z1", acted_at))
    world.settle()
    with world.house.transaction() as tx:
        left = {str(key[0]): amount for key, amount in ledger.all_balances(tx, ("reduction",)).items()}
    assert left[holder] == 579
    check_books(world)


def test_the_same_wechat_is_a_new_person_who_may_link_the_same_user_but_not_claim_the_same_act(
    world, busy, acted_at
):
    before = busy.get("/me").json["id"]
    delete(busy, ask(busy))
    again = world.active_member("alice")
    assert again.get("/me").json["id"] != before
    assert again.entries() == []
    body = order("device.traded_in", "alice", "Z2", acted_at, {"category": "phone", "serial": "S"})
    world.send("zhuanzhuan", body)
    world.settle()
    (activity,) = again.get("/activities").json["items"]
    assert (activity["status"], activity["reason"]["code"]) == ("outdone", "ALREADY_CLAIMED")


def test_every_login_ends_and_the_same_call_is_answered_the_same(world, busy, moment):
    other = world.login("alice")
    confirmation = ask(busy)
    first = delete(busy, confirmation)
    moment.shift(timedelta(seconds=30))
    assert delete(busy, confirmation).json == first.json
    for member in (busy, other):
        assert (member.get("/me").status_code, member.get("/me").json["code"]) == (401, "SESSION_ENDED")
        refreshed = world.client.post(f"{API}/auth/refresh", json={"refresh_token": member.tokens["refresh_token"]})
        assert refreshed.json["code"] == "INVALID_REFRESH_TOKEN"


def test_a_confirmation_is_for_one_login_and_ten_minutes(world, busy, moment):
    other, bob = world.login("alice"), world.login("bob")
    confirmation = ask(busy)
    changed = confirmation[:-1] + ("A" if confirmation[-1] != "A" else "E")
    for member, given in ((other, confirmation), (bob, confirmation), (busy, changed)):
        assert (delete(member, given).status_code, delete(member, given).json["code"]) == (409, "INVALID_CONFIRMATION")
    moment.shift(timedelta(seconds=601))
    assert delete(busy, confirmation).json["code"] == "INVALID_CONFIRMATION"
    assert delete(busy, ask(busy)).status_code == 200


def test_who_logged_out_cannot_delete(world, busy):
    confirmation = ask(busy)
    busy.call("POST", "/auth/logout")
    answer = delete(busy, confirmation)
    assert (answer.status_code, answer.json["code"]) == (401, "SESSION_ENDED")
    assert world.login("alice").account()["reduction_g"] > 579


def test_a_deletion_while_the_worker_settles_leaves_no_open_body_and_whole_books(world, busy, acted_at):
    holder = busy.get("/me").json["id"]
    for number in range(20, 40):
        world.send("transit", trip("alice", number, acted_at - timedelta(hours=number)))
    confirmation = ask(busy)
    with ThreadPoolExecutor(2) as pool:
        settling, deleting = pool.submit(world.settle), pool.submit(delete, busy, confirmation)
        settling.result()
        assert deleting.result().status_code in (200, 503)
    assert delete(busy, confirmation).status_code == 200
    world.settle()
    check_books(world)
    assert {event.state for event in rows(world, InboxEvent, holder)} == {"done"}
    with world.house.transaction() as tx:
        assert partners.wake_ready(tx, now=clock.now()) == 0


@pytest.mark.parametrize("attempt", range(3))
def test_a_login_at_the_moment_of_deletion_is_of_the_old_person_or_of_a_new_one(world, busy, attempt):
    before = busy.get("/me").json["id"]
    confirmation = ask(busy)
    with ThreadPoolExecutor(2) as pool:
        deleting, logging_in = pool.submit(delete, busy, confirmation), pool.submit(world.login, "alice")
        assert deleting.result().status_code == 200
        seen = logging_in.result().get("/me")
    assert seen.status_code == 401 or seen.json["id"] != before
    assert rows(world, PersonIdentity, before) == []
    assert world.login("alice").get("/me").json["id"] != before


@pytest.mark.parametrize("attempt", range(3))
def test_a_link_made_at_the_moment_of_deletion_keeps_the_user_from_nobody(world, busy, attempt):
    ticket, confirmation = world.ticket("transit", "second"), ask(busy)
    asked = {"ticket": ticket, "programme": "members"}
    with ThreadPoolExecutor(2) as pool:
        deleting = pool.submit(delete, busy, confirmation)
        linking = pool.submit(busy.call, "POST", "/me/partner-links", json=asked)
        assert deleting.result().status_code == 200
        assert linking.result().status_code in (201, 401)
    world.login("alice").link("transit", "second")
