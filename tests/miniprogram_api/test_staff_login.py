"""Employees log in through WeCom and OpenID Connect, are recognised as one person, and nobody else gets in."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import func, select

from backend import clock, identity
from backend.identity import staff_login
from backend.identity.models import Holder
from backend.identity.roster.members import staff_no_index
from backend.identity.roster.models import StaffMember
from backend.identity.staff_login.models import StaffLoginAttempt
from backend.ids import new_id
from tests.backend.operating import Acting, logged, run
from tests.miniprogram_api.employer import CLIENT_ID, CLIENT_SECRET, CORP_SECRET, employer
from tests.miniprogram_api.world import API, Member

BACK = "https://app.example/back"
ODD = ["zhang san", "张三", "../x", "a" * 65, "", 7, None, "-a", "a|b", "a\n"]


@pytest.fixture(scope="module")
def services():
    with employer() as made:
        yield made


@pytest.fixture
def house(world, app, services):
    """A house that lets the staff of two corporations and of one OpenID provider in; 1001 and 1002 are employed."""
    services.twist, services.signing, services.issuer_said, services.former, services.asked = {}, "key", "", [], []
    services.tokens.clear()
    services.rotate("k1")
    settings = replace(world.house.settings, sandbox_hosts=(services.host,))
    desk = staff_login.StaffLoginDesk(world.house.sessions, world.house.vault, (services.host,))
    world.house = app.extensions["house"] = replace(world.house, settings=settings, staff_login_desk=desk)
    with world.house.transaction() as tx:
        for staff_no, last_day in (("1001", None), ("1002", None), ("1003", date(2026, 6, 7))):
            index = staff_no_index(world.house.vault, "staff", staff_no)
            row = {"programme": "staff", "staff_no_index": index, "joined": date(2026, 1, 1), "last_day": last_day}
            tx.add(StaffMember(id=new_id(), name_index=b"", sealed=b"", changed_at=clock.now(), **row))
    wang = Acting(app, world, "wang")
    made = SimpleNamespace(world=world, app=app, services=services, wang=wang, api=world.client)
    base = f"base_url={services.url}"
    add(made, "acme", "wecom", CORP_SECRET, "corp_id=wwACME", base)
    add(made, "acme-app", "wecom", CORP_SECRET, "corp_id=wwACME", "entry=miniprogram", base)
    add(made, "other", "wecom", CORP_SECRET, "corp_id=wwOTHER", base)
    oidc = (f"client_id={CLIENT_ID}", f"redirect_uris={BACK}", "staff_number_claim=employee_number")
    for code in ("sso", "sso-two"):
        add(made, code, "oidc", CLIENT_SECRET, f"issuer={services.issuer}", *oidc)
    return made


def add(house, code, kind, secret, *settings):
    pairs = [part for setting in settings for part in ("--set", setting)]
    command = ("staff", "provider", "add", code, "--kind", kind, "--programme", "staff", "--title", code, *pairs)
    done = house.wang(*command, "--secret", secret)
    assert done.exit_code == 0, done.output


def wecom(house, code, provider="acme", **more):
    return house.api.post(f"{API}/auth/staff", json={"provider": provider, "code": code, **more})


def begin(house, provider="sso", redirect_uri=BACK):
    answer = house.api.post(f"{API}/auth/staff/{provider}/begin", json={"redirect_uri": redirect_uri})
    assert answer.status_code == 201, answer.text
    return answer.json


def finish(house, begun, code, provider="sso", **more):
    come_back = {"state": begun["state"], "verifier": begun["verifier"]} | more
    return wecom(house, code, provider, **come_back)


def sso(house, sub="u-1", staff_no="1001"):
    begun = begin(house)
    return finish(house, begun, house.services.signs_in(begun["authorization_url"], sub, employee_number=staff_no))


def me(house, answer):
    assert answer.status_code == 200, answer.text
    return Member(house.world, "", answer.json).get("/me").json


def holders(house):
    with house.world.house.transaction() as tx:
        return tx.scalar(select(func.count()).select_from(Holder))


def refused(answer, status, code):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text


def test_one_person_by_wecom_and_by_openid_connect_with_one_staff_account(house):
    services = house.services
    listed = {one["provider"]: one["begins"] for one in house.api.get(f"{API}/auth/staff").json["providers"]}
    assert listed == {"acme": False, "acme-app": False, "other": False, "sso": True, "sso-two": True}
    first = me(house, wecom(house, services.wecom_code("wwACME", userid="1001")))
    assert [(one["programme"], one["account_kind"]) for one in first["memberships"]] == [("staff", "staff")]
    again = me(house, wecom(house, services.wecom_code("wwACME", userid="1001"), "acme-app"))
    assert again["id"] == me(house, sso(house))["id"] == first["id"]
    assert me(house, sso(house, "u-2", "1002"))["id"] != first["id"]
    assert services.asked.count("gettoken") == 2, "one access token per app, kept"
    assert (services.asked.count("discovery"), services.asked.count("keys")) == (1, 1)
    index = identity.agreements.reference_index(house.world.house.vault, "staff", "1001")
    with house.world.house.transaction() as tx:
        named = ("staff", index, clock.today())
        assert identity.agreements.referred_receivers(tx, [named])[named].holder_id == UUID(first["id"])

    services.tokens.clear()  # WeCom ends a token before its time
    assert me(house, wecom(house, services.wecom_code("wwACME", userid="1001")))["id"] == first["id"]
    services.rotate("k2")
    house.world.house.staff_login_desk._services._keys.clear()
    assert me(house, sso(house))["id"] == first["id"]
    services.sign_with_rsa()
    house.world.house.staff_login_desk._services._keys.clear()
    assert me(house, sso(house))["id"] == first["id"]
    said = logged(house.app, "staff_login.added")
    assert len(said) == 5 and CLIENT_SECRET not in str(said) and CORP_SECRET not in str(said)


def test_a_rotated_key_is_read_when_a_token_names_it_and_not_at_every_call(house, moment):
    me(house, sso(house))
    house.services.rotate("k3")
    refused(sso(house), 401, "STAFF_LOGIN_INVALID")  # read a moment ago: not again so soon
    assert house.services.asked.count("keys") == 1
    moment.shift(timedelta(seconds=31))
    me(house, sso(house))
    assert house.services.asked.count("keys") == 2


def test_who_is_not_employed_today_has_no_account(house):
    services, before = house.services, holders(house)
    for staff_no in ("1003", "9999"):
        refused(wecom(house, services.wecom_code("wwACME", userid=staff_no)), 403, "NOT_ON_ROSTER")
        refused(sso(house, "u-9", staff_no), 403, "NOT_ON_ROSTER")
    for answer in ({"openid": "o1", "external_userid": "1001"}, {"openid": "1001"}):
        refused(wecom(house, services.wecom_code("wwACME", **answer)), 403, "NOT_STAFF")
    for userid in ODD:
        refused(wecom(house, services.wecom_code("wwACME", userid=userid)), 503, "STAFF_LOGIN_UNAVAILABLE")
    for staff_no in (7, None, "", "x" * 65, ["1001"]):
        refused(sso(house, "u-1", staff_no), 503, "STAFF_LOGIN_UNAVAILABLE")
    assert holders(house) == before


def test_a_code_is_good_once_and_for_its_own_corporation(house):
    services = house.services
    code = services.wecom_code("wwACME", userid="1001")
    first = me(house, wecom(house, code))
    refused(wecom(house, code), 401, "STAFF_LOGIN_INVALID")
    refused(wecom(house, services.wecom_code("wwOTHER", userid="1001")), 401, "STAFF_LOGIN_INVALID")
    refused(wecom(house, services.wecom_code("wwOTHER", userid="1001"), "acme-app"), 401, "STAFF_LOGIN_INVALID")
    assert me(house, wecom(house, services.wecom_code("wwACME", userid="1001".upper())))["id"] == first["id"]
    for odd in ("a b", "é", "x" * 513, "a\x00"):
        assert wecom(house, odd).json["code"] in ("STAFF_LOGIN_INVALID", "INVALID_REQUEST", "INVALID_JSON")
    refused(wecom(house, "x", "nobody"), 404, "UNKNOWN_STAFF_PROVIDER")
    refused(house.api.post(f"{API}/auth/staff/acme/begin", json={"redirect_uri": BACK}), 409, "NOTHING_TO_BEGIN")


def test_a_login_is_finished_once_by_whoever_began_it_where_it_began(house, moment):
    services = house.services
    refused(
        house.api.post(f"{API}/auth/staff/sso/begin", json={"redirect_uri": "https://evil.example/"}),
        422,
        "REDIRECT_NOT_ALLOWED",
    )

    def code_for(begun):
        return services.signs_in(begun["authorization_url"], "u-1", employee_number="1001")

    one, two = begin(house), begin(house)
    asked = services.asked.count("token")
    wrong = [
        {"verifier": two["verifier"]},
        {"state": "x" * 43},
        {"provider": "sso-two"},
        {"state": None, "verifier": None},
    ]
    for change in wrong:
        begun = begin(house)
        body = {"provider": "sso", "code": code_for(begun), "state": begun["state"], "verifier": begun["verifier"]}
        body = {name: value for name, value in (body | change).items() if value is not None}
        refused(house.api.post(f"{API}/auth/staff", json=body), 401, "STAFF_LOGIN_INVALID")
        if "state" not in change:  # right or wrong, the state is spent
            refused(finish(house, begun, code_for(begun)), 401, "STAFF_LOGIN_INVALID")
    assert services.asked.count("token") == asked, "nothing was asked in vain"
    refused(finish(house, one, code_for(two)), 401, "STAFF_LOGIN_INVALID")  # a code of another login: PKCE
    late = begin(house)
    moment.shift(timedelta(minutes=10))
    refused(finish(house, late, code_for(late)), 401, "STAFF_LOGIN_INVALID")
    fresh = begin(house)
    code = code_for(fresh)
    with ThreadPoolExecutor(4) as pool:
        body = {"provider": "sso", "code": code, "state": fresh["state"], "verifier": fresh["verifier"]}
        clients = [house.app.test_client() for _ in range(4)]
        answers = list(pool.map(lambda client: client.post(f"{API}/auth/staff", json=body).status_code, clients))
    assert sorted(answers) == [200, 401, 401, 401]
    with house.world.house.transaction() as tx:
        identity.purge_spent(tx, now=clock.now())
        assert tx.scalar(select(func.count()).select_from(StaffLoginAttempt)) == 0


NOW_S = int(clock.start_of(date(2026, 6, 8)).timestamp()) + 12 * 3600


def test_an_id_token_that_is_not_for_this_login_is_refused(house):
    services = house.services
    twisted = [
        *({"iss": "https://evil.example"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": ["another"]}),
        *({"aud": [CLIENT_ID, "another"]}, {"azp": "another"}, {"aud": [CLIENT_ID, "x"], "azp": "x"}),
        *({"nonce": "another"}, {"nonce": None}, {"exp": NOW_S - 61}, {"exp": None}, {"exp": "tomorrow"}),
        *({"iat": NOW_S + 120}, {"iat": NOW_S - 3600}, {"iat": True}, {"nbf": NOW_S + 120}),
        *({"sub": ""}, {"sub": None}, {"sub": 7}, {"sub": "x" * 256}, {"sub": "a\n"}),
    ]
    for services.twist in twisted:
        answer = sso(house)
        assert (answer.status_code, answer.json["code"]) == (401, "STAFF_LOGIN_INVALID"), services.twist
    services.twist = {}
    for services.signing in ("none", "hmac", "stranger"):
        refused(sso(house), 401, "STAFF_LOGIN_INVALID")
    services.signing, services.twist = "key", {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    me(house, sso(house))
    house.world.house.staff_login_desk._services._documents.clear()
    services.issuer_said = "https://evil.example"
    answer = house.api.post(f"{API}/auth/staff/sso/begin", json={"redirect_uri": BACK})
    refused(answer, 503, "STAFF_LOGIN_UNAVAILABLE")


def test_a_member_binds_a_staff_login_and_keeps_two_accounts_apart(house):
    world, services = house.world, house.services
    alice, bob = world.login("alice"), world.login("bob")

    def bind(member, userid):
        body = {"provider": "acme", "code": services.wecom_code("wwACME", userid=userid)}
        return member.call("POST", "/me/staff-login", json=body)

    assert bind(alice, "1001").json == bind(alice, "1001").json == {"programme": "staff"}
    kinds = [(one["programme"], one["account_kind"]) for one in alice.get("/me").json["memberships"]]
    assert kinds == [("members", "personal"), ("staff", "staff")]
    own = alice.get("/me").json["id"]
    assert me(house, wecom(house, services.wecom_code("wwACME", userid="1001")))["id"] == own
    assert me(house, sso(house))["id"] == own, "the employer says it is the same member of staff"

    refused(bind(bob, "1001"), 409, "STAFF_LOGIN_TAKEN")
    refused(bind(alice, "1002"), 409, "STAFF_NUMBER_TAKEN")
    assert [one["programme"] for one in bob.get("/me").json["memberships"]] == ["members"]
    assert "staff_login" in run(house.app, "member", "proposals").stdout
    with world.house.transaction() as tx:
        (proposed,) = identity.merging.proposals(tx, limit=10)
    assert (str(proposed.holder_id), str(proposed.other_id), proposed.cause) == (
        bob.get("/me").json["id"],
        own,
        "staff_login",
    )
    zhao = Acting(house.app, world, "zhao")
    asked = house.wang("member", "merge", str(proposed.holder_id), own).stdout.strip()
    assert zhao("approval", "decide", asked, "--grant").exit_code == 0
    bob.log_in_again()
    assert bind(bob, "1001").status_code == 200
    with world.house.transaction() as tx:
        assert identity.merging.proposals(tx, limit=10) == []


def test_first_logins_at_once_make_one_person(house):
    """Four by WeCom and, when these are in, nobody else's: one person, one account, whoever was first."""
    codes = [house.services.wecom_code("wwACME", userid="1001") for _ in range(4)]

    def log_in(code):
        return house.app.test_client().post(f"{API}/auth/staff", json={"provider": "acme", "code": code})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(log_in, codes))
    assert len({me(house, answer)["id"] for answer in answers}) == 1


