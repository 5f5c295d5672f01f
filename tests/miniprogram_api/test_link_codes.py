"""Linking that begins here: a member's code, typed in at a partner; and links that the partner ends."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import text

from backend.identity import link_codes
from tests.miniprogram_api.world import trip

LINKS, END = "/partners/v1/links", "/partners/v1/links:end"


def redeem(world, code, user_ref="u1", request_id="", partner="transit"):
    return world.ask(partner, LINKS, {"code": code, "user_ref": user_ref}, request_id)


def test_a_code_typed_in_at_the_partner_links_its_user_until_either_side_ends_it(world, acted_at):
    member = world.login("alice")
    member.consent("transit", "commute")
    world.send("transit", trip("u1", 1, acted_at))
    world.settle()
    asked = member.call("POST", "/me/link-codes", json={"partner": "transit", "programme": "members"})
    assert asked.status_code == 201
    assert asked.json | {"code": ""} == {
        "code": "",
        "partner": "transit",
        "programme": "members",
        "expires_at": "2026-06-08T04:10:00Z",
    }
    code = asked.json["code"]
    with world.house.transaction() as tx:
        assert code not in str(tx.execute(text("SELECT * FROM link_codes")).all())
    typed = f"{code[:5]}-{code[5:]} ".lower()
    answer = redeem(world, typed, request_id="req_1")
    assert (answer.status_code, answer.json) == (200, {"status": "linked", "linked_at": "2026-06-08T04:00:00Z"})
    world.settle()
    assert member.account()["reduction_g"] == 579  # what waited was settled
    (link,) = member.get("/me/partner-links").json["links"]
    assert (link["partner"], link["user_ref"], link["programme"]) == ("transit", "u1", "members")

    assert world.ask("transit", END, {"user_ref": "u1"}).json == {"status": "ended"}
    assert world.ask("transit", END, {"user_ref": "u1"}).json == {"status": "not_linked"}
    assert world.ask("shop", END, {"user_ref": "u1"}).json == {"status": "not_linked"}
    again = redeem(world, code, request_id="req_1")
    assert (again.status_code, again.json) == (200, answer.json)  # the same request has the same answer, and no effect
    assert member.get("/me/partner-links").json == {"links": []}
    world.send("transit", trip("u1", 2, acted_at + timedelta(hours=2)))
    world.settle()
    assert member.account()["reduction_g"] == 579


def test_every_code_that_is_no_good_is_refused_alike(world, moment):
    alice, bob, gone = world.login("alice"), world.login("bob"), world.login("gone")
    used, others = alice.link_code("transit"), alice.link_code("shop")
    assert redeem(world, used, request_id="req_1").status_code == 200
    replaced = bob.link_code("transit")
    taken = bob.link_code("transit")
    forgotten = gone.link_code("transit")
    confirmation = gone.call("POST", "/me/deletion-requests").json["confirmation"]
    assert gone.call("DELETE", f"/me?confirmation={confirmation}").status_code == 200
    refusals = [
        redeem(world, used),
        redeem(world, used, user_ref="u2", request_id="req_1"),
        *(redeem(world, code, user_ref="u2") for code in ("2345678923", "?", others, replaced, forgotten)),
    ]
    # Right, but for a user who is somebody else's: that is said, of nobody, and not for ever.
    for _ in range(link_codes.TRIES):
        elsewhere = redeem(world, taken)
        assert (elsewhere.status_code, elsewhere.json["code"]) == (409, "ALREADY_LINKED")
        assert elsewhere.json.keys() == {"type", "title", "status", "code", "partner"}
    refusals.append(redeem(world, taken, user_ref="u2"))
    late = bob.link_code("transit")
    moment.shift(timedelta(minutes=10))
    refusals.append(redeem(world, late, user_ref="u2"))
    assert {(answer.status_code, answer.text) for answer in refusals} == {(422, refusals[0].text)}
    assert refusals[0].json["code"] == "INVALID_LINK_CODE"


def test_a_partner_that_guesses_has_to_wait(world, moment, monkeypatch):
    monkeypatch.setattr(link_codes, "WRONG_CODES", 3)
    alice = world.login("alice")
    first = alice.link_code("transit")
    assert redeem(world, first, request_id="req_1").status_code == 200
    for _ in range(3):
        assert redeem(world, "2345678923", user_ref="u2").status_code == 422
    right = alice.link_code("transit")
    waits = redeem(world, right, user_ref="u2")
    assert (waits.status_code, waits.json["code"]) == (429, "TOO_MANY_WRONG_LINK_CODES")
    assert waits.json["retry_at"] == "2026-06-08T04:10:00Z"
    assert redeem(world, alice.link_code("shop"), partner="shop").status_code == 200
    moment.shift(timedelta(minutes=10))
    alice.log_in_again()
    assert redeem(world, alice.link_code("transit"), user_ref="u2").status_code == 200


def test_a_request_about_links_is_signed_for_what_it_asks_and_read_strictly(world):
    ask_for = world.login("alice").call
    body = {"code": "2345678923", "user_ref": "u1"}
    signed_for_the_other = redeem(world, "2345678923").request.headers
    other = {name: signed_for_the_other[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    nobody, nowhere = {"partner": "nobody", "programme": "members"}, {"partner": "transit", "programme": "staff"}
    answers = [
        (ask_for("POST", "/me/link-codes", json=nobody), 404, "UNKNOWN_PARTNER"),
        (ask_for("POST", "/me/link-codes", json=nowhere), 422, "NOT_ENROLLED"),
        (world.ask("transit", END, body, **other), 401, "INVALID_SIGNATURE"),
        (world.ask("transit", LINKS, body, **{"webhook-partner": "shop"}), 401, "INVALID_SIGNATURE"),
        (world.ask("transit", LINKS, body, **{"webhook-partner": "nobody"}), 404, "UNKNOWN_PARTNER"),
        (world.ask("transit", LINKS, "[]"), 400, "JSON_NOT_AN_OBJECT"),
        (world.ask("transit", LINKS, '{"code": "a", "code": "b", "user_ref": "u"}'), 400, "DUPLICATE_KEY"),
        (world.ask("transit", LINKS, {"user_ref": "u1"}), 422, "INVALID_REQUEST"),
        (world.ask("transit", LINKS, body | {"programme": "members"}), 422, "INVALID_REQUEST"),
        (world.ask("transit", LINKS, body | {"code": 7}), 422, "INVALID_REQUEST"),
        (world.ask("transit", LINKS, body | {"code": "2" * 65}), 422, "INVALID_REQUEST"),
        (world.ask("transit", LINKS, body | {"user_ref": " u1"}), 422, "INVALID_REQUEST"),
        (world.ask("transit", END, {"user_ref": None}), 422, "INVALID_REQUEST"),
    ]
    for answer, status, code in answers:
        assert (answer.status_code, answer.json["code"]) == (status, code), answer.text


# -- at the same moment ------------------------------------------------------------------------------------


def all_at_once(*acts):
    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result() for each in [pool.submit(act) for act in acts]]


def linked(*members):
    return [link["user_ref"] for member in members for link in member.get("/me/partner-links").json["links"]]


def test_one_code_presented_for_several_users_at_once_links_one(world):
    member = world.login("alice")
    code = member.link_code("transit")
    answers = all_at_once(*[lambda user=user: redeem(world, code, user) for user in ("u1", "u2", "u3", "u1")])
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
    assert len(linked(member)) == 1


def test_several_codes_presented_for_one_user_at_once_link_one_member(world):
    members = [world.login(name) for name in ("alice", "bob", "cy")]
    codes = [member.link_code("transit") for member in members]
    answers = all_at_once(*[lambda code=code: redeem(world, code) for code in codes])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert linked(*members) == ["u1"]


def test_the_same_request_many_times_at_once_is_one_link_and_one_answer(world):
    member = world.login("alice")
    code = member.link_code("transit")
    answers = all_at_once(*[lambda: redeem(world, code, request_id="req_1")] * 4)
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert linked(member) == ["u1"]


def test_a_code_presented_while_its_member_leaves_or_its_link_ends_leaves_the_user_free(world):
    leaving, staying = world.login("leaving"), world.login("staying")
    code = leaving.link_code("transit")
    confirmation = leaving.call("POST", "/me/deletion-requests").json["confirmation"]
    presented, deleted = all_at_once(
        lambda: redeem(world, code), lambda: leaving.call("DELETE", f"/me?confirmation={confirmation}")
    )
    assert (presented.status_code in (200, 422), deleted.status_code) == (True, 200)
    assert redeem(world, staying.link_code("transit")).status_code == 200
    code = staying.link_code("transit")
    all_at_once(lambda: redeem(world, code, request_id="req_1"), lambda: world.ask("transit", END, {"user_ref": "u1"}))
    world.ask("transit", END, {"user_ref": "u1"})
    assert linked(staying) == []
    other = world.login("other")
    assert redeem(world, other.link_code("transit")).status_code == 200
