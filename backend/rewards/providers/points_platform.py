"""A third-party platform whose units members get for their points, credited to what the platform calls them.

`exchange.placed` with the member and the number of units, `exchange.asked` and `exchange.withdrawn` with the number;
an answer that is done repeats the units. `exchange.listed` asks for the list of a day. See docs/rewards.md.
"""

from collections.abc import Collection
from datetime import date, datetime

from backend import safe_http
from backend.rewards.interfaces import Answer, Order, Page, Reference, Refused, Target
from backend.rewards.orders import speaking
from backend.rewards.orders.speaking import Asked

PLACED, ASKED, WITHDRAWN = "exchange.placed", "exchange.asked", "exchange.withdrawn"
LISTED = "exchange.listed"


class PointsPlatform:
    kind = "points_platform"

    def check_url(self, url: str, *, allowed_hosts: Collection[str], sandbox: bool) -> None:
        """https and a public host by its form; the address itself is looked up at every call."""
        safe_http.check_url(url, allowed_hosts=allowed_hosts)

    def place(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """`exchange.placed`. Without the member nothing is sent."""
        if not isinstance(order.recipient, Reference):
            return Refused("MEMBER_MISSING")
        asked = _asked(PLACED, order, item=order.item, units=order.quantity, member=order.recipient.member)
        return speaking.ask(target, order.request_no, asked, now=now)

    def query(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """`exchange.asked`."""
        return speaking.ask(target, speaking.question_id(), _asked(ASKED, order), now=now)

    def withdraw(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """`exchange.withdrawn`."""
        return speaking.ask(target, speaking.question_id(), _asked(WITHDRAWN, order), now=now)

    def listed_after(self, target: Target, day: date, request_no: str | None, *, limit: int, now: datetime) -> Page:
        """`exchange.listed`: the requests of a day, behind this number."""
        question = {"day": day.isoformat(), "after": request_no, "limit": limit}
        limits = {"max_bytes": speaking.MAX_PAGE_BYTES}
        said = speaking.send(target, speaking.question_id(), LISTED, question, now=now, **limits)
        return speaking.page(said, request_no, limit)


def _asked(type: str, order: Order, **data: str | int) -> Asked:
    return Asked(type, order.request_no, data, {"units": order.quantity})


PROVIDER = PointsPlatform()
