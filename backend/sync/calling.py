"""Signed calls to a platform, as Standard Webhooks 1.0.0 writes them: handing a notice over, and asking a question.

A notice is taken in by 2xx and tried again after everything else: 3xx is a failure (nothing is followed), 410 ends the
subscription, 429, 502 and 504 ask for patience.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from backend import clock, safe_http, signing, strict_json
from backend.errors import Refusal
from backend.ids import new_id
from backend.safe_http import Answer, OutsideUnavailable
from backend.strict_json import JsonValue
from backend.sync.interfaces import Answered, Notice, Target

DEADLINE_S = 5.0
#: What a receiver says to a notice is read and thrown away; one that says more than this has not understood.
MAX_ANSWER_BYTES = 65_536
QUESTION_DEADLINE_S = 20.0
MAX_PAGE_BYTES = 4_194_304
GONE, SLOW_DOWN = 410, {429, 502, 504}
LONGEST_RETRY_AFTER_S = 86_400


def deliver(target: Target, notice: Notice, *, now: datetime) -> Answered:
    """POST the notice, signed with every key that is valid; the timestamp is that of this attempt."""
    try:
        answer = _post(target, notice.id, notice.body, now, deadline_s=DEADLINE_S, max_bytes=MAX_ANSWER_BYTES)
    except OutsideUnavailable as failure:
        return Answered(False, error=failure.reason)
    except Refusal as refusal:
        return Answered(False, error=refusal.code)
    if answer.ok:
        return Answered(True, answer.status)
    patience_s = _retry_after_s(answer.headers, now)
    return Answered(
        delivered=False,
        status=answer.status,
        error=f"answered {answer.status}",
        gone=answer.status == GONE,
        slow_down=answer.status in SLOW_DOWN or patience_s is not None,
        retry_after_s=patience_s,
    )


def ask(target: Target, topic: str, data: Mapping[str, JsonValue], *, now: datetime) -> JsonValue:
    """POST a question in the form of a notice; the strict JSON of a 2xx answer.

    Raises OutsideUnavailable for every other answer or none, AddressRefused before anything is sent.
    """
    question: dict[str, JsonValue] = {"type": topic, "timestamp": clock.iso(now), "data": dict(data)}
    body = strict_json.canonical(question).encode()
    limits = {"deadline_s": QUESTION_DEADLINE_S, "max_bytes": MAX_PAGE_BYTES}
    answer = _post(target, f"ask_{new_id().hex}", body, now, **limits)
    if not answer.ok:
        raise OutsideUnavailable(f"answered {answer.status}", answer)
    return answer.json()


def _post(target: Target, id: str, body: bytes, now: datetime, *, deadline_s: float, max_bytes: float) -> Answer:
    headers = {"Content-Type": "application/json", **signing.sign(id, now, body, target.keys)}
    return safe_http.call(
        "POST",
        target.url,
        body=body,
        headers=headers,
        deadline_s=deadline_s,
        max_bytes=int(max_bytes),
        allowed_hosts=target.allowed_hosts,
    )


def _retry_after_s(headers: Mapping[str, str], now: datetime) -> int | None:
    """`Retry-After` (RFC 9110 §10.2.3), seconds or a date, as seconds from now within a day; None where unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0, int((moment - now).total_seconds())), LONGEST_RETRY_AFTER_S)
