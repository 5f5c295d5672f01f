"""What WeChat says of a phone number, and what of it is believed."""

import pytest

from backend.database import make_engine, session_factory
from backend.identity.phones import PhoneCodeInvalid, PhoneUnavailable, WeChatPhones, shown_phone
from backend.settings import Settings
from backend.vault import Vault
from tests.backend.member_messages.conftest import running_twin, twin

__all__ = ["running_twin", "twin"]


def told(appid: str, country: object = "86", number: object = "13800001234", **more: object) -> dict:
    info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": country}
    return {"errcode": 0, "errmsg": "ok", "phone_info": info | {"watermark": {"timestamp": 1, "appid": appid}} | more}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_number_is_believed_from_our_mini_program_once(database_url, twin):
    settings = Settings.for_tests(database_url=database_url)
    vault = Vault(settings.vault_key, settings.fingerprint_key)
    api = twin.api(session_factory(make_engine(database_url)), vault)
    phones = WeChatPhones(api)
    twin.phones = {"a": told(api.appid), "b": told(api.appid, 86), "c": told(api.appid, "852", "51234567")}
    assert [phones.number(code) for code in "abc"] == ["+8613800001234", "+8613800001234", "+85251234567"]
    with pytest.raises(PhoneCodeInvalid):
        phones.number("a")
    foreign = [told("wx-another"), told(api.appid, watermark=None), {"errcode": 40013}, {"errcode": 0}]
    odd = [told(api.appid, number=13800001234), told(api.appid, number="1 38"), told(api.appid, True), {"errcode": -1}]
    for refusal, answers in ((PhoneCodeInvalid, foreign), (PhoneUnavailable, odd)):
        for answer in answers:
            twin.phones = {"x": answer}
            with pytest.raises(refusal):
                phones.number("x")
    for code in ("", "x y", "é", "x" * 513):
        with pytest.raises(PhoneCodeInvalid):
            phones.number(code)


def test_a_number_is_shown_without_its_middle():
    assert [shown_phone(number) for number in ("+8613800001234", "+85251234567")] == ["138****1234", "+85****67"]
