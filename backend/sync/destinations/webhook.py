"""A signed webhook, as Standard Webhooks 1.0.0 writes it: 2xx is taken in, everything else is tried again.

3xx is a failure (nothing is followed), 410 ends the subscription, 429, 502 and 504 ask for patience.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from backend import safe_http, signing
from backend.errors import Refusal
from backend.safe_http import OutsideUnavailable
from backend.sync.interfaces import Answered, Notice, Target

DEADLINE_S = 5.0
#: What a receiver says in its answer is read and thrown away; one that says more than this has not understood.
MAX_ANSWER_BYTES = 65_536
GONE, SLOW_DOWN = 410, {429, 502, 504}
LONGEST_RETRY_AFTER_S = 86_400


class Webhook:
    kind = "webhook"

    def check_url(self, url: str, allowed_hosts: Collection[str]) -> None:
        """https and a public host by its form; the address itself is looked up at every call."""
        safe_http.check_url(url, allowed_hosts=allowed_hosts)

    def deliver(self, target: Target, notice: Notice, *, now: datetime) -> Answered:
        """POST the notice, signed with every key that is valid; the timestamp is that of this attempt."""
        headers = {"Content-Type": "application/json", **signing.sign(notice.id, now, notice.body, target.keys)}
        try:
            answer = safe_http.call(
                "POST",
                target.url,
                body=notice.body,
                headers=headers,
                deadline_s=DEADLINE_S,
                max_bytes=MAX_ANSWER_BYTES,
                allowed_hosts=target.allowed_hosts,
            )
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


DESTINATION = Webhook()
