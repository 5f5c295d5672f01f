"""The house protocol of providers: signed requests (Standard Webhooks 1.0.0), and answers read strictly.

An answer counts only when it is whole, is JSON, and names our request number. Everything else, a redirect or an error
page of something in between included, says nothing about whether the order exists: it is Unknown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from backend import clock, safe_http, signing, strict_json
from backend.errors import Refusal
from backend.ids import new_id
from backend.rewards.interfaces import (
    STATUSES,
    Answer,
    Cancelled,
    Done,
    Listed,
    NotKnown,
    Page,
    Refused,
    Target,
    Unknown,
    Withdrawn,
)
from backend.safe_http import OutsideFailure, OutsideUnavailable
from backend.strict_json import JsonValue

MAX_ANSWER_BYTES = 16_384
MAX_PAGE_BYTES = 4_194_304
MAX_AMOUNT = 2**53 - 1

#: Said by something in between, or about the moment: no refusal of an order.
_LATER = {401, 403, 404, 405, 407, 408, 425, 429}
_CODE = re.compile("[A-Z][A-Z0-9_]{0,63}")
_REFERENCE = re.compile("[!-~]{1,128}")
_NUMBER = re.compile("rdm_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One message to a provider: its type, its data, and what the answer has to repeat besides the number."""

    type: str
    request_no: str
    data: Mapping[str, JsonValue]
    echoed: Mapping[str, JsonValue]

    @property
    def places(self) -> bool:
        """Whether it orders something. Only that can be refused by a status: a question that is refused is open."""
        return self.type.endswith(".placed")


def ask(target: Target, message_id: str, asked: Asked, *, now: datetime) -> Answer:
    """Send one message and read what is said to it; never an exception for anything the provider does."""
    try:
        said = send(target, message_id, asked.type, {"request_no": asked.request_no, **asked.data}, now=now)
    except OutsideFailure as failure:
        return Unknown(failure.reason)
    except Refusal as refusal:
        return Unknown(refusal.code)
    return read(said, asked)


def send(
    target: Target,
    message_id: str,
    type: str,
    data: Mapping[str, JsonValue],
    *,
    now: datetime,
    max_bytes: int = MAX_ANSWER_BYTES,
) -> safe_http.Answer:
    """POST one signed message. Raises OutsideUnavailable, AddressRefused."""
    message: dict[str, JsonValue] = {"type": type, "timestamp": clock.iso(now), "data": dict(data)}
    body = strict_json.canonical(message).encode()
    return safe_http.call(
        "POST",
        target.url,
        body=body,
        headers={"Content-Type": "application/json", **signing.sign(message_id, now, body, target.keys)},
        deadline_s=target.deadline_s,
        max_bytes=max_bytes,
        allowed_hosts=target.allowed_hosts,
    )


def question_id() -> str:
    """A question is asked anew each time, so that nobody takes it for a repeat and keeps silent."""
    return f"ask_{new_id().hex}"


def read(said: safe_http.Answer, asked: Asked) -> Answer:
    """What an HTTP answer means: 2xx with a status, 4xx with a code, each with our number; all else is Unknown."""
    if not (said.ok or (asked.places and 400 <= said.status < 500 and said.status not in _LATER)):
        return Unknown(f"answered {said.status}")
    try:
        told = said.json()
    except OutsideUnavailable as failure:
        return Unknown(failure.reason)
    if not isinstance(told, dict) or told.get("request_no") != asked.request_no:
        return Unknown(f"answered {said.status} about something else")
    return meaning(told, asked) if said.ok else _refusal(said.status, told)


def meaning(told: Mapping[str, JsonValue], asked: Asked) -> Answer:
    """What an accepted answer that names our number says."""
    status = told.get("status")
    if status == "not_known":
        return NotKnown()
    if status == "withdrawn":
        return Withdrawn()
    if status in ("refused", "cancelled"):
        code = told.get("code")
        if not (isinstance(code, str) and _CODE.fullmatch(code)):
            return Unknown(f"{status} without a code")
        return Refused(code) if status == "refused" else Cancelled(code)
    reference = told.get("reference")
    if status not in STATUSES or not (isinstance(reference, str) and _REFERENCE.fullmatch(reference)):
        return Unknown("answered with a status or reference that is none")
    if any(type(told.get(name)) is not type(value) or told.get(name) != value for name, value in asked.echoed.items()):
        return Unknown("did something else than was asked: " + ", ".join(sorted(asked.echoed)))
    return Done(reference, str(status))


def _refusal(status: int, told: Mapping[str, JsonValue]) -> Answer:
    code = told.get("code")
    return Refused(code) if isinstance(code, str) and _CODE.fullmatch(code) else Unknown(f"answered {status}")


def page(said: safe_http.Answer, after: str | None, limit: int) -> Page:
    """A page of a day's list, read strictly. Raises OutsideUnavailable where it makes no sense."""
    if not said.ok:
        raise OutsideUnavailable(f"answered {said.status}", said)
    told = said.json()
    try:
        return _page(told, after or "", limit)
    except (KeyError, TypeError, ValueError):
        reason = "the list cannot be read"
    raise OutsideUnavailable(reason, said)


def _page(told: JsonValue, after: str, limit: int) -> Page:
    if not isinstance(told, dict) or not isinstance(told["requests"], list):
        raise TypeError
    listed = tuple(_listed(item) for item in told["requests"])
    numbers = [item.request_no for item in listed]
    complete = told["complete"]
    if not isinstance(complete, bool) or numbers != sorted(set(numbers)) or len(listed) > limit:
        raise ValueError
    if (numbers and numbers[0] <= after) or not (numbers or complete):
        raise ValueError
    return Page(listed, complete)


def _listed(item: JsonValue) -> Listed:
    if not isinstance(item, dict):
        raise TypeError
    number, amount, status = item["request_no"], item["quantity"], item["status"]
    if not (isinstance(number, str) and _NUMBER.fullmatch(number) and isinstance(status, str) and len(status) <= 32):
        raise ValueError
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT:
        raise ValueError
    return Listed(number, amount, status)