def test_what_makes_no_staff_login(house):
    base = f"base_url={house.services.url}"
    bad = [
        ("wecom", "staff", ("corp_id=", base)),
        ("wecom", "staff", ("corp_id=ww|x", base)),
        ("wecom", "staff", ("corp_id=wwX", "entry=other", base)),
        ("wecom", "staff", ("corp_id=wwX", "base_url=http://169.254.169.254")),
        ("wecom", "members", ("corp_id=wwX", base)),
        ("oidc", "staff", (f"issuer={house.services.issuer}", "client_id=x", "staff_number_claim=n")),
        ("oidc", "staff", ("issuer=http://a.example", f"redirect_uris={BACK}", "client_id=x", "staff_number_claim=n")),
    ]
    for kind, programme, settings in bad:
        pairs = [part for setting in settings for part in ("--set", setting)]
        named = ("--kind", kind, "--programme", programme, "--title", "x", "--secret", "x")
        assert "INVALID_STAFF_PROVIDER" in house.wang("staff", "provider", "add", "new", *named, *pairs).stderr
    code = house.services.wecom_code("wwACME", userid="1001")
    assert house.wang("staff", "provider", "retire", "acme").exit_code == 0
    refused(wecom(house, code), 404, "UNKNOWN_STAFF_PROVIDER")
    assert house.wang("staff", "provider", "replace-secret", "acme-app", "--secret", "wrong").exit_code == 0
    refused(wecom(house, code, "acme-app"), 503, "STAFF_LOGIN_UNAVAILABLE")
