"""A member's phone number: verified, shown without its middle, and nobody's way into another account."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from backend import clock, identity
from backend.wechat_pushes import obeying, sealed
from tests.backend.operating import Acting


def verify(member, number="13800001234"):
    return member.call("PUT", "/me/phone", json={"code": f"sandbox:{number}"})


def test_a_number_is_verified_replaced_shown_and_forgotten(world):
    member = world.login("alice")
    assert member.get("/me/phone").json == {"phone": None}
    assert verify(member).json == verify(member).json == {"phone": "138****1234"}
    assert verify(member, "13900005678").json == member.get("/me/phone").json == {"phone": "139****5678"}
    exported = member.get("/me/export").json["statement"]["sections"]["person_identities"]
    assert [row["value"] for row in exported if row["kind"] == "phone"] == ["+8613900005678"]
    with world.house.transaction() as tx:
        rows = tx.execute(text("SELECT sealed_value FROM person_identities WHERE kind = 'phone'")).all()
    assert len(rows) == 1 and b"13900005678" not in bytes(rows[0][0])
    assert verify(member, "1380000123").json["code"] == "PHONE_CODE_INVALID"
    assert member.call("DELETE", "/me/phone").status_code == 204
    assert member.call("DELETE", "/me/phone").status_code == 404
    assert verify(world.login("bob")).status_code == 200, "nobody's any more"


def test_a_number_of_somebody_else_is_proposed_to_operators_and_merges_nobody(world, app):
    alice, bob = world.login("alice"), world.login("bob")
    ids = [member.get("/me").json["id"] for member in (alice, bob)]
    assert verify(alice).status_code == 200
    for _ in range(2):
        assert verify(bob).json["code"] == "PHONE_TAKEN"
    assert (bob.get("/me/phone").json, alice.get("/me/phone").json) == ({"phone": None}, {"phone": "138****1234"})
    assert [member.get("/me").json["id"] for member in (alice, bob)] == ids
    wang = Acting(app, world, "wang")
    with world.house.transaction() as tx:
        (found,) = identity.merging.proposals(tx, limit=10)
    assert [str(found.holder_id), str(found.other_id), found.cause] == [ids[1], ids[0], "phone"]
    assert wang("member", "dismiss-proposal", ids[1], ids[0]).exit_code == 0
    assert "NOT_FOUND" in wang("member", "dismiss-proposal", ids[1], ids[0]).stderr
    assert verify(bob).json["code"] == "PHONE_TAKEN"
    with world.house.transaction() as tx:
        assert identity.merging.proposals(tx, limit=10) == [], "father and son: not proposed again"


def test_two_who_verify_one_number_at_once(world):
    members = [world.login(name) for name in ("alice", "bob", "carol")]

    def ask(member):
        client = world.app.test_client()
        headers = {"Authorization": f"Bearer {member.tokens['access_token']}"}
        return client.put("/api/v1/me/phone", json={"code": "sandbox:13800001234"}, headers=headers).status_code

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(ask, members)) == [200, 409, 409]


def test_a_number_goes_with_the_permission_taken_back_in_wechat(world, moment):
    member = world.login("alice")
    verify(member)
    found = world.house.wechat.exchange("sandbox:alice")
    push = sealed.Push({"Event": "user_authorization_revoke", "OpenID": found.openid, "RevokeInfo": "8"}, ())
    moment.shift(5)
    with world.house.transaction() as tx:
        obeying.obey(tx, world.house.vault, found.appid, push, now=clock.now())
    assert member.get("/me/phone").json == {"phone": None}
