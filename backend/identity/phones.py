"""The phone number of a member, verified by WeChat (`getuserphonenumber`), by which they are recognised.

A tap in the mini-program gives a code, good once and for five minutes. The number is sealed under the person's key,
found by a keyed index, and shown without its middle. A number that is another member's is not taken over: that the two
may be one person is noted for the operators. Source: developers.weixin.qq.com, 手机号快速验证组件 / getPhoneNumber.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.errors import NotFound, Refusal
from backend.identity.merging import PHONE, holders_of, propose
from backend.identity.models import PersonIdentity
from backend.identity.persons import add_identity, hold_person, identity_context, known_person, person_sealer
from backend.safe_http import OutsideFailure
from backend.vault import Vault
from backend.wechat_api import NoToken, WeChatApi

KIND = "phone"
PATH = "/wxa/business/getuserphonenumber"
_CODE = re.compile(r"[0-9A-Za-z_-]{1,512}")
_SANDBOX_CODE = re.compile(r"sandbox:(1[0-9]{10})")
_COUNTRY, _NUMBER = re.compile(r"[1-9][0-9]{0,3}"), re.compile(r"[0-9]{4,14}")
#: 40029 no such code; 40013 of another mini-program; 40163 spent.
_BAD_CODE = {40013, 40029, 40163}


class PhoneCodeInvalid(Refusal):
    """The code is not one, was used before, is older than five minutes or of another mini-program."""

    code = "PHONE_CODE_INVALID"
    status = 422
    title = "手机号验证码无效，请重新授权 / The code for the phone number is not valid, please try again"


class PhoneUnavailable(Refusal):
    """WeChat is busy, out of reach or says something unexpected; `reason` is for our logs."""

    code = "PHONE_UNAVAILABLE"
    status = 503
    title = "手机号验证暂时不可用，请稍后再试 / Phone numbers cannot be verified right now"

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


class PhoneTaken(Refusal):
    """Another member verified this number before. Operators are told that the two may be one person."""

    code = "PHONE_TAKEN"
    status = 409
    title = "该手机号已关联其他账户，已转交人工核对 / This number belongs to another account; operators look into it"


class PhoneProvider(Protocol):
    """Whoever can say which phone number a code stands for."""

    def number(self, code: str) -> str:
        """The number with its country, `+8613800001234`. Raises PhoneCodeInvalid, PhoneUnavailable."""
        ...


class WeChatPhones:
    """WeChat itself."""

    def __init__(self, api: WeChatApi) -> None:
        self._api = api

    def number(self, code: str) -> str:
        """Asked once, and again only where WeChat refused our token: a code that it saw is spent."""
        if not _CODE.fullmatch(code):
            raise PhoneCodeInvalid
        try:
            answer = self._api.post(PATH, {"code": code})
        except NoToken as failure:
            raise PhoneUnavailable(str(failure)) from None
        except OutsideFailure as failure:
            raise PhoneUnavailable(failure.reason) from None
        if answer["errcode"] in _BAD_CODE:
            raise PhoneCodeInvalid
        if answer["errcode"] != 0:
            raise PhoneUnavailable(f"errcode {answer['errcode']}")
        return _number_in(answer, self._api.appid)


def _number_in(answer: Mapping[str, Any], appid: str) -> str:
    """The number WeChat told, for our mini-program. The country comes as a text or as a number."""
    info = answer.get("phone_info")
    told: Mapping[str, Any] = info if isinstance(info, dict) else {}
    watermark = told.get("watermark")
    if not isinstance(watermark, dict) or watermark.get("appid") != appid:
        raise PhoneCodeInvalid
    country, number = told.get("countryCode"), told.get("purePhoneNumber")
    country = str(country) if type(country) is int else country
    if not (isinstance(country, str) and _COUNTRY.fullmatch(country)):
        raise PhoneUnavailable("no usable countryCode")
    if not (isinstance(number, str) and _NUMBER.fullmatch(number)):
        raise PhoneUnavailable("no usable purePhoneNumber")
    return f"+{country}{number}"


class SandboxPhones:
    """The twin for demonstrations and tests: the code `sandbox:13800001234` stands for that number, every time."""

    def number(self, code: str) -> str:
        match = _SANDBOX_CODE.fullmatch(code)
        if match is None:
            raise PhoneCodeInvalid
        return f"+86{match[1]}"


@dataclass(frozen=True, slots=True)
class Verified:
    """A number as it is shown; `taken` says that it is another member's, and nothing was changed."""

    shown: str
    taken: bool = False


def verify_phone(tx: Session, vault: Vault, person_id: UUID, number: str, *, now: datetime) -> Verified:
    """This is the person's number from now on, and the one before is forgotten.

    What is `taken` has to be committed: it was noted for the operators. Raises SessionEnded for who was forgotten.
    """
    hold_person(tx, person_id, alone=True)
    identity = (KIND, number)
    owner = known_person(tx, vault, identity)
    if owner is None:
        owner = add_identity(tx, vault, person_id, identity, now=now)
    if owner != person_id:
        propose(tx, person_id, owner, PHONE, now=now)
        return Verified(shown_phone(number), taken=True)
    mine = (PersonIdentity.kind == KIND, PersonIdentity.holder_id.in_(holders_of(tx, person_id)))
    tx.execute(delete(PersonIdentity).where(*mine, PersonIdentity.value_index != vault.index("identity", *identity)))
    return Verified(shown_phone(number))


def phone_of(tx: Session, vault: Vault, person_id: UUID) -> str | None:
    """The person's number as it is shown; None without one."""
    mine = (PersonIdentity.kind == KIND, PersonIdentity.holder_id.in_(holders_of(tx, person_id)))
    row = tx.scalar(select(PersonIdentity).where(*mine).order_by(PersonIdentity.recognised_at.desc()).limit(1))
    if row is None:
        return None
    return shown_phone(person_sealer(tx, vault, row.holder_id).open(row.sealed_value, identity_context(KIND)).decode())


def forget_phone(tx: Session, person_id: UUID) -> None:
    """The person is not known by a number any more. NotFound without one."""
    mine = (PersonIdentity.kind == KIND, PersonIdentity.holder_id.in_(holders_of(tx, person_id)))
    gone = delete(PersonIdentity).where(*mine).returning(PersonIdentity.kind)
    if not list(tx.scalars(gone.execution_options(synchronize_session=False))):
        raise NotFound


def forget_phones_before(tx: Session, holder_id: UUID, instant: datetime) -> None:
    """The holder took the permission back: what was verified before is forgotten."""
    mine = (PersonIdentity.kind == KIND, PersonIdentity.holder_id == holder_id, PersonIdentity.recognised_at < instant)
    tx.execute(delete(PersonIdentity).where(*mine).execution_options(synchronize_session=False))


def shown_phone(number: str) -> str:
    """`138****1234` of a number of mainland China; of any other, its country and last two digits at most."""
    local = number.removeprefix("+86")
    if local != number and len(local) == 11:
        return f"{local[:3]}****{local[-4:]}"
    return f"{number[:3]}****{number[-2:]}"
