"""The sandbox programme in the database."""

from datetime import timedelta
from typing import Any

import pytest

from backend import build_house, clock, declarations, identity, partners, points, rewards
from backend.partners import UnknownPartner
from backend.sandbox import declared, programme
from backend.sandbox.programme import MEMBERS, PARTNERS
from backend.settings import Settings
from backend.signing import PublicKey, SecretKey, parse_key


@pytest.fixture
def house(database_url: str):  # type: ignore[no-untyped-def]
    found = build_house(Settings.for_tests(database_url=database_url))
    programme.load(found)
    return found


def holder_of(house, name: str):  # type: ignore[no-untyped-def]
    session = identity.SandboxWeChat().exchange(f"sandbox:{name}")
    with house.transaction() as tx:
        known_by = [("wechat_openid", f"{session.appid}|{session.openid}")]
        return identity.recognise_person(tx, house.vault, known_by, now=clock.now())


def test_loading_again_changes_nothing(house) -> None:  # type: ignore[no-untyped-def]
    def state() -> list[Any]:
        with house.transaction() as tx:
            return [
                [rule.version for rule in points.rules(tx)],
                [setup.keys for setup in partners.partners(tx, house.vault).values()],
                [identity.links_of(tx, house.vault, holder) for holder in holders],
                [len(identity.consents_of(tx, holder)) for holder in holders],
                rewards.reward_states(tx, clock.today()),
            ]

    holders = [holder_of(house, member.name) for member in MEMBERS]
    before = state()
    assert {reward.left for reward in before[-1]} == {None, 20, 50}
    programme.load(house)
    assert state() == before
    assert [holder_of(house, member.name) for member in MEMBERS] == holders


def test_members_are_linked_and_consent_as_they_are_said_to(house) -> None:  # type: ignore[no-untyped-def]
    scenes = sum(len(partner.scenes) for partner in PARTNERS.values())
    holders = [holder_of(house, member.name) for member in MEMBERS]
    with house.transaction() as tx:
        for member, holder in zip(MEMBERS, holders, strict=True):
            assert len(identity.links_of(tx, house.vault, holder)) == (len(PARTNERS) if member.linked else 0)
            assert len(identity.consents_of(tx, holder)) == (scenes if member.consenting else 0)


def test_what_a_member_decided_since_is_left_alone(house) -> None:  # type: ignore[no-untyped-def]
    lin, luo = holder_of(house, "lin"), holder_of(house, "luo")
    with house.transaction() as tx:
        now = clock.now()
        identity.set_consent(tx, holder_id=lin, partner="transit", scene="commute", granted=False, now=now)
        identity.unlink(tx, lin, identity.links_of(tx, house.vault, lin)[0].id, now=now)
        identity.link_partner_user(
            tx, house.vault, holder_id=luo, partner="transit", user_ref="tr-luo", programme="members", now=now
        )
    programme.load(house)
    with house.transaction() as tx:
        granted = {(row.partner, row.scene): row.granted for row in identity.consents_of(tx, lin)}
        assert granted["transit", "commute"] is False
        assert len(identity.links_of(tx, house.vault, lin)) == len(PARTNERS) - 1
        assert [link.user_ref for link in identity.links_of(tx, house.vault, luo)] == ["tr-luo"]


def test_a_platform_signs_with_its_newest_secret(house) -> None:  # type: ignore[no-untyped-def]
    assert programme.newest_secret(house, "shop") == parse_key(PARTNERS["shop"].secret)
    with house.transaction() as tx:
        fresh = partners.rotate_secret(tx, house.vault, "shop", overlap=timedelta(hours=1), now=clock.now())
    assert programme.newest_secret(house, "shop") == parse_key(fresh)
    with pytest.raises(UnknownPartner):
        programme.newest_secret(house, "nobody")


def test_transit_has_an_ed25519_pair_beside_its_secret(house) -> None:  # type: ignore[no-untyped-def]
    with house.transaction() as tx:
        keys = partners.require_partner(tx, house.vault, "transit").keys_at(clock.now())
    private = PARTNERS["transit"].signing_key
    assert private is not None
    assert {type(key) for key in keys} == {SecretKey, PublicKey}
    assert programme.signing_key(private).public in keys


def test_rides_wait_for_a_reviewer_once(house) -> None:  # type: ignore[no-untyped-def]
    for _ in range(2):
        declared.load(house)
        with house.transaction() as tx:
            waiting = declarations.waiting(tx)
        assert [(item["state"], item["grade"], item["photos"]) for item in waiting] == [
            ("in_review", "E1", 0),
            ("in_review", "E2", 1),
        ]
