"""Two members turn out to be one person: merged by two operators, decided about together, and parted again."""

import threading
from datetime import date, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from backend import clock, identity, ledger, points
from tests.backend.operating import Acting, logged
from tests.backend.settlement.test_exclusivity import metro, settlement
from tests.miniprogram_api.world import API, trip


@pytest.fixture
def house(world, app):
    """Two members who are one person, and two administrators."""
    alice, alias = world.active_member("alice"), world.active_member("alias")
    ids = [member.get("/me").json["id"] for member in (alice, alias)]
    wang, zhao = (Acting(app, world, name) for name in ("wang", "zhao"))
    return SimpleNamespace(world=world, app=app, alice=alice, alias=alias, ids=ids, wang=wang, zhao=zhao)


def decided(house, *command):
    """One administrator asks, the other grants."""
    asked = house.wang("member", *command)
    assert asked.exit_code == 0, asked.stderr
    own = house.wang("approval", "decide", asked.stdout.strip(), "--grant")
    assert "SECOND_OPERATOR_NEEDED" in own.stderr
    granted = house.zhao("approval", "decide", asked.stdout.strip(), "--grant")
    assert granted.exit_code == 0, granted.stderr


def merge(house):
    decided(house, "merge", house.ids[1], house.ids[0])


def whole(world, *names):
    """What lies in these members' own accounts, and that the books balance."""
    with world.house.transaction() as tx:
        assert [*ledger.differences(tx), *points.differences(tx)] == []
    return [sum(account["reduction_g"] for account in member.get("/me/accounts").json["accounts"]) for member in names]


def test_whoever_logs_in_as_the_one_arrives_at_the_other_and_sees_both(house, acted_at):
    world, alice, alias, (survivor, merged) = house.world, house.alice, house.alias, house.ids
    world.send("transit", trip("alias", 1, acted_at))
    world.settle()
    assert alice.get(f"/me/entries?account_id={merged}").json["code"] == "NOT_FOUND"
    merge(house)

    assert alias.get("/me").json["code"] == "SESSION_ENDED"
    refreshed = world.client.post(f"{API}/auth/refresh", json={"refresh_token": alias.tokens["refresh_token"]})
    assert refreshed.json["code"] == "INVALID_REFRESH_TOKEN"
    alias.log_in_again()
    assert (alice.get("/me").json["id"], alias.get("/me").json["id"]) == (survivor, survivor)
    own, other = alice.get("/me/accounts").json["accounts"]
    assert (own["account_id"], own["reduction_g"]) == (survivor, 0)
    assert (other["account_id"], other["programme"], other["reduction_g"]) == (merged, "members", 579)

    assert alice.get("/me/entries").json["items"] == []
    (entry,) = alice.get(f"/me/entries?account_id={merged}").json["items"]
    assert alice.get(f"/me/entries/{entry['id']}/receipt").status_code == 404
    assert alice.get(f"/me/entries/{entry['id']}/receipt?account_id={merged}").status_code == 200
    (act,) = alice.get(f"/activities?account_id={merged}").json["items"]
    assert alice.get(f"/activities/{act['id']}?account_id={merged}").json["status"] == "issued"
    assert alice.get(f"/me/points?account_id={merged}").json["programmes"][0]["available"] == 0
    assert len(alice.get(f"/me/points/lots?account_id={merged}").json["items"]) == 1
    assert alice.get(f"/rewards?programme=members&account_id={merged}").status_code == 200
    assert [row["kind"] for row in alice.get("/me/export").json["statement"]["sections"]["person_identities"]] == [
        *("wechat_openid", "wechat_unionid") * 2
    ]
    assert world.login("bob").get(f"/me/entries?account_id={merged}").status_code == 404

    links = alice.get("/me/partner-links").json["links"]
    assert sorted(link["user_ref"] for link in links) == ["alias"] * 4 + ["alice"] * 4
    (foreign,) = (link["id"] for link in links if (link["partner"], link["user_ref"]) == ("shop", "alias"))
    assert alice.call("DELETE", f"/me/partner-links/{foreign}").status_code == 204
    alice.consent("transit", "commute", granted=False)
    world.send("transit", trip("alias", 2, acted_at + timedelta(hours=2)))
    world.settle()
    assert whole(world, alice) == [579]

    (done,) = logged(house.app, "member.merge_granted")
    assert [who["identities"] for who in done["before"]["persons"]] == [{"wechat_openid": 1, "wechat_unionid": 1}] * 2
    wanted = {"holders": [survivor, merged], "logins_ended": 1, "proposals_settled": 0, "status": "executed"}
    assert done["after"] == wanted


def test_unmerging_gives_each_their_identities_back(house, acted_at):
    world, alice, alias, (survivor, merged) = house.world, house.alice, house.alias, house.ids
    assert house.wang("member", "unmerge", merged).stderr.startswith("NOT_FOUND")
    merge(house)
    alias.log_in_again()
    decided(house, "unmerge", merged)
    assert alice.get("/me").json["code"] == alias.get("/me").json["code"] == "SESSION_ENDED"
    for member, own in ((alice, survivor), (alias, merged)):
        member.log_in_again()
        assert member.get("/me").json["id"] == own
        assert [account["account_id"] for account in member.get("/me/accounts").json["accounts"]] == [own]
    assert alice.get(f"/me/entries?account_id={merged}").status_code == 404
    world.send("transit", trip("alice", 1, acted_at))
    world.send("transit", trip("alias", 2, acted_at))
    world.settle()
    assert whole(world, alice, alias) == [579, 579], "they share no day any more"
    merge(house)  # and once more, where they were found to be one after all
    assert len(alice.get("/me/accounts").json["accounts"]) == 2


