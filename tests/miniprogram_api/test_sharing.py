"""A member reads which platforms would be told about them, agrees, and takes it back."""

from backend import clock, sync
from tests.miniprogram_api.test_consents_and_links import put

TEXT = "sharing-2026-01"
PURPOSE = {"zh": "会员等级", "en": "membership levels"}


def handler(world) -> None:
    with world.house.transaction() as tx:
        how = {"url": "https://leisure.example/", "title": "乐享会员", "contact": "privacy@leisure.example"}
        sync.add_destination(
            tx,
            world.house.vault,
            code="leisure",
            basis="consent",
            purpose=" / ".join(PURPOSE.values()),
            now=clock.now(),
            **how,
        )
        entrusted = {"code": "ranking", "url": "https://ranking.example/", "basis": "entrusted"}
        sync.add_destination(tx, world.house.vault, now=clock.now(), **entrusted)


def test_a_platform_is_named_with_its_purpose_agreed_to_and_withdrawn_from(world):
    handler(world)
    member = world.login("alice")
    asked = member.get("/me/consents").json
    (offered,) = [item for item in asked["consents"] if item["scene"] == "sharing"]
    assert asked["sharing_text"]["version"] == TEXT
    assert (offered["partner"], offered["state"]) == ("leisure", "never_given"), "nobody is asked about ranking"
    recipient = {"title": "乐享会员", "contact": "privacy@leisure.example", "purpose": PURPOSE}
    assert offered["recipient"] == recipient
    assert member.get("/me/consents/leisure/sharing/receipt").status_code == 404

    sharing = {"partner": "leisure", "scene": "sharing", "granted": True}
    for text in ("2026-01", "nonsense"):
        assert put(member, **sharing, text_version=text).json["code"] == "UNKNOWN_CONSENT_TEXT"
    assert put(member, partner="transit", scene="commute", granted=True, text_version=TEXT).status_code == 422
    for partner, scene, code in (
        ("ranking", "sharing", "UNKNOWN_DESTINATION"),
        ("leisure", "commute", "UNKNOWN_PARTNER"),
    ):
        refused = put(member, partner=partner, scene=scene, granted=True, text_version=TEXT)
        assert (refused.status_code, refused.json["code"]) == (404, code)

    assert "余额" in asked["sharing_text"]["text"]["zh"]
    granted = put(member, **sharing, text_version=TEXT).json
    assert (granted["state"], granted["recipient"]) == ("granted", recipient)
    assert put(member, partner="leisure", scene="sharing", granted=False).json["state"] == "withdrawn"
    shown = member.get("/me/consents/leisure/sharing/receipt").json
    assert shown["text"]["version"] == TEXT and shown["purpose"] == PURPOSE
    assert "余额" in shown["collected"]["zh"] and shown["collected_from"]["en"] == "this programme"
    assert "乐享会员" in shown["given_to"]["zh"] and "privacy@leisure.example" in shown["given_to"]["en"]
    assert (
        "第二十三条" in shown["legal_ground"]["zh"] and "撤回后不再提供" in shown["on_withdrawal"]["future_data"]["zh"]
    )
    assert [change["granted"] for change in shown["changes"]] == [False, True]

    with world.house.transaction() as tx:
        sync.retire(tx, "leisure", now=clock.now())
    assert put(member, **sharing, text_version=TEXT).json["code"] == "PARTNER_INACTIVE"
    assert member.get("/me/consents/leisure/sharing/receipt").json["changes"] == shown["changes"]
    others = world.login("bob").get("/me/consents").json["consents"]
    assert not [item for item in others if item["scene"] == "sharing"], "nobody is asked any more"
