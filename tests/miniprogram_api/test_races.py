"""What arrives in parallel ends as if it had come one after the other."""

from concurrent.futures import ThreadPoolExecutor

from tests.miniprogram_api.world import API

AT_ONCE = 6


def together(act):
    """Do it several times at once; the answers."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(act, range(AT_ONCE)))


def post(world, path, body, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return world.app.test_client().post(API + path, json=body, headers=headers)


def test_first_logins_at_the_same_moment_are_one_person(world):
    answers = together(lambda _: post(world, "/auth/wechat", {"code": "sandbox:new"}))
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    client = world.app.test_client()
    ids = {
        client.get(f"{API}/me", headers={"Authorization": f"Bearer {answer.json['access_token']}"}).json["id"]
        for answer in answers
    }
    assert len(ids) == 1


def test_a_refresh_token_used_twice_at_once_is_taken_once_and_ends_the_login(world):
    member = world.login("alice")
    asked = {"refresh_token": member.tokens["refresh_token"]}
    answers = together(lambda _: post(world, "/auth/refresh", asked))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * (AT_ONCE - 1)
    assert member.get("/me").json["code"] == "SESSION_ENDED"


def test_a_link_ticket_used_twice_at_once_links_once(world):
    member = world.login("alice")
    asked = {"ticket": world.ticket("transit", "u1"), "programme": "members"}
    answers = together(lambda _: post(world, "/me/partner-links", asked, member.tokens["access_token"]))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1)
    assert len(member.get("/me/partner-links").json["links"]) == 1


def test_two_members_linking_one_partner_user_at_once(world):
    members = [world.login(f"member{number}") for number in range(AT_ONCE)]
    tickets = [world.ticket("transit", "u1") for _ in members]
    answers = together(
        lambda number: post(
            world,
            "/me/partner-links",
            {"ticket": tickets[number], "programme": "members"},
            members[number].tokens["access_token"],
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1)
    assert sum(len(member.get("/me/partner-links").json["links"]) for member in members) == 1


def test_one_consent_granted_and_withdrawn_at_once_ends_in_one_state(world):
    member = world.login("alice")
    asked = {"partner": "transit", "scene": "commute", "text_version": "2026-01"}
    headers = {"Authorization": f"Bearer {member.tokens['access_token']}"}
    answers = together(
        lambda number: world.app.test_client().put(
            f"{API}/me/consents", json=asked | {"granted": number % 2 == 0}, headers=headers
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert sum(answer.status_code == 200 for answer in answers) >= 1