def test_from_the_merge_on_a_day_and_its_caps_are_those_of_both(house, acted_at):
    """Two trips at one time, one in each account: both counted before, one counts from then on."""
    world, alice = house.world, house.alice
    with world.house.transaction() as tx:
        cap = points.Cap("daily", "day", 700)
        points.save_rule(tx, programme="members", version=2, in_force_from=date(2026, 6, 5), caps=[cap])
    before = acted_at - timedelta(days=1)
    for number, user in enumerate(("alice", "alias")):
        world.send("transit", trip(user, number, before))
    world.settle()
    assert whole(world, alice, house.alias) == [579, 579]
    merge(house)
    assert whole(world, alice) == [2 * 579], "what was credited stays"

    world.send("transit", trip("alias", 10, acted_at))
    world.settle()
    world.send("transit", trip("alice", 11, acted_at - timedelta(minutes=10)))  # begins earlier: the better claim
    world.settle()
    assert whole(world, alice) == [3 * 579]
    (outdone,) = alice.get(f"/activities?status=outdone&account_id={house.ids[1]}").json["items"]
    assert outdone["reason"]["code"] == "OVERLAPPING_TRIP"

    world.send("transit", trip("alias", 12, acted_at + timedelta(hours=3)))
    world.settle()
    assert whole(world, alice) == [4 * 579]
    (lot,) = alice.get(f"/me/points/lots?account_id={house.ids[1]}").json["items"][:1]
    assert lot["amount"] == 700 - 579, "the cap of the day is one for both accounts"


def test_what_cannot_be_one_person(house, moment):
    world, (survivor, merged) = house.world, house.ids
    with world.house.transaction() as tx:
        school = identity.open_class_account(tx, world.house.vault, "members", now=clock.now())
    child, third = world.login("child"), world.login("third")
    child.call("PUT", "/me/birth-date", json={"birth_date": "2015-01-01"})
    child_id, third_id = (member.get("/me").json["id"] for member in (child, third))
    for one, because in ((survivor, "one holder"), (str(school), "class"), (child_id, "under fourteen")):
        refused = house.wang("member", "merge", one, survivor)
        assert refused.stderr.startswith("CANNOT_MERGE") and because in refused.stderr
    assert house.wang("member", "merge", merged, str(UUID(int=1))).stderr.startswith("NOT_FOUND")

    code = child.call("POST", "/me/guardian-invitations").json["code"]
    third.call("POST", "/me/wards", json={"code": code, "i_am_the_guardian": True})
    assert "acts for others" in house.wang("member", "merge", third_id, survivor).stderr
    asked = house.wang("member", "merge", survivor, third_id).stdout.strip()  # a guardian may be the one who goes on
    merge(house)
    for one, other in ((merged, third_id), (third_id, merged), (survivor, third_id)):
        assert "CANNOT_MERGE" in house.wang("member", "merge", one, other).stderr
    late = house.zhao("approval", "decide", asked, "--grant")
    assert "merged already" in late.stderr, "looked at once more when it is done"


def test_who_deletes_their_account_is_deleted_whole(house, acted_at):
    world, alice = house.world, house.alice
    world.send("transit", trip("alias", 1, acted_at))
    world.settle()
    merge(house)
    confirmation = alice.call("POST", "/me/deletion-requests").json["confirmation"]
    done = alice.call("DELETE", f"/me?confirmation={confirmation}")
    assert done.status_code == 200
    assert alice.call("DELETE", f"/me?confirmation={confirmation}").json == done.json
    for name in ("alice", "alias"):
        assert world.login(name).get("/me").json["id"] not in house.ids
    with world.house.transaction() as tx:
        assert identity.living_persons(tx, [UUID(one) for one in house.ids]) == set()


def test_a_batch_that_did_not_know_of_the_merge_is_waited_for(house, database_url):
    """The first batch has decided its day and not committed when the two become one."""
    world, (survivor, merged) = house.world, [UUID(one) for one in house.ids]
    merging, done = threading.Event(), []
    begins = clock.start_of(clock.today()) - timedelta(hours=10)

    def settle(tx, holder, order_no):
        statement = metro(holder, order_no, begins)
        return settlement.settle(tx, world.house.vault, [statement], now=clock.now())[0]

    def merge_and_settle():
        merge(house)
        merging.set()
        with world.house.transaction() as tx:
            done.append(settle(tx, survivor, "A2"))

    with world.house.transaction() as tx:
        first = settle(tx, merged, "A1")
        second = threading.Thread(target=merge_and_settle)
        second.start()
        if database_url.startswith("postgresql"):  # SQLite lets nobody merge meanwhile
            assert merging.wait(20)
    second.join()
    assert (first.status, done[0].status, done[0].code) == ("issued", "outdone", "OVERLAPPING_TRIP")
